/**
 * Lets the mutating policies change an object, one after another, each on what the one before has made of it.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/mutating/dispatcher.go, patch/smd.go, patch/json_patch.go
 */
import {
  type ApiObject,
  applyJsonPatch,
  expressions,
  mergeConfiguration,
  StatusError,
} from '../../../src/api/index.ts';
import { type Attributes, refusal } from '../admission/plugin.ts';
import { messageOf } from '../failures.ts';
import type { Server } from '../server.ts';
import { sameValue } from '../stages/defaulting.ts';
import { Rounds } from '../webhooks/rounds.ts';
import { shownIn, takeOver } from '../webhooks/versions.ts';
import { type Compiled, type Composition, composeExpressions, Run } from './composition.ts';
import { BindingError, paramsOf } from './params.ts';
import type { Binding, Policy } from './policies.ts';
import { requestVariables, type Variables } from './request-variables.ts';

interface Mutation {
  readonly type: 'ApplyConfiguration' | 'JSONPatch';
  readonly expression: Compiled;
}

/** What a MutatingAdmissionPolicy does. */
export interface MutatingRules {
  readonly composition: Composition;
  readonly mutations: readonly Mutation[];
  /** Asked again when the object has changed after it. */
  readonly reinvokes: boolean;
}

interface MutatingSpec {
  readonly mutations?: readonly {
    patchType: Mutation['type'];
    applyConfiguration?: { expression: string };
    jsonPatch?: { expression: string };
  }[];
  readonly reinvocationPolicy?: string;
}

export function mutatingRules(policy: ApiObject): MutatingRules {
  const { mutations = [], reinvocationPolicy } = policy['spec'] as MutatingSpec;
  const composition = composeExpressions(policy, expressions().mutationMessage);
  return {
    composition,
    mutations: mutations.map(({ patchType, applyConfiguration, jsonPatch }) => ({
      type: patchType,
      expression: composition.compile((applyConfiguration ?? jsonPatch)?.expression ?? ''),
    })),
    reinvokes: reinvocationPolicy === 'IfNeeded',
  };
}

type MutatingPolicy = Policy<MutatingRules>;

/** A mutation that could not be carried out. */
class MutationError extends Error {}

/** @throws StatusError when a policy fails and must not */
export async function mutateByPolicies(
  policies: readonly MutatingPolicy[],
  attributes: Attributes,
  server: Server,
): Promise<void> {
  const rounds = Rounds.begin('MutatingAdmissionPolicy', attributes);
  const failures: string[] = [];
  for (const policy of policies) {
    const failed = (binding: Binding | undefined, error: unknown, configuring: boolean): void => {
      const known = error instanceof BindingError || error instanceof MutationError || error instanceof StatusError;
      if (!known) throw error;
      if (policy.ignoresFailure) return;
      const prefix = configuring ? `failed to configure ${binding === undefined ? 'policy' : 'binding'}: ` : '';
      const by =
        binding === undefined ? `policy '${policy.name}'` : `policy '${policy.name}' with binding '${binding.name}'`;
      failures.push(`${by} denied request: ${prefix}${messageOf(error)}`);
    };
    try {
      if (!policy.matcher.matches(attributes)) continue;
    } catch (error) {
      failed(undefined, error, true);
      continue;
    }
    for (const binding of policy.bindings) {
      let params: readonly (ApiObject | null)[];
      try {
        if (binding.matcher?.matches(attributes) === false) continue;
        params = paramsOf(policy.paramKind, binding.paramRef, attributes, server);
      } catch (error) {
        failed(binding, error, true);
        continue;
      }
      for (const [index, param] of params.entries()) {
        const id = `${policy.name}/${binding.name}/${index}`;
        if (rounds.skips(id, attributes)) continue;
        try {
          const changed = await mutate(policy, attributes, param, server);
          if (changed !== undefined) rounds.note(id, policy.rules.reinvokes, changed, attributes);
        } catch (error) {
          failed(binding, error, false);
        }
      }
    }
  }
  rounds.end(attributes);
  const [first] = failures;
  if (first === undefined) return;
  const { status } = refusal(attributes, first);
  const causes = failures.map((message) => ({ message }));
  throw StatusError.fromStatus({ ...status, message: first, details: { ...status.details, causes } });
}

/** Whether it has changed the object; undefined when it has nothing to say of it. @throws MutationError */
async function mutate(
  { matcher, rules }: MutatingPolicy,
  attributes: Attributes,
  param: ApiObject | null,
  server: Server,
): Promise<boolean | undefined> {
  const { readJson, dynType } = expressions();
  const { kind: requested, operation, subresource } = attributes;
  const kind = matcher.kindFor(requested, operation, subresource) ?? requested;
  let { object: shown } = await shownIn(attributes, kind, server);
  if (shown === undefined) return undefined;
  const request = await requestVariables(attributes, kind, server);
  const params = param === null ? null : readJson(param, dynType);
  const runOf = (variables: Variables): Run => new Run(rules.composition, variables, params);
  const run = runOf(request);
  const matched = rules.composition.conditions.evaluate(run.variables);
  if ('errors' in matched) throw new MutationError(matched.errors.join(', '));
  if (!matched.matches) return undefined;
  const before = shown;
  for (const { type, expression } of rules.mutations) {
    // Each mutation sees what those before it have made, its variables too.
    const changed: unknown = shown === before ? undefined : readJson(shown, dynType);
    const result = (changed === undefined ? run : runOf({ ...request, object: changed })).evaluate(expression);
    if ('error' in result) throw new MutationError(result.error);
    shown =
      type === 'JSONPatch'
        ? patched(shown, result.value)
        : configured(shown, result.value, kind.definition, kind.custom);
  }
  if (sameValue(shown, before)) return false;
  await takeOver(attributes, kind, shown, server);
  return true;
}

function patched(shown: ApiObject, value: unknown): ApiObject {
  const operations = made(() => expressions().patchOperationsOf(value));
  return applyJsonPatch(shown, operations, (reason) => StatusError.badRequest(`JSON Patch: ${reason}`)) as ApiObject;
}

function configured(
  shown: ApiObject,
  value: unknown,
  definition: string,
  custom: Parameters<typeof mergeConfiguration>[3],
): ApiObject {
  const configuration = made(() => expressions().configurationOf(value));
  return made(() => mergeConfiguration(shown, configuration, definition, custom));
}

/** Errors of expressions and merges, as errors of the mutation. */
function made<Value>(make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    if (error instanceof StatusError || error instanceof expressions().CelError) throw new MutationError(error.message);
    throw error;
  }
}
