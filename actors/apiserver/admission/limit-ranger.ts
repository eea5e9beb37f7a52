/**
 * LimitRanger: fills in what a namespace's LimitRanges say containers get by default, and refuses what is beyond their bounds.
 * @see plugin/pkg/admission/limitranger/admission.go
 */
import {
  type ApiObject,
  aggregateText,
  compareQuantities,
  type LimitRange,
  type LimitRangeItem,
  type Pod,
  quantityMilliValue,
} from '../../../src/api/index.ts';
import { podAmounts } from '../../../src/controller/index.ts';
import type { Server } from '../server.ts';
import { type AdmissionPlugin, type Attributes, refusal } from './plugin.ts';

type Amounts = Record<string, string>;

interface Container {
  readonly name: string;
  readonly restartPolicy?: string;
  resources?: { limits?: Amounts; requests?: Amounts };
}

interface PodSpec {
  readonly containers?: Container[];
  readonly initContainers?: Container[];
}

const PODS = '/registry/pods';
const CLAIMS = '/registry/persistentvolumeclaims';

export const limitRanger: AdmissionPlugin = {
  name: 'LimitRanger',
  handles(kind, operation, subresource) {
    if (kind.storagePrefix === PODS) {
      return subresource === '' ? operation === 'CREATE' : subresource === 'resize' && operation === 'UPDATE';
    }
    return subresource === '' && kind.storagePrefix === CLAIMS && (operation === 'CREATE' || operation === 'UPDATE');
  },
  mutate({ kind, namespace, object, operation }, server) {
    if (kind.storagePrefix !== PODS || operation !== 'CREATE' || object === undefined) return;
    for (const range of rangesIn(server, namespace)) setDefaults(object, range);
  },
  validate(attributes, server) {
    // What is on its way out is let go.
    if (attributes.previous?.metadata['deletionTimestamp'] !== undefined) return;
    // The first range that is broken says so, and says each thing once.
    for (const range of rangesIn(server, attributes.namespace)) {
      const errors = (range.spec?.limits ?? []).flatMap((item) => violations(attributes, item));
      if (errors.length > 0) throw refusal(attributes, aggregateText(errors));
    }
  },
};

function rangesIn(server: Server, namespace: string | undefined): LimitRange[] {
  const cache = server.caches.cacheOf('/registry/limitranges', true);
  return cache.size === 0 ? [] : cache.list(namespace).map((entry) => entry.object as LimitRange);
}

function setDefaults(pod: ApiObject, range: LimitRange): void {
  const item = range.spec?.limits?.find(({ type }) => type === 'Container');
  if (item === undefined) return;
  const spec = (pod['spec'] ?? {}) as { containers?: Container[]; initContainers?: Container[] };
  const notes: string[] = [];
  for (const container of spec.containers ?? []) notes.push(...fill(container, item, 'container'));
  for (const container of spec.initContainers ?? []) notes.push(...fill(container, item, 'init container'));
  if (notes.length === 0) return;
  pod.metadata.annotations = {
    ...(pod.metadata.annotations as Readonly<Record<string, string>> | undefined),
    'kubernetes.io/limit-ranger': `LimitRanger plugin set: ${notes.join('; ')}`,
  };
}

/** Fills in a container's amounts and says which. A limit without a request is the request too, before any default. */
function fill(container: Container, item: LimitRangeItem, what: string): string[] {
  const limits: Amounts = { ...container.resources?.limits };
  const requests: Amounts = { ...limits, ...container.resources?.requests };
  const add = (into: Amounts, defaults: Readonly<Amounts> | undefined) => {
    const missing = Object.keys(defaults ?? {})
      .filter((name) => into[name] === undefined)
      .sort();
    for (const name of missing) into[name] = defaults?.[name] as string;
    return missing.join(', ');
  };
  const limited = add(limits, item.default);
  const requested = add(requests, item.defaultRequest ?? item.default);
  if (limited === '' && requested === '') return [];
  container.resources = {
    ...container.resources,
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
    ...(Object.keys(requests).length > 0 ? { requests } : {}),
  };
  return [
    ...(requested === '' ? [] : [`${requested} request for ${what} ${container.name}`]),
    ...(limited === '' ? [] : [`${limited} limit for ${what} ${container.name}`]),
  ];
}

