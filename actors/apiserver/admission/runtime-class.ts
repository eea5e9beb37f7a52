/**
 * RuntimeClass: pods that name a class get its overhead, node selector and tolerations.
 * @see plugin/pkg/admission/runtimeclass/admission.go
 */
import { type ApiObject, compareQuantities } from '../../../src/api/index.ts';
import type { Server } from '../server.ts';
import { type AdmissionPlugin, type Attributes, refusal } from './plugin.ts';
import { mergeTolerations, type Toleration } from './tolerations.ts';

type Amounts = Readonly<Record<string, string>>;

interface PodSpec {
  runtimeClassName?: string;
  overhead?: Amounts;
  nodeSelector?: Record<string, string>;
  tolerations?: Toleration[];
}

interface RuntimeClass extends ApiObject {
  readonly overhead?: { readonly podFixed?: Amounts };
  readonly scheduling?: {
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly tolerations?: readonly Toleration[];
  };
}

export const runtimeClass: AdmissionPlugin = {
  name: 'RuntimeClass',
  handles: (kind, operation, subresource) =>
    kind.storagePrefix === '/registry/pods' && operation === 'CREATE' && subresource === '',
  mutate(attributes, server) {
    const spec = attributes.object?.['spec'] as PodSpec | undefined;
    if (spec?.runtimeClassName === undefined) return;
    const found = classOf(attributes, spec, server);
    if (found?.overhead !== undefined) setOverhead(attributes, spec, found.overhead.podFixed ?? {});
    if (found?.scheduling !== undefined) setScheduling(attributes, spec, found.scheduling);
  },
  validate(attributes, server) {
    const spec = attributes.object?.['spec'] as PodSpec | undefined;
    if (spec === undefined || (spec.runtimeClassName === undefined && spec.overhead === undefined)) return;
    const found = spec.runtimeClassName === undefined ? undefined : classOf(attributes, spec, server);
    if (found?.overhead !== undefined) {
      if (!sameAmounts(spec.overhead ?? {}, found.overhead.podFixed ?? {})) throw mismatch(attributes);
    } else if (Object.keys(spec.overhead ?? {}).length > 0) {
      throw refusal(attributes, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
    }
  },
};

function classOf(attributes: Attributes, { runtimeClassName = '' }: PodSpec, server: Server): RuntimeClass {
  const cache = server.caches.cacheOf('/registry/runtimeclasses', false);
  const entry = cache.get(cache.keyOf(undefined, runtimeClassName));
  if (entry !== undefined) return entry.object as RuntimeClass;
  throw refusal(attributes, `pod rejected: RuntimeClass ${JSON.stringify(runtimeClassName)} not found`);
}

function setOverhead(attributes: Attributes, spec: PodSpec, fixed: Amounts): void {
  if (spec.overhead !== undefined && !sameAmounts(spec.overhead, fixed)) throw mismatch(attributes);
  spec.overhead = { ...fixed };
}

function mismatch(attributes: Attributes) {
  return refusal(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
}

function setScheduling(
  attributes: Attributes,
  spec: PodSpec,
  scheduling: NonNullable<RuntimeClass['scheduling']>,
): void {
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key];
    if (own === undefined || own === value) continue;
    throw refusal(
      attributes,
      `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`,
    );
  }
  if (scheduling.nodeSelector !== undefined) spec.nodeSelector = { ...spec.nodeSelector, ...scheduling.nodeSelector };
  if (scheduling.tolerations === undefined) return;
  const tolerations = scheduling.tolerations.map((toleration) => ({ ...toleration }));
  spec.tolerations = mergeTolerations(spec.tolerations ?? [], tolerations);
}

function sameAmounts(one: Amounts, other: Amounts): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => other[name] !== undefined && compareQuantities(one[name] ?? '0', other[name]) === 0)
  );
}
