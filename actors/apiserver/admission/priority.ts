/**
 * Priority: a pod's priorityClassName becomes its priority and preemption policy.
 * @see plugin/pkg/admission/priority/admission.go
 */
import { type KindDefinition, StatusError } from '../../../src/api/index.ts';
import type { Entry } from '../cache/entry.ts';
import type { KindCache } from '../cache/kind-cache.ts';
import type { Server } from '../server.ts';
import { type AdmissionPlugin, type Attributes, refusal } from './plugin.ts';

interface PriorityClass {
  value?: number;
  globalDefault?: boolean;
  preemptionPolicy?: string;
}

interface PodSpec {
  priorityClassName?: string;
  priority?: number;
  preemptionPolicy?: string;
}

const PRIORITY_CLASSES = '/registry/priorityclasses';
const DEFAULT_POLICY = 'PreemptLowerPriority';

export const priority: AdmissionPlugin = {
  name: 'Priority',
  handles(kind, operation, subresource) {
    if (subresource !== '') return false;
    if (kind.storagePrefix === '/registry/pods') return operation === 'CREATE' || operation === 'UPDATE';
    return kind.storagePrefix === PRIORITY_CLASSES && (operation === 'CREATE' || operation === 'UPDATE');
  },
  mutate(attributes, server) {
    if (attributes.kind.storagePrefix !== PRIORITY_CLASSES && attributes.operation === 'CREATE')
      setPriority(attributes, server);
    else if (attributes.kind.storagePrefix !== PRIORITY_CLASSES) keepPriority(attributes);
  },
  validate(attributes, server) {
    if (attributes.kind.storagePrefix === PRIORITY_CLASSES) refuseSecondDefault(attributes, server);
  },
};

function setPriority(attributes: Attributes, server: Server): void {
  const spec = attributes.object?.['spec'] as PodSpec | undefined;
  if (spec === undefined) return;
  const classes = classCache(server);
  let value = 0;
  let policy = DEFAULT_POLICY;
  let found: PriorityClass | undefined;
  if (spec.priorityClassName === undefined || spec.priorityClassName === '') {
    const entry = defaultClass(server);
    if (entry !== undefined) {
      found = entry.object as unknown as PriorityClass;
      spec.priorityClassName = entry.name;
    }
  } else {
    const entry = classes.get(classes.keyOf(undefined, spec.priorityClassName));
    if (entry === undefined) {
      throw refusal(attributes, `no PriorityClass with name ${spec.priorityClassName} was found`);
    }
    found = entry.object as unknown as PriorityClass;
  }
  if (found !== undefined) {
    value = found.value ?? 0;
    policy = found.preemptionPolicy ?? DEFAULT_POLICY;
  }
  if (spec.priority !== undefined && spec.priority !== value) {
    throw refusal(
      attributes,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
    );
  }
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    throw refusal(
      attributes,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
    );
  }
  spec.priority = value;
  spec.preemptionPolicy = policy;
}

/** Updates that leave the priority out keep it. */
function keepPriority({ object, previous }: Attributes): void {
  const spec = object?.['spec'] as PodSpec | undefined;
  const before = previous?.['spec'] as PodSpec | undefined;
  if (spec === undefined || before === undefined) return;
  if (spec.priority === undefined && before.priority !== undefined) spec.priority = before.priority;
  if (spec.preemptionPolicy === undefined && before.preemptionPolicy !== undefined) {
    spec.preemptionPolicy = before.preemptionPolicy;
  }
}

function classCache(server: Server) {
  return server.cacheOf(server.registry.byResource('scheduling.k8s.io', 'v1', 'priorityclasses') as KindDefinition);
}

/** The class marked as the default; of several the one with the lowest value. */
function defaultClass(server: Server): Entry | undefined {
  const classes = classCache(server);
  let known = defaults.get(classes);
  if (known === undefined || known.version !== classes.version) {
    known = { version: classes.version, entry: findDefault(classes) };
    defaults.set(classes, known);
  }
  return known.entry;
}

/** Asked for every pod, and classes hardly ever change. */
const defaults = new WeakMap<KindCache, { readonly version: number; readonly entry: Entry | undefined }>();

function findDefault(classes: KindCache): Entry | undefined {
  let lowest: Entry | undefined;
  for (const entry of classes.values()) {
    const { globalDefault, value = 0 } = entry.object as unknown as PriorityClass;
    if (globalDefault !== true) continue;
    if (lowest === undefined || value < ((lowest.object as unknown as PriorityClass).value ?? 0)) lowest = entry;
  }
  return lowest;
}

function refuseSecondDefault(attributes: Attributes, server: Server): void {
  if ((attributes.object as unknown as PriorityClass | undefined)?.globalDefault !== true) return;
  const existing = defaultClass(server);
  if (existing === undefined || existing.name === attributes.name) return;
  throw StatusError.forbidden(
    { group: attributes.kind.group, name: attributes.kind.plural },
    attributes.name,
    `PriorityClass ${existing.name} is already marked as default. Only one default can exist`,
  );
}
