/**
 * ResourceQuota: charges what a request adds to the quotas of its namespace, and refuses what would go beyond one of them.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go
 */
import {
  type ApiObject,
  compareQuantities,
  type DeviceClass,
  type KindDefinition,
  type Pod,
  type ResourceClaim,
  type ResourceQuota,
  subtractQuantities,
} from '../../../src/api/index.ts';
import {
  type Amounts,
  addAmounts,
  countedResourcesOf,
  type DeviceSurroundings,
  groupResourceText,
  isTerminatingPod,
  missingAmounts,
  quotaSelects,
  quotaUsageOf,
  resourceClaimsText,
} from '../../../src/controller/index.ts';
import type { Call } from '../call.ts';
import type { Server } from '../server.ts';
import { type AdmissionPlugin, type Attributes, refusal } from './plugin.ts';
import { type Charge, createQuotaLedger, type QuotaLedger } from './quota-ledger.ts';
import { demandQuotas, type QuotaLimit, quotaLimitsOf } from './quota-limits.ts';

const QUOTAS = '/registry/resourcequotas';
const PODS = '/registry/pods';

/** Resources whose usage an update can raise. */
const GROWING = ['services', 'persistentvolumeclaims', resourceClaimsText];

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
    if (kind.storagePrefix === PODS) return subresource === 'resize' || subresource === '';
    return subresource === '' && GROWING.includes(textOf(kind));
  },
  needs: [QUOTAS],
  configure(given): AdmissionPlugin {
    const limits = quotaLimitsOf(given);
    if (limits.length === 0) return resourceQuota;
    // What is limited by configuration wants a quota where there is none.
    return { ...resourceQuota, needs: [], validate: (attributes, server) => validate(attributes, server, limits) };
  },
  validate: (attributes, server) => validate(attributes, server, []),
};

function validate(attributes: Attributes, server: Server, limits: readonly QuotaLimit[]): void | Promise<void> {
  const cache = server.caches.cacheOf(QUOTAS, true);
  const { call, namespace = '', object } = attributes;
  if (object === undefined || charged.has(call) || keepsScope(attributes)) return;
  if (cache.list(namespace).length === 0 && limits.length === 0) return;
  let ledger = ledgers.get(server);
  if (ledger === undefined) {
    ledger = createQuotaLedger(server);
    ledgers.set(server, ledger);
  }
  return ledger.charge(namespace, chargeOf(attributes, server, limits)).then(() => void charged.add(call));
}

/** Of what changes in a pod itself, only a time limit that comes or goes moves it from one quota to another. */
function keepsScope({ kind, operation, subresource, object, previous }: Attributes): boolean {
  if (kind.storagePrefix !== PODS || operation !== 'UPDATE' || subresource !== '') return false;
  return previous === undefined || isTerminatingPod(object as Pod) === isTerminatingPod(previous as Pod);
}

/** Whether what is to be created is there already: the write will be refused as it is, and must not use up anything. */
function isThere({ kind, namespace, name, operation }: Attributes, server: Server): boolean {
  if (operation !== 'CREATE' || name === '') return false;
  const own = server.cacheOf(kind);
  return own.get(own.keyOf(namespace, name)) !== undefined;
}

function surroundingsIn(server: Server): DeviceSurroundings {
  const { caches } = server;
  const pods = caches.cacheOf(PODS, true);
  const classes = caches.cacheOf('/registry/deviceclasses', false);
  const claims = caches.cacheOf('/registry/resourceclaims', true);
  return {
    classes: () => classes.list().map(({ object }) => object as ApiObject & DeviceClass),
    podOf: (namespace, name) => pods.get(pods.keyOf(namespace, name))?.object as Pod | undefined,
    claimsIn: (namespace) => claims.list(namespace).map(({ object }) => object as ApiObject & ResourceClaim),
  };
}

/** What the request is to be charged with. */
function chargeOf(attributes: Attributes, server: Server, limits: readonly QuotaLimit[]): Charge {
  const { kind, namespace = '', object, previous, operation, call } = attributes;
  const text = textOf(kind);
  const surroundings = surroundingsIn(server);
  const usageOf = (counted: ApiObject | undefined) =>
    quotaUsageOf(text, counted as ApiObject, server.context.clock.now(), surroundings);
  const usage = usageOf(object);
  const before = operation === 'CREATE' ? undefined : previous;
  const growth = before === undefined ? usage : increase(usage, usageOf(before));
  return {
    isTrial: call.dryRun || isThere(attributes, server),
    usedAfter(quotas) {
      const concerned = quotas.map((quota) => concerns(attributes, quota, surroundings));
      const added = quotas.map((quota, at) => {
        if (concerned[at] === false) return {};
        // What did not count against the quota before does so in full.
        return withoutZeros(before === undefined || quotaSelects(quota, text, before) ? growth : usage);
      });
      const costs = concerned.includes(true) ? added : [withoutZeros(growth)];
      if (costs.every((amounts) => Object.keys(amounts).length === 0)) return quotas.map(() => undefined);
      if (limits.length > 0) {
        const all = server.caches.cacheOf(QUOTAS, true).list(namespace);
        demandQuotas(
          attributes,
          limits,
          all.map((entry) => entry.object as ResourceQuota),
          usage,
        );
      }
      return quotas.map((quota, at) => usedAfter(attributes, quota, added[at] ?? {}));
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

const withoutZeros = (amounts: Amounts): Amounts =>
  Object.fromEntries(Object.entries(amounts).filter(([, amount]) => compareQuantities(amount, '0') !== 0));

/** Whether the quota is about the object. @throws StatusError when it cannot be told whether there is room for it */
function concerns(attributes: Attributes, quota: ResourceQuota, surroundings: DeviceSurroundings): boolean {
  const { kind, object } = attributes;
  const text = textOf(kind);
  const hard = quota.status?.hard ?? {};
  const limited = Object.keys(hard).filter((name) => countedResourcesOf(name, surroundings).includes(text));
  if (limited.length === 0 || !quotaSelects(quota, text, object as ApiObject)) return false;
  const quotaName = quota.metadata?.name;
  const missing = text === 'pods' ? missingAmounts(object as Pod, hard) : undefined;
  if (missing !== undefined) throw refusal(attributes, `failed quota: ${quotaName}: ${missing}`);
  if (limited.some((resource) => quota.status?.used?.[resource] === undefined)) {
    throw refusal(attributes, `status unknown for quota: ${quotaName}, resources: ${limited.sort().join(',')}`);
  }
  return true;
}

/** The quota's usage with what is added; undefined when it stays as it is. @throws StatusError when it would be exceeded */
function usedAfter(attributes: Attributes, quota: ResourceQuota, added: Amounts): Amounts | undefined {
  const { hard = {}, used = {} } = quota.status ?? {};
  const charges = Object.fromEntries(Object.entries(added).filter(([resource]) => hard[resource] !== undefined));
  if (Object.keys(charges).length === 0) return undefined;
  const after: Amounts = { ...used };
  addAmounts(after, charges);
  const exceeded = Object.keys(charges)
    .filter((resource) => compareQuantities(after[resource] ?? '0', hard[resource] ?? '0') > 0)
    .sort();
  if (exceeded.length === 0) return after;
  const show = (amounts: Readonly<Record<string, string>>) =>
    exceeded
      .flatMap((resource) => (amounts[resource] === undefined ? [] : [`${resource}=${amounts[resource]}`]))
      .join(',');
  throw refusal(
    attributes,
    `exceeded quota: ${quota.metadata?.name}, requested: ${show(charges)}, used: ${show(used)}, limited: ${show(hard)}`,
  );
}
