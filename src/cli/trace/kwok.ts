/**
 * Recordings of kwok (`kwokctl snapshot record`): YAML documents, first objects as they were, then ResourcePatches with the time
 * since the beginning. They become events of a trace: what controllers, the scheduler and kubelets did is left out, as in
 * recordings of our own.
 * @see kwok/pkg/apis/action/v1alpha1/resource_patch_types.go and kwok/pkg/kwokctl/recording
 */
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../../client/index.ts';
import { resourceNamed, resourceOfKind, resourceTitle, TraceError, type TraceEvent } from './format.ts';
import { recordedByDefault } from './recorder.ts';
import { isMade, shapeOf } from './shape.ts';

const patchVersion = 'action.kwok.x-k8s.io/v1alpha1';

interface ResourcePatch {
  readonly resource?: { readonly group?: string; readonly version?: string; readonly resource?: string };
  readonly target?: { readonly name?: string; readonly namespace?: string };
  readonly durationNanosecond?: number;
  readonly method?: string;
  readonly template?: KubernetesObject & Record<string, unknown>;
}

/** Whether a text begins like a recording of kwok, and not like a trace. */
export const isKwokRecording = (text: string): boolean => !/^\s*\{/.test(text);

export interface KwokOptions {
  /** Keep what controllers made. Default false. */
  readonly owned?: boolean;
  /** What times in the recording are relative to, in milliseconds since the epoch. */
  readonly nowMs: number;
}

/** Times are written as offsets: `$(time-offset-nanosecond -12)`. */
const withTimes = (text: string, nowMs: number): string =>
  text.replace(/\$\(time-offset-nanosecond (-?\d+)\)/g, (_, nanoseconds: string) =>
    new Date(nowMs + Number(nanoseconds) / 1e6).toISOString(),
  );

/** Members of metadata that the API server sets, and spec members that the scheduler and controllers do. */
const filledMetadata = [
  'resourceVersion',
  'uid',
  'generation',
  'creationTimestamp',
  'managedFields',
  'selfLink',
  'ownerReferences',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
];

/** The user's part of a strategic merge patch; undefined when nothing is left. */
function userPart(resource: string, patch: Record<string, unknown>): Record<string, unknown> | undefined {
  const left: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(patch)) {
    if (key === 'status' && resource !== 'nodes') continue;
    if (key === 'metadata' && typeof value === 'object' && value !== null) {
      const metadata = Object.fromEntries(
        Object.entries(value).filter(([name]) => !filledMetadata.includes(name) && !name.startsWith('$')),
      );
      if (Object.keys(metadata).length > 0) left[key] = metadata;
    } else if (key === 'spec' && resource === 'pods' && typeof value === 'object' && value !== null) {
      const { nodeName: _, ...spec } = value as Record<string, unknown>;
      if (Object.keys(spec).length > 0) left[key] = spec;
    } else if (!['apiVersion', 'kind'].includes(key)) left[key] = value;
  }
  return Object.keys(left).length === 0 ? undefined : left;
}

const rankOf = (event: TraceEvent): number => {
  const rank = recordedByDefault.indexOf(resourceTitle(event));
  return rank < 0 ? recordedByDefault.length : rank;
};

/** Reads a recording. @throws TraceError that names the document */
export function parseKwokRecording(text: string, { owned = false, nowMs }: KwokOptions): TraceEvent[] {
  const initial: TraceEvent[] = [];
  const events: TraceEvent[] = [];
  const left = new Set<string>();
  let latest = 0;
  for (const [index, document] of parseAllDocuments(withTimes(text, nowMs), { version: '1.1' }).entries()) {
    const where = `document ${index + 1}`;
    if (document.errors[0] !== undefined) throw new TraceError(`${where}: ${document.errors[0].message}`);
    const value = document.toJS() as (KubernetesObject & ResourcePatch) | null;
    if (value === null) continue;
    if (value.apiVersion === patchVersion && value.kind === 'ResourcePatch') {
      const event = eventOf(value, where, latest, left, owned);
      if (event === undefined) continue;
      latest = event.atMs;
      events.push(event);
    } else {
      const event = initialEvent(value, where, left, owned);
      if (event !== undefined) initial.push(event);
    }
  }
  return [...initial.sort((a, b) => rankOf(a) - rankOf(b)), ...events];
}

const keyOf = (resource: string, namespace: string | undefined, name: string) =>
  `${resource}/${namespace ?? ''}/${name}`;

function initialEvent(
  object: KubernetesObject,
  where: string,
  left: Set<string>,
  owned: boolean,
): TraceEvent | undefined {
  const { apiVersion = '', kind = '', metadata } = object;
  const resource = resourceOfKind(apiVersion, kind);
  if (resource === undefined)
    throw new TraceError(`${where}: ${kind} of ${apiVersion} is no kind that can be replayed`);
  const { namespace, name = '' } = metadata ?? {};
  if (isMade(object, kind) && !owned) {
    left.add(keyOf(resource.resource, namespace, name));
    return undefined;
  }
  return {
    atMs: 0,
    verb: 'create',
    initial: true,
    ...(resource.group === '' ? {} : { group: resource.group }),
    version: resource.version,
    resource: resource.resource,
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    object: shapeOf(object, apiVersion, kind),
  };
}

function eventOf(
  patch: ResourcePatch,
  where: string,
  latest: number,
  left: Set<string>,
  owned: boolean,
): TraceEvent | undefined {
  const { group = '', version = '', resource = '' } = patch.resource ?? {};
  const { name = '', namespace } = patch.target ?? {};
  const { method, template = {} } = patch;
  if (version === '' || resource === '' || name === '')
    throw new TraceError(`${where}: a ResourcePatch needs resource.version, resource.resource and target.name`);
  const key = keyOf(resource, namespace, name);
  const about = {
    // kwok measures each time from the beginning; two that were written out of order keep their order.
    atMs: Math.max(latest, (patch.durationNanosecond ?? 0) / 1e6),
    ...(group === '' ? {} : { group }),
    version,
    resource,
    ...(namespace === undefined || namespace === '' ? {} : { namespace }),
    name,
  };
  if (method === 'create') {
    const kind = template.kind ?? resourceNamed(resourceTitle({ group, resource })).kind;
    if (isMade(template, kind) && !owned) {
      left.add(key);
      return undefined;
    }
    left.delete(key);
    const apiVersion = group === '' ? version : `${group}/${version}`;
    return { ...about, verb: 'create', kind, object: shapeOf(template, apiVersion, kind) };
  }
  if (left.has(key)) return undefined;
  if (method === 'delete') return { ...about, verb: 'delete' };
  if (method !== 'patch')
    throw new TraceError(`${where}: method must be create, patch or delete, not ${JSON.stringify(method)}`);
  const own = userPart(resource, template);
  return own === undefined ? undefined : { ...about, verb: 'patch', patchType: 'strategic', patch: own };
}
