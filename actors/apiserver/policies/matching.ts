/**
 * Whether a policy or a binding is about a request: by its rules, those that take out, and its selectors.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/matching/matching.go
 */
import {
  type ApiObject,
  type KindDefinition,
  type LabelSelector,
  labelSelectorOf,
  StatusError,
} from '../../../src/api/index.ts';
import type { Attributes, Operation } from '../admission/plugin.ts';
import type { Server } from '../server.ts';
import { type Rule, ruleMatches } from '../webhooks/rules.ts';

interface NamedRule extends Rule {
  readonly resourceNames?: readonly string[];
}

export interface MatchResources {
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
  readonly resourceRules?: readonly NamedRule[];
  readonly excludeResourceRules?: readonly NamedRule[];
  readonly matchPolicy?: string;
}

export interface Matcher {
  /** The version that the rules name, or an equivalent one; undefined when none is about such requests. */
  kindFor(kind: KindDefinition, operation: Operation, subresource: string): KindDefinition | undefined;
  /** Whether it is about the request. @throws StatusError 404 when the namespace whose labels it takes is not there */
  matches(attributes: Attributes): boolean;
}

/** `isBinding`: without rules of its own everything matches. */
export function matcherOf(match: MatchResources, server: Server, isBinding: boolean): Matcher {
  const { resourceRules = [], excludeResourceRules = [] } = match;
  const namespaces = selectorOf(match.namespaceSelector);
  const objects = selectorOf(match.objectSelector);
  const isExact = match.matchPolicy === 'Exact';
  const kindFor: Matcher['kindFor'] = (kind, operation, subresource) => {
    if (isBinding && resourceRules.length === 0) return kind;
    return ruleKind(resourceRules, kind, operation, subresource, isExact, server)?.kind;
  };
  return {
    kindFor,
    matches(attributes) {
      const { kind, operation, subresource, name } = attributes;
      if (namespaces !== undefined) {
        const labels = namespaceLabels(attributes, server);
        if (labels !== undefined && !namespaces.matches(labels)) return false;
      }
      if (objects !== undefined) {
        const { object, previous } = attributes;
        if (![object, previous].some((each) => each !== undefined && objects.matches(labelsOf(each)))) return false;
      }
      const named = (rules: readonly NamedRule[]) =>
        ruleKind(
          rules.filter((rule) => namesMatch(rule, name)),
          kind,
          operation,
          subresource,
          isExact,
          server,
        );
      if (named(excludeResourceRules) !== undefined) return false;
      return (isBinding && resourceRules.length === 0) || named(resourceRules) !== undefined;
    },
  };
}

type Labels = Readonly<Record<string, string>>;

function selectorOf(selector: LabelSelector | undefined) {
  const selects = Object.keys(selector?.matchLabels ?? {}).length > 0 || (selector?.matchExpressions?.length ?? 0) > 0;
  return selects ? labelSelectorOf(selector) : undefined;
}

function namesMatch({ resourceNames }: NamedRule, name: string): boolean {
  return resourceNames === undefined || resourceNames.length === 0 || resourceNames.includes(name);
}

function ruleKind(
  rules: readonly NamedRule[],
  kind: KindDefinition,
  operation: Operation,
  subresource: string,
  isExact: boolean,
  server: Server,
): { kind: KindDefinition } | undefined {
  if (rules.some((rule) => ruleMatches(rule, kind, operation, subresource))) return { kind };
  if (isExact || rules.length === 0) return undefined;
  const others = server.registry
    .all()
    .filter((other) => other !== kind && other.storagePrefix === kind.storagePrefix && other.kind === kind.kind);
  for (const rule of rules) {
    const found = others.find(
      (other) =>
        ruleMatches(rule, other, operation, subresource) &&
        (subresource === '' || (other.subresources ?? []).some(({ name }) => name === subresource)),
    );
    if (found !== undefined) return { kind: found };
  }
  return undefined;
}

const labelsOf = (object: ApiObject): Labels => (object.metadata.labels ?? {}) as Labels;

/** Undefined for what is in no namespace: selectors of namespaces let it through. */
function namespaceLabels({ kind, object, operation, namespace, name }: Attributes, server: Server): Labels | undefined {
  const isNamespace = kind.group === '' && kind.plural === 'namespaces';
  if (!kind.namespaced && !isNamespace) return undefined;
  if (isNamespace && (operation === 'CREATE' || operation === 'UPDATE') && object !== undefined)
    return labelsOf(object);
  const found = namespaceNamed(isNamespace ? name : (namespace ?? ''), server);
  if (found === undefined) {
    throw StatusError.notFound({ group: '', name: 'namespaces' }, isNamespace ? name : (namespace ?? ''));
  }
  return labelsOf(found);
}

export function namespaceNamed(name: string, server: Server): ApiObject | undefined {
  const cache = server.caches.cacheOf('/registry/namespaces', false);
  return cache.get(cache.keyOf(undefined, name))?.object;
}
