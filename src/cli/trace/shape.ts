/**
 * What of an object is the user's: what a recording keeps and compares. Everything that the API server, the scheduler, controllers
 * and kubelets fill in is left out, so that the cluster it is replayed on decides anew.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '../../client/index.ts';

type Json = Record<string, unknown>;

/** A resource's object as the user gave it. */
export type Shape = KubernetesObject & Json;

const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

const without = (map: Json, keys: readonly string[]): Json =>
  Object.fromEntries(Object.entries(map).filter(([key]) => !keys.includes(key)));

/** Kept empty maps out of shapes: `{}` and absent mean the same. */
const unlessEmpty = (key: string, map: Json): Json => (Object.keys(map).length === 0 ? {} : { [key]: map });

const filledAnnotations =
  /^(deployment\.kubernetes\.io\/revision|pv\.kubernetes\.io\/|volume\.kubernetes\.io\/(storage-provisioner|selected-node)|volume\.beta\.kubernetes\.io\/storage-provisioner|node\.alpha\.kubernetes\.io\/|volumes\.kubernetes\.io\/|batch\.kubernetes\.io\/job-tracking)/;
const generatedLabels = [
  'controller-uid',
  'batch.kubernetes.io/controller-uid',
  'batch.kubernetes.io/job-name',
  'job-name',
];

function metadataOf(object: KubernetesObject): Json {
  const { name, namespace, labels, annotations } = object.metadata ?? {};
  const own = Object.entries(annotations ?? {}).filter(([key]) => !filledAnnotations.test(key));
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...unlessEmpty('labels', without((labels ?? {}) as Json, object.kind === 'Pod' ? [] : generatedLabels)),
    ...unlessEmpty('annotations', Object.fromEntries(own)),
  };
}

/** Fields of `spec` that others than the user set, by kind. */
const filledSpec: Readonly<Record<string, readonly string[]>> = {
  Pod: ['nodeName', 'priority', 'preemptionPolicy'],
  Service: ['clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'healthCheckNodePort'],
  PersistentVolumeClaim: ['volumeName'],
  Node: ['podCIDR', 'podCIDRs', 'providerID'],
  Namespace: ['finalizers'],
};

/** Taints that tell a condition of the node come and go with it. */
const conditionTaint =
  /^node\.kubernetes\.io\/(not-ready|unreachable|memory-pressure|disk-pressure|pid-pressure|network-unavailable)$/;

function specOf(kind: string, spec: Json): Json {
  const own = without(spec, filledSpec[kind] ?? []);
  if (kind === 'Service' && own['clusterIP'] !== 'None') delete own['clusterIP'];
  if (kind === 'Service' && Array.isArray(own['ports']))
    own['ports'] = own['ports'].map((port: Json) => without(port, ['nodePort']));
  if (kind === 'PersistentVolume' && isMap(own['claimRef']))
    own['claimRef'] = without(own['claimRef'], ['uid', 'resourceVersion']);
  if (kind === 'Job' && own['manualSelector'] !== true) {
    delete own['selector'];
    const template = isMap(own['template']) ? own['template'] : {};
    const metadata = isMap(template['metadata']) ? template['metadata'] : {};
    const labels = without(isMap(metadata['labels']) ? metadata['labels'] : {}, generatedLabels);
    own['template'] = { ...template, metadata: { ...without(metadata, ['labels']), ...unlessEmpty('labels', labels) } };
  }
  if (kind === 'Node' && Array.isArray(own['taints'])) {
    const taints = own['taints'].filter(({ key }: { key: string }) => !conditionTaint.test(key));
    if (taints.length === 0) delete own['taints'];
    else own['taints'] = taints.map((taint: Json) => without(taint, ['timeAdded']));
  }
  return own;
}

/** What there is on a node, and its conditions without the times at which they were told. */
function nodeStatusOf(status: Json): Json {
  const { capacity, allocatable, conditions, declaredFeatures } = status as { conditions?: Json[] } & Json;
  return {
    ...(capacity === undefined ? {} : { capacity }),
    ...(allocatable === undefined ? {} : { allocatable }),
    ...(declaredFeatures === undefined ? {} : { declaredFeatures }),
    ...(conditions === undefined
      ? {}
      : { conditions: conditions.map(({ type, status: state, reason }) => ({ type, status: state, reason })) }),
  };
}

/** The shape of an object of `kind`, whose apiVersion is known. */
export function shapeOf(object: KubernetesObject, apiVersion: string, kind: string): Shape {
  const { spec, status, ...rest } = object as Json;
  const typed = { ...object, apiVersion, kind };
  return {
    apiVersion,
    kind,
    metadata: metadataOf(typed),
    ...without(rest, ['apiVersion', 'kind', 'metadata']),
    ...(isMap(spec) ? unlessEmpty('spec', specOf(kind, spec)) : {}),
    ...(kind === 'Node' && isMap(status) ? unlessEmpty('status', nodeStatusOf(status)) : {}),
  } as Shape;
}

/** What controllers put into every namespace. */
const inEveryNamespace = new Set(['ConfigMap/kube-root-ca.crt', 'ServiceAccount/default']);

/** Made by a controller: a cluster with that controller makes it itself. */
export const isMade = ({ metadata }: KubernetesObject, kind: string): boolean =>
  (metadata?.ownerReferences?.some(({ controller }) => controller === true) ?? false) ||
  inEveryNamespace.has(`${kind}/${metadata?.name}`);

/** The JSON merge patch from `before` to `after`; undefined when nothing differs. */
export function mergePatchBetween(before: Json, after: Json): Json | undefined {
  const patch: Json = {};
  for (const key of Object.keys(before)) if (!(key in after)) patch[key] = null;
  for (const [key, value] of Object.entries(after)) {
    const old = before[key];
    if (isDeepStrictEqual(old, value)) continue;
    const inner = isMap(old) && isMap(value) ? mergePatchBetween(old, value) : value;
    if (inner !== undefined) patch[key] = inner;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}
