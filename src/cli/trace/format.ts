/**
 * The trace format: what users of a cluster did, as lines of JSON. The first line is a header; each other line is one request at
 * a time since the beginning. `kubehive record` writes it, `kubehive replay` reads it, docs/traces.md describes it.
 */
import type { KubernetesObject, Resource } from '../../client/index.ts';
import * as resourceConstants from '../../client/resources.ts';

export const traceVersion = 'kubehive.dev/v1';

export interface TraceHeader {
  readonly apiVersion: typeof traceVersion;
  readonly kind: 'Trace';
  /** ISO 8601; for people. */
  readonly recordedAt?: string;
  /** Plural names, with `.group` where there is one. */
  readonly resources?: readonly string[];
  /** Objects that a controller made are in it too: for clusters without controllers. */
  readonly owned?: boolean;
}

/** One request. `create` carries an object, `patch` a patch; a `status` inside a patch goes to the subresource. */
export interface TraceEvent {
  /** Milliseconds since the beginning, never less than in the line before. */
  readonly atMs: number;
  readonly verb: 'create' | 'patch' | 'delete';
  /** True for what was there when recording began: kinds are replayed one after the other. */
  readonly initial?: boolean;
  readonly group?: string;
  readonly version: string;
  readonly resource: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
  readonly object?: KubernetesObject & Readonly<Record<string, unknown>>;
  readonly patch?: Readonly<Record<string, unknown>>;
  /** Default `merge`; recordings of kwok have strategic merge patches. */
  readonly patchType?: 'merge' | 'strategic';
  readonly gracePeriodSeconds?: number;
}

/** Thrown for a file that is no trace; names the line. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
}

/** All resources that have a name here, by `plural` or `plural.group`. */
const known: ReadonlyMap<string, Resource> = new Map(
  Object.values(resourceConstants)
    .filter((value): value is Resource<never> => typeof value === 'object')
    .flatMap((resource) => {
      const { group, resource: plural } = resource;
      return [[group === '' ? plural : `${plural}.${group}`, resource] as const];
    }),
);

export const resourceTitle = ({ group = '', resource }: { readonly group?: string; readonly resource: string }) =>
  group === '' ? resource : `${resource}.${group}`;

/** A resource by `deployments` or `deployments.apps`. @throws TraceError when there is none, or more than one */
export function resourceNamed(name: string): Resource {
  const exact = known.get(name);
  if (exact !== undefined) return exact;
  const found = [...known.values()].filter(({ resource }) => resource === name);
  if (found.length === 1 && found[0] !== undefined) return found[0];
  const titles = found.map(resourceTitle);
  throw new TraceError(
    titles.length > 1 ? `"${name}" may be ${titles.join(' or ')}` : `there is no resource called "${name}"`,
  );
}

/** The resource of an object that names its kind only. */
export const resourceOfKind = (apiVersion: string, kind: string): Resource | undefined =>
  [...known.values()].find(
    (one) => one.kind === kind && [one.group, one.version].filter(Boolean).join('/') === apiVersion,
  );

/** The resource that an event is for, also one of a custom kind. */
export const resourceOfEvent = ({ group = '', version, resource, kind = '', namespace }: TraceEvent): Resource => ({
  group,
  version,
  resource,
  kind,
  namespaced: namespace !== undefined,
});

export const traceLine = (line: TraceHeader | TraceEvent): string => `${JSON.stringify(line)}\n`;

const verbs = new Set(['create', 'patch', 'delete']);

function checkEvent(value: Partial<TraceEvent>, where: string, least: number): TraceEvent {
  const { atMs, verb, version, resource, name, object, patch } = value;
  const refuse = (what: string): never => {
    throw new TraceError(`${where}: ${what}`);
  };
  if (typeof atMs !== 'number' || !(atMs >= 0)) refuse('atMs must be milliseconds since the beginning');
  if ((atMs ?? 0) < least) refuse(`atMs ${atMs} lies before the ${least} of an earlier line`);
  if (!verbs.has(verb ?? '')) refuse(`verb must be create, patch or delete, not ${JSON.stringify(verb)}`);
  for (const [key, text] of Object.entries({ version, resource, name }))
    if (typeof text !== 'string' || text === '') refuse(`${key} is required`);
  if (verb === 'create' && (typeof object !== 'object' || object === null)) refuse('a create needs its object');
  if (verb === 'patch' && (typeof patch !== 'object' || patch === null)) refuse('a patch needs its patch');
  return value as TraceEvent;
}

/** Reads a trace. @throws TraceError that names the line */
export function parseTrace(text: string): { readonly header: TraceHeader; readonly events: TraceEvent[] } {
  const events: TraceEvent[] = [];
  let header: TraceHeader | undefined;
  let latest = 0;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const where = `line ${index + 1}`;
    let value: Record<string, unknown>;
    try {
      value = JSON.parse(line) as Record<string, unknown>;
    } catch (error) {
      throw new TraceError(`${where}: ${(error as Error).message}`);
    }
    if (header === undefined) {
      if (value['kind'] !== 'Trace')
        throw new TraceError(`${where}: a trace begins with {"apiVersion":"${traceVersion}","kind":"Trace"}`);
      if (value['apiVersion'] !== traceVersion)
        throw new TraceError(
          `${where}: version ${value['apiVersion']} is not known; this release reads ${traceVersion}`,
        );
      header = value as unknown as TraceHeader;
      continue;
    }
    const event = checkEvent(value as Partial<TraceEvent>, where, latest);
    latest = event.atMs;
    events.push(event);
  }
  if (header === undefined) throw new TraceError('the file is empty');
  return { header, events };
}