function violations({ kind, object }: Attributes, item: LimitRangeItem): string[] {
  if (object === undefined) return [];
  if (kind.storagePrefix === CLAIMS) {
    if (item.type !== 'PersistentVolumeClaim') return [];
    const spec = object['spec'] as { resources?: { requests?: Amounts } } | undefined;
    const requests = spec?.resources?.requests ?? {};
    return [
      ...below(item, requests, {}, item.min),
      ...Object.entries(item.max ?? {}).flatMap(([name, bound]) =>
        requests[name] === undefined
          ? [`maximum ${name} usage per ${item.type} is ${bound}. No request is specified`]
          : above(item.type, name, bound, requests[name], 'request'),
      ),
    ];
  }
  const spec = (object as Pod).spec as PodSpec | undefined;
  const containers = spec?.containers ?? [];
  const inits = spec?.initContainers ?? [];
  if (item.type === 'Container') {
    return [...containers, ...inits].flatMap(({ resources }) =>
      boundsOf(item, resources?.requests ?? {}, resources?.limits ?? {}),
    );
  }
  if (item.type !== 'Pod') return [];
  return boundsOf(item, podAmounts(object as Pod, 'requests'), podAmounts(object as Pod, 'limits'));
}

function boundsOf(item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  return [
    ...below(item, requests, limits, item.min),
    ...Object.entries(item.max ?? {}).flatMap(([name, bound]) => {
      if (limits[name] === undefined) {
        return [`maximum ${name} usage per ${item.type} is ${bound}.  No limit is specified`];
      }
      return [
        ...above(item.type, name, bound, limits[name], 'limit'),
        ...above(item.type, name, bound, requests[name], 'request'),
      ].slice(0, 1);
    }),
    ...Object.entries(item.maxLimitRequestRatio ?? {}).flatMap(([name, bound]) =>
      ratio(item.type, name, bound, requests, limits),
    ),
  ];
}

function below(item: LimitRangeItem, requests: Amounts, limits: Amounts, min: Readonly<Amounts> | undefined): string[] {
  return Object.entries(min ?? {}).flatMap(([name, bound]) => {
    const text = `minimum ${name} usage per ${item.type} is ${bound}`;
    const [request, limit] = [requests[name], limits[name]];
    if (request === undefined) return [`${text}.  No request is specified`];
    if (compareQuantities(request, bound) < 0) return [`${text}, but request is ${request}`];
    if (limit !== undefined && compareQuantities(limit, bound) < 0) return [`${text}, but limit is ${limit}`];
    return [];
  });
}

function above(type: string, name: string, bound: string, amount: string | undefined, side: string): string[] {
  if (amount === undefined || compareQuantities(amount, bound) <= 0) return [];
  return [`maximum ${name} usage per ${type} is ${bound}, but ${side} is ${amount}`];
}

function ratio(type: string, name: string, bound: string, requests: Amounts, limits: Amounts): string[] {
  const text = `${name} max limit to request ratio per ${type} is ${bound}, but`;
  const [request, limit] = [requests[name], limits[name]];
  if (request === undefined || quantityMilliValue(request) === 0) {
    return [`${text} no request is specified or request is 0`];
  }
  if (limit === undefined || quantityMilliValue(limit) === 0) return [`${text} no limit is specified or limit is 0`];
  const provided = quantityMilliValue(limit) / quantityMilliValue(request);
  return provided > quantityMilliValue(bound) / 1000 ? [`${text} provided ratio is ${provided.toFixed(6)}`] : [];
}
