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
import type { Call } from '../call.ts';
import type { Server } from '../server.ts';
import { type AdmissionPlugin, type Attributes, refusal } from './plugin.ts';
import { type Charge, createQuotaLedger, type QuotaLedger } from './quota-ledger.ts';
import { demandQuotas, quotaLimitsOf } from './quota-limits.ts';

const QUOTAS = '/registry/resourcequotas';

/** Resources whose usage an update can raise. */
const GROWING = ['services', 'persistentvolumeclaims', 'resourceclaims.resource.k8s.io'];

/** Virtual kinds are never stored and cost nothing; events are never limited. */
const FREE_GROUPS = ['authorization.k8s.io', 'authentication.k8s.io'];

/** Calls that were charged: a write that is tried again is not charged twice. */
const charged = new WeakSet<Call>();

const ledgers = new WeakMap<Server, QuotaLedger>();

const textOf = (kind: KindDefinition) => groupResourceText({ group: kind.group, resource: kind.plural });

export const resourceQuota: AdmissionPlugin = {
  name: 'ResourceQuota',
  handles(kind, operation, subresource) {
    if (!kind.namespaced || FREE_GROUPS.includes(kind.group) || kind.plural === 'events') return false;
    if (operation === 'CREATE') return subresource === '';
    if (operation !== 'UPDATE') return false;
    if (kind.storagePrefix === '/registry/pods') return subresource === 'resize';
    return subresource === '' && GROWING.includes(textOf(kind));
  },
  needs: [QUOTAS],
  configure(given): AdmissionPlugin {
    const limits = quotaLimitsOf(given);
    if (limits.length === 0) return resourceQuota;
    return {
      ...resourceQuota,
      // What is limited by configuration wants a quota where there is none.
      needs: [],
      validate(attributes, server) {
        const { namespace = '', object, kind } = attributes;
        if (object !== undefined) {
          const quotas = server.caches.cacheOf(QUOTAS, true).list(namespace);
          const usage = quotaUsageOf(textOf(kind), object, server.context.clock.now());
          demandQuotas(
            attributes,
            limits,
            quotas.map((entry) => entry.object as ResourceQuota),
            usage,
          );
        }
        return resourceQuota.validate?.(attributes, server);
      },
    };
  },
  validate(attributes, server) {
    const cache = server.caches.cacheOf(QUOTAS, true);
    const { call, kind, namespace = '', name, object, operation } = attributes;
    if (object === undefined || charged.has(call)) return;
    if (cache.list(namespace).length === 0) return;
    const own = server.cacheOf(kind);
    // The write will be refused as it is: it must not use up anything.
    if (operation === 'CREATE' && name !== '' && own.get(own.keyOf(namespace, name)) !== undefined) return;
    let ledger = ledgers.get(server);
    if (ledger === undefined) {
      ledger = createQuotaLedger(server);
      ledgers.set(server, ledger);
    }
    return ledger.charge(namespace, chargeOf(attributes, server)).then(() => void charged.add(call));
  },
};

/** What the request is to be charged with. */
function chargeOf(attributes: Attributes, server: Server): Charge {
  const { kind, object, previous, operation, call } = attributes;
  const text = textOf(kind);
  const nowMs = server.context.clock.now();
  const usage = quotaUsageOf(text, object as ApiObject, nowMs);
  const growth =
    operation === 'CREATE' || previous === undefined ? usage : increase(usage, quotaUsageOf(text, previous, nowMs));
  return {
    isTrial: call.dryRun,
    usedAfter(quota) {
      if (Object.keys(growth).length === 0) return undefined;
      // What did not count against the quota before does so in full.
      const isNew = operation !== 'CREATE' && previous !== undefined && !quotaSelects(quota, text, previous);
      return usedAfter(attributes, quota, isNew ? usage : growth);
    },
  };
}

function increase(usage: Amounts, before: Amounts): Amounts {
  const added: Amounts = {};
  for (const [name, amount] of Object.entries(usage)) {
    const difference = subtractQuantities(amount, before[name] ?? '0');
    if (compareQuantities(difference, '0') > 0) added[name] = difference;
  }
  return added;
}

/** The quota's usage with what is added; undefined when it is not concerned. @throws StatusError when it would be exceeded */
function usedAfter(attributes: Attributes, quota: ResourceQuota, added: Amounts): Amounts | undefined {
  const { kind, object } = attributes;
  const text = textOf(kind);
  const hard = quota.status?.hard ?? {};
  const limited = Object.keys(hard).filter((resource) => countedResourceOf(resource) === text);
  if (limited.length === 0 || !quotaSelects(quota, text, object as ApiObject)) return undefined;
  const quotaName = quota.metadata?.name;
  const missing = text === 'pods' ? missingAmounts(object as Pod, hard) : undefined;
  if (missing !== undefined) throw refusal(attributes, `failed quota: ${quotaName}: ${missing}`);
  const used = quota.status?.used ?? {};
  if (limited.some((resource) => used[resource] === undefined)) {
    throw refusal(attributes, `status unknown for quota: ${quotaName}, resources: ${limited.sort().join(',')}`);
  }
  const charges: Amounts = {};
  for (const resource of limited) {
    const amount = added[resource];
    if (amount !== undefined && compareQuantities(amount, '0') !== 0) charges[resource] = amount;
  }
  if (Object.keys(charges).length === 0) return undefined;
  const after: Amounts = { ...used };
  addAmounts(after, charges);
  const exceeded = Object.keys(charges)
    .filter((resource) => compareQuantities(after[resource] ?? '0', hard[resource] ?? '0') > 0)
    .sort();
  if (exceeded.length === 0) return after;
  const show = (amounts: Readonly<Record<string, string>>) =>
    exceeded.map((resource) => `${resource}=${amounts[resource]}`).join(',');
  throw refusal(
    attributes,
    `exceeded quota: ${quotaName}, requested: ${show(charges)}, used: ${show(used)}, limited: ${show(hard)}`,
  );
}
