/**
 * The webhooks that are configured, in the order in which they are called: by the names of their configurations, then as
 * listed. Which of them a kind of request concerns by its rules is worked out once, until a configuration changes.
 */
import {
  type KindDefinition,
  type LabelSelector,
  labelSelectorOf,
  type ParsedLabelSelector,
} from '../../../src/api/index.ts';
import type { Attributes, Operation } from '../admission/plugin.ts';
import type { Server } from '../server.ts';
import { type Rule, ruleMatches } from './rules.ts';
import type { ClientConfig } from './targets.ts';

export interface MatchCondition {
  readonly name: string;
  readonly expression: string;
}

export interface Hook {
  readonly configuration: string;
  /** Unique over all configurations, for remembering which were called. */
  readonly id: string;
  readonly name: string;
  readonly clientConfig: ClientConfig;
  readonly rules: readonly Rule[];
  readonly ignoresFailure: boolean;
  readonly matchesEquivalent: boolean;
  readonly namespaceSelector: ParsedLabelSelector;
  readonly objectSelector: ParsedLabelSelector;
  /** An empty selector selects everything and needs no look at labels. */
  readonly selectsNamespaces: boolean;
  readonly selectsObjects: boolean;
  readonly hasSideEffects: boolean;
  readonly timeoutSeconds: number;
  readonly reviewVersions: readonly string[];
  readonly reinvokes: boolean;
  readonly matchConditions: readonly MatchCondition[];
}

/** A hook that a request concerns, and the version in which it wants to see the objects. */
export interface MatchedHook {
  readonly hook: Hook;
  /** Its place among all hooks that are configured. */
  readonly index: number;
  readonly kind: KindDefinition;
}

export interface HookSource {
  matching(kind: KindDefinition, operation: Operation, subresource: string): readonly MatchedHook[];
}

interface Configured {
  readonly name: string;
  readonly clientConfig: ClientConfig;
  readonly rules?: readonly Rule[];
  readonly failurePolicy?: string;
  readonly matchPolicy?: string;
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
  readonly sideEffects?: string;
  readonly timeoutSeconds?: number;
  readonly admissionReviewVersions?: readonly string[];
  readonly reinvocationPolicy?: string;
  readonly matchConditions?: readonly MatchCondition[];
}

const TIMEOUT_SECONDS = 10;

/** Webhooks and policies are never asked about webhooks and policies: nobody could take a broken one away. */
const EXEMPT = [
  'validatingwebhookconfigurations',
  'mutatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
];

export function isExempt({ group, plural }: KindDefinition): boolean {
  return group === 'admissionregistration.k8s.io' && EXEMPT.includes(plural);
}

function createHookSource(server: Server, storagePrefix: string): HookSource {
  const cache = server.caches.cacheOf(storagePrefix, false);
  let hooks: readonly Hook[] | undefined;
  let routes = new WeakMap<KindDefinition, Map<string, readonly MatchedHook[]>>();
  server.caches.onChange(storagePrefix, () => {
    hooks = undefined;
    routes = new WeakMap();
  });
  return {
    matching(kind, operation, subresource) {
      hooks ??= cache.list().flatMap(({ name, object }) => {
        const configured = (object['webhooks'] ?? []) as readonly Configured[];
        return configured.map((hook, index) => hookOf(name, index, hook));
      });
      let ofKind = routes.get(kind);
      if (ofKind === undefined) {
        ofKind = new Map();
        routes.set(kind, ofKind);
      }
      const key = `${operation} ${subresource}`;
      let matched = ofKind.get(key);
      if (matched === undefined) {
        matched = hooks.flatMap((hook, index) => {
          const seenAs = kindFor(hook, kind, operation, subresource, server);
          return seenAs === undefined ? [] : [{ hook, index, kind: seenAs }];
        });
        ofKind.set(key, matched);
      }
      return matched;
    },
  };
}

function hookOf(configuration: string, index: number, hook: Configured): Hook {
  const { namespaceSelector, objectSelector } = hook;
  return {
    configuration,
    id: `${configuration}/${hook.name}/${index}`,
    name: hook.name,
    clientConfig: hook.clientConfig,
    rules: hook.rules ?? [],
    ignoresFailure: hook.failurePolicy === 'Ignore',
    matchesEquivalent: hook.matchPolicy !== 'Exact',
    namespaceSelector: labelSelectorOf(namespaceSelector ?? {}),
    objectSelector: labelSelectorOf(objectSelector ?? {}),
    selectsNamespaces: selects(namespaceSelector),
    selectsObjects: selects(objectSelector),
    hasSideEffects: hook.sideEffects !== 'None' && hook.sideEffects !== 'NoneOnDryRun',
    timeoutSeconds: hook.timeoutSeconds ?? TIMEOUT_SECONDS,
    reviewVersions: hook.admissionReviewVersions ?? [],
    reinvokes: hook.reinvocationPolicy === 'IfNeeded',
    matchConditions: hook.matchConditions ?? [],
  };
}

function selects(selector: LabelSelector | undefined): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length > 0 || (selector?.matchExpressions?.length ?? 0) > 0;
}

/** The version that the hook's rules name: the request's own, or another one that the same objects are served in. */
function kindFor(
  hook: Hook,
  kind: KindDefinition,
  operation: Operation,
  subresource: string,
  server: Server,
): KindDefinition | undefined {
  if (hook.rules.some((rule) => ruleMatches(rule, kind, operation, subresource))) return kind;
  if (!hook.matchesEquivalent) return undefined;
  const others = [...server.registry.all()].filter((other) => other !== kind && isEquivalent(other, kind, subresource));
  for (const rule of hook.rules) {
    const found = others.find((other) => ruleMatches(rule, other, operation, subresource));
    if (found !== undefined) return found;
  }
  return undefined;
}

function isEquivalent(other: KindDefinition, kind: KindDefinition, subresource: string): boolean {
  if (other.storagePrefix !== kind.storagePrefix || other.kind !== kind.kind) return false;
  return subresource === '' || (other.subresources ?? []).some(({ name }) => name === subresource);
}

const sources = new WeakMap<Server, Map<string, HookSource>>();

/** The hooks registered below a prefix that ask about such a request; undefined when none does. */
export function hooksFor(attributes: Attributes, server: Server, storagePrefix: string): HookSource | undefined {
  let ofServer = sources.get(server);
  if (ofServer === undefined) {
    ofServer = new Map();
    sources.set(server, ofServer);
  }
  let source = ofServer.get(storagePrefix);
  if (source === undefined) {
    source = createHookSource(server, storagePrefix);
    ofServer.set(storagePrefix, source);
  }
  const { kind, operation, subresource } = attributes;
  return source.matching(kind, operation, subresource).length === 0 ? undefined : source;
}
