/**
 * Admission policies as they are configured: compiled when the first request comes that they might concern, and kept until a policy or
 * a binding changes. Policies without bindings do nothing.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/generic/policy_source.go
 */
import { type ApiObject, type KindDefinition, loadExpressions } from '../../../src/api/index.ts';
import type { Operation } from '../admission/plugin.ts';
import type { Server } from '../server.ts';
import { type Matcher, type MatchResources, matcherOf } from './matching.ts';

export interface ParamKind {
  readonly apiVersion: string;
  readonly kind: string;
}

export interface ParamRef {
  readonly name?: string;
  readonly namespace?: string;
  readonly selector?: object;
  readonly parameterNotFoundAction?: string;
}

export interface Binding {
  readonly name: string;
  readonly matcher: Matcher | undefined;
  readonly paramRef: ParamRef | undefined;
  /** Deny, Warn, Audit; of validating policies. */
  readonly actions: readonly string[];
}

/** What policies of both kinds have in common; `Rules` is what one of them does. */
export interface Policy<Rules> {
  readonly name: string;
  readonly matcher: Matcher;
  readonly paramKind: ParamKind | undefined;
  readonly ignoresFailure: boolean;
  readonly bindings: readonly Binding[];
  readonly rules: Rules;
}

interface PolicySpec {
  readonly matchConstraints?: MatchResources;
  readonly paramKind?: ParamKind;
  readonly failurePolicy?: string;
}

interface BindingSpec {
  readonly policyName: string;
  readonly matchResources?: MatchResources;
  readonly paramRef?: ParamRef;
  readonly validationActions?: readonly string[];
}

export interface PolicySource<Rules> {
  /** The policies whose rules may be about such requests. Expressions are loaded before it resolves. */
  about(kind: KindDefinition, operation: Operation, subresource: string): Promise<readonly Policy<Rules>[]>;
  /** The same at once; undefined when it has to be worked out first. */
  known(kind: KindDefinition, operation: Operation, subresource: string): readonly Policy<Rules>[] | undefined;
}

export function createPolicySource<Rules>(
  server: Server,
  prefixes: { readonly policies: string; readonly bindings: string },
  rulesOf: (policy: ApiObject) => Rules,
): PolicySource<Rules> {
  const policyCache = server.caches.cacheOf(prefixes.policies, false);
  const bindingCache = server.caches.cacheOf(prefixes.bindings, false);
  let policies: readonly Policy<Rules>[] | undefined;
  let routes = new Map<string, readonly Policy<Rules>[]>();
  let generation = -1;
  const forget = (): void => {
    policies = undefined;
    routes = new Map();
  };
  for (const prefix of [prefixes.policies, prefixes.bindings]) server.caches.onChange(prefix, forget);

  function configured(): readonly Policy<Rules>[] {
    const byPolicy = new Map<string, Binding[]>();
    for (const { name, object } of bindingCache.list()) {
      const spec = object['spec'] as BindingSpec;
      const binding: Binding = {
        name,
        matcher: spec.matchResources === undefined ? undefined : matcherOf(spec.matchResources, server, true),
        paramRef: spec.paramRef,
        actions: spec.validationActions ?? [],
      };
      const bindings = byPolicy.get(spec.policyName);
      if (bindings === undefined) byPolicy.set(spec.policyName, [binding]);
      else bindings.push(binding);
    }
    return policyCache.list().flatMap(({ name, object }) => {
      const bindings = byPolicy.get(name);
      if (bindings === undefined) return [];
      const { matchConstraints = {}, paramKind, failurePolicy } = object['spec'] as PolicySpec;
      return [
        {
          name,
          matcher: matcherOf(matchConstraints, server, false),
          paramKind,
          ignoresFailure: failurePolicy === 'Ignore',
          bindings,
          rules: rulesOf(object),
        },
      ];
    });
  }

  const routeKey = (kind: KindDefinition, operation: Operation, subresource: string): string =>
    `${operation} ${kind.group}/${kind.version}/${kind.plural}/${subresource}`;

  return {
    known(kind, operation, subresource) {
      if (generation !== server.registry.generation) {
        // A kind may have got a version more that a policy names.
        generation = server.registry.generation;
        forget();
      }
      return routes.get(routeKey(kind, operation, subresource));
    },
    async about(kind, operation, subresource) {
      await loadExpressions();
      policies ??= configured();
      const found = policies.filter(({ matcher }) => matcher.kindFor(kind, operation, subresource) !== undefined);
      routes.set(routeKey(kind, operation, subresource), found);
      return found;
    },
  };
}
