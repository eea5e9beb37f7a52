/**
 * ResourceQuota: charges what a request adds to the quotas of its namespace, and refuses what would go beyond one of them.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go
 */
import {
  type ApiObject,
  compareQuantities,
  type KindDefinition,
  type Pod,
  type ResourceQuota,
  subtractQuantities,
} from '../../../src/api/index.ts';
import {
  type Amounts,
  addAmounts,
  countedResourceOf,
  groupResourceText,
  missingAmounts,
  quotaSelects,
  quotaUsageOf,
} from '../../../src/controller/index.ts';
import type { Entry } from '../cache/entry.ts';
import type { Call } from '../call.ts';
import { forbiddenOf } from '../failures.ts';
import type { Server } from '../server.ts';
import { putObject } from '../verbs/commit.ts';
import type { AdmissionPlugin, Attributes } from './plugin.ts';

/** Resources whose usage an update can raise. */
const GROWING = ['pods', 'services', 'persistentvolumeclaims', 'resourceclaims.resource.k8s.io'];

/** Virtual kinds are never stored and cost nothing; events are never limited. */
const FREE_GROUPS = ['authorization.k8s.io', 'authentication.k8s.io'];

/** Writes of a quota that somebody else changed at the same time are tried again this often. */
const ATTEMPTS_MAX = 10;

/** Calls that were charged: a write that is tried again is not charged twice. */
const charged = new WeakSet<Call>();

const textOf = (kind: KindDefinition) => groupResourceText({ group: kind.group, resource: kind.plural });

export const resourceQuota: AdmissionPlugin = {
  name: 'ResourceQuota',
  handles(kind, operation, subresource) {
    if (!kind.namespaced || FREE_GROUPS.includes(kind.group) || kind.plural === 'events') return false;
    if (operation === 'CREATE') return subresource === '';
    if (operation !== 'UPDATE' || !GROWING.includes(textOf(kind))) return false;
    return subresource === '' || (subresource === 'resize' && kind.plural === 'pods');
  },
  validate(attributes, server) {
    const cache = quotaCache(server);
    if (cache.size === 0 || charged.has(attributes.call)) return;
    const quotas = cache.list(attributes.namespace);
    if (quotas.length === 0) return;
    return charge(attributes, server);
  },
};

function quotaCache(server: Server) {
  return server.cacheOf(server.registry.byResource('', 'v1', 'resourcequotas') as KindDefinition);
}

/** What the request adds; empty when it adds nothing. */
function addedBy({ kind, object, previous, operation }: Attributes, nowMs: number): Amounts {
  const text = textOf(kind);
  const usage = quotaUsageOf(text, object as ApiObject, nowMs);
  if (operation === 'CREATE' || previous === undefined) return usage;
  const before = quotaUsageOf(text, previous, nowMs);
  const added: Amounts = {};
  for (const [name, amount] of Object.entries(usage)) {
    const difference = subtractQuantities(amount, before[name] ?? '0');
    if (compareQuantities(difference, '0') > 0) added[name] = difference;
  }
  return added;
}

async function charge(attributes: Attributes, server: Server): Promise<void> {
  const { call, kind, namespace, name, object, operation } = attributes;
  if (object === undefined) return;
  const kindCache = server.cacheOf(kind);
  // The write will be refused as it is: it must not use up anything.
  if (operation === 'CREATE' && name !== '' && kindCache.get(kindCache.keyOf(namespace, name)) !== undefined) return;
  const added = addedBy(attributes, server.context.clock.now());
  if (Object.keys(added).length === 0) return;
  const cache = quotaCache(server);
  const paid = new Set<string>();
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    let lost = false;
    const due = new Map<Entry, Amounts>();
    for (const entry of cache.list(namespace)) {
      if (paid.has(entry.key)) continue;
      const used = usedAfter(attributes, entry.object as ResourceQuota, added);
      if (used !== undefined) due.set(entry, used);
    }
    if (call.dryRun) return;
    for (const [entry, used] of due) {
      const { status } = entry.object as ResourceQuota;
      const changed = { ...entry.object, metadata: { ...entry.object.metadata }, status: { ...status, used } };
      const written = await putObject(server, cache, entry.key, changed as ApiObject, entry.revision);
      if (written === undefined) lost = true;
      else paid.add(entry.key);
    }
    if (!lost) {
      charged.add(call);
      return;
    }
  }
  throw forbiddenOf(kind, name, 'the quotas of the namespace change too often: try again');
}

/** The quota's usage with what is added; undefined when it is not concerned. @throws StatusError when it would be exceeded */
function usedAfter({ kind, name, object }: Attributes, quota: ResourceQuota, added: Amounts): Amounts | undefined {
  const text = textOf(kind);
  const hard = quota.status?.hard ?? {};
  const limited = Object.keys(hard).filter((resource) => countedResourceOf(resource) === text);
  if (limited.length === 0 || !quotaSelects(quota, text, object as ApiObject)) return undefined;
  const quotaName = quota.metadata?.name;
  const missing = text === 'pods' ? missingAmounts(object as Pod, hard) : undefined;
  if (missing !== undefined) throw forbiddenOf(kind, name, `failed quota: ${quotaName}: ${missing}`);
  const used = quota.status?.used ?? {};
  const unknown = limited.filter((resource) => used[resource] === undefined);
  if (unknown.length > 0) {
    const list = unknown.sort().join(',');
    throw forbiddenOf(kind, name, `status unknown for quota: ${quotaName}, resources: ${list}`);
  }
  const charges = Object.fromEntries(Object.entries(added).filter(([resource]) => limited.includes(resource)));
  if (Object.keys(charges).length === 0) return undefined;
  const after: Amounts = { ...used };
  addAmounts(after, charges);
  const exceeded = Object.keys(charges)
    .filter((resource) => compareQuantities(after[resource] ?? '0', hard[resource] ?? '0') > 0)
    .filter((resource) => compareQuantities(charges[resource] ?? '0', '0') > 0);
  if (exceeded.length > 0) {
    const show = (amounts: Readonly<Record<string, string>>) =>
      exceeded
        .sort()
        .map((resource) => `${resource}=${amounts[resource]}`)
        .join(',');
    const message = `exceeded quota: ${quotaName}, requested: ${show(charges)}, used: ${show(used)}, limited: ${show(hard)}`;
    throw forbiddenOf(kind, name, message);
  }
  return after;
}
