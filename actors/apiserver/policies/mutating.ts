/**
 * Lets the mutating policies change an object, one after another, each on what the one before has made of it.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/mutating/dispatcher.go, patch/smd.go, patch/json_patch.go
 */
import {
  type ApiObject,
  aggregateText,
  applyJsonPatch,
  ConfigurationError,
  decodePatched,
  expressions,
  type KindDefinition,
  mergeConfiguration,
  StatusError,
} from '../../../src/api/index.ts';
import { type Attributes, refusal } from '../admission/plugin.ts';
import { expectedKindOf } from '../bodies.ts';
import { messageOf } from '../failures.ts';
import type { Server } from '../server.ts';
import { sameValue } from '../stages/defaulting.ts';
import { Rounds } from '../webhooks/rounds.ts';
import { shownIn, takeOver } from '../webhooks/versions.ts';
import { type Compiled, type Composition, composeExpressions, measuredMatch, Run } from './composition.ts';
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

/** A mutation that could not be carried out: the policy's failure policy says what becomes of the request. */
class MutationError extends Error {}

interface Failure {
  readonly message: string;
  /** What the answer gives as its reason; undefined: that of a refusal. */
  readonly reason: string | undefined;
}

/** @throws StatusError when a policy fails and must not, or has made of the object what is none of its kind */
export async function mutateByPolicies(
  policies: readonly MutatingPolicy[],
  attributes: Attributes,
  server: Server,
): Promise<void> {
  const rounds = Rounds.begin('MutatingAdmissionPolicy', attributes);
  const failures: Failure[] = [];
  for (const policy of policies) {
    const fail = (binding: Binding | undefined, text: string, reason?: string): void => {
      if (policy.ignoresFailure) return;
      const by =
        binding === undefined ? `policy '${policy.name}'` : `policy '${policy.name}' with binding '${binding.name}'`;
      failures.push({ message: `${by} denied request: ${text}`, reason });
    };
    const misconfigured = (binding: Binding | undefined, error: unknown): void => {
      if (!(error instanceof BindingError) && !(error instanceof StatusError)) throw error;
      fail(binding, `failed to configure ${binding === undefined ? 'policy' : 'binding'}: ${messageOf(error)}`);
    };
    try {
      if (!policy.matcher.matches(attributes)) continue;
    } catch (error) {
      misconfigured(undefined, error);
      continue;
    }
    for (const binding of policy.bindings) {
      let params: readonly (ApiObject | null)[];
      try {
        if (binding.matcher?.matches(attributes) === false) continue;
        params = paramsOf(policy.paramKind, binding.paramRef, attributes, server);
      } catch (error) {
        misconfigured(binding, error);
        continue;
      }
      for (const [index, param] of params.entries()) {
        const id = `${policy.name}/${binding.name}/${index}`;
        if (rounds.skips(id, attributes)) continue;
        const changed = await mutate(policy, binding, attributes, param, server, (text) =>
          fail(binding, text, 'Invalid'),
        );
        if (changed !== undefined) rounds.note(id, policy.rules.reinvokes, changed, attributes);
      }
    }
  }
  rounds.end(attributes);
  const [first] = failures;
  if (first === undefined) return;
  const { status } = refusal(attributes, first.message);
  const causes = failures.map(({ message }) => ({ message }));
  // The code stays that of a refusal, whatever the reason.
  throw StatusError.fromStatus({
    ...status,
    message: first.message,
    reason: first.reason ?? status.reason,
    details: { ...status.details, causes },
  });
}

/**
 * Whether it has changed the object; undefined when it has nothing to say of it. A mutation that fails does not keep those after it
 * from being made.
 */
async function mutate(
  { name, matcher, rules }: MutatingPolicy,
  binding: Binding,
  attributes: Attributes,
  param: ApiObject | null,
  server: Server,
  fail: (text: string) => void,
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
  const matched = measuredMatch(rules.composition, run, name, operation, server);
  if ('errors' in matched) {
    fail(aggregateText(matched.errors));
    return undefined;
  }
  if (!matched.matches) return undefined;
  const before = shown;
  const { clock } = server.context;
  for (const { type, expression } of rules.mutations) {
    // Each mutation sees what those before it have made, its variables too.
    const changed: unknown = shown === before ? undefined : readJson(shown, dynType);
    const startedMs = clock.monotonic();
    const told = (message: string | undefined) => {
      const seconds = (clock.monotonic() - startedMs) / 1000;
      server.metrics.admission.mutated({ policy: name, binding: binding.name, message, seconds });
    };
    const result = (changed === undefined ? run : runOf({ ...request, object: changed })).evaluate(expression);
    try {
      if ('error' in result) throw new MutationError(result.error);
      shown = type === 'JSONPatch' ? patched(shown, result.value, kind) : configured(shown, result.value, kind);
      told(undefined);
    } catch (error) {
      told(messageOf(error));
      if (!(error instanceof MutationError)) throw error;
      fail(error.message);
    }
  }
  if (sameValue(shown, before)) return false;
  await takeOver(attributes, kind, shown, server);
  return true;
}

const TEST_FAILED = ': test failed';

/** The object with a patch applied; as it was when a test in the patch fails. @throws StatusError 500 for what the kind does not have */
function patched(shown: ApiObject, value: unknown, kind: KindDefinition): ApiObject {
  const operations = made(() => expressions().patchOperationsOf(value));
  let isTestFailed = false;
  let result: unknown;
  try {
    result = applyJsonPatch(shown, operations, (reason) => {
      isTestFailed = reason.endsWith(TEST_FAILED);
      return StatusError.badRequest(`JSON Patch: ${reason}`);
    });
  } catch (error) {
    if (isTestFailed) return shown;
    throw error instanceof StatusError ? new MutationError(error.message) : error;
  }
  // A part such as a scale is of another kind; of custom kinds anything is taken until they are pruned.
  if (kind.custom === undefined && shown['kind'] === kind.kind) {
    decodePatched(result, expectedKindOf(kind), 'Strict', (reason) => StatusError.internalError(reason));
  }
  return result as ApiObject;
}

function configured(shown: ApiObject, value: unknown, { definition, custom }: KindDefinition): ApiObject {
  const configuration = made(() => expressions().configurationOf(value));
  try {
    return mergeConfiguration(shown, configuration, definition, custom);
  } catch (error) {
    throw error instanceof ConfigurationError ? new MutationError(error.message) : error;
  }
}

/** Errors of expressions, as errors of the mutation. */
function made<Value>(make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    if (error instanceof expressions().CelError) throw new MutationError(error.message);
    throw error;
  }
}
