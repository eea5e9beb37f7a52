/**
 * Who owns which fields: works out what `metadata.managedFields` will show for every create, update and patch, whoever writes, and
 * carries out server-side apply. The decode stage calls it and keeps the outcome in `call.owners`; the store stage writes it beside
 * the object.
 */
import {
  type ApiObject,
  type ApplyWriter,
  applyConfiguration,
  decodePatched,
  type FieldWriter,
  type KindDefinition,
  type Owners,
  packCreator,
  packFirstStatus,
  packOwners,
  parseConfiguration,
  type ResetFields,
  resetFieldsOf,
  type Schema,
  StatusError,
  scaleOwners,
  takeManagedFields,
  trackCreate,
  trackUpdate,
  withScaleOwners,
} from '../../src/api/index.ts';
import { unpack } from '../../src/runtime/index.ts';
import { expectedKindOf, fieldValidationOf, type NamedKind } from './bodies.ts';
import { copyOf, type Entry } from './cache/entry.ts';
import type { Call } from './call.ts';
import { apiVersionOf } from './kinds.ts';
import type { Server } from './server.ts';
import { booleanOf } from './verbs/list-options.ts';

/**
 * Works out who owns the fields of `object` after this create, update or patch of `live`, both in the version of the request, and takes
 * what the request says of it out of the object.
 */
export function trackFields(call: Call, server: Server, live: ApiObject | undefined, object: ApiObject): void {
  const given = takeManagedFields(object);
  const writer = writerOf(call, server);
  const { schema } = server.cacheOf(call.kind).fields ?? {};
  if (live === undefined && given === undefined && schema !== undefined) {
    for (const { object: holder, name } of call.emptied ?? []) holder[name] = [];
    const created = trackCreate(object, writer, schema);
    for (const { object: holder, name } of call.emptied ?? []) holder[name] = null;
    call.owners = created === undefined ? undefined : packCreator(writer, created);
    return;
  }
  const stored = call.previous?.owners ?? new Map();
  const quickly =
    live !== undefined && schema === writer.schema
      ? packFirstStatus(stored, call.previous?.packedOwners, live, object, writer)
      : undefined;
  call.owners = quickly ?? packOwners(trackUpdate(stored, live, object, writer, given), schema);
}

/** The fields of a new object that its creator owns, for {@link ownCreated}; undefined when there are none. */
export function createdFields(call: Call, server: Server, object: ApiObject): Uint8Array | undefined {
  const { schema } = server.cacheOf(call.kind).fields ?? {};
  return trackCreate(object, writerOf(call, server), schema);
}

/** Makes the call's user the owner of these fields of the object that it creates, and nobody else of any. */
export function ownCreated(call: Call, server: Server, fields: Uint8Array | undefined): void {
  call.owners = fields === undefined ? undefined : packCreator(writerOf(call, server), fields);
}

/** Who owns the fields after the server has changed a status itself: upstream's server is a client of its own then. */
export function trackOwnStatus(
  server: Server,
  kind: KindDefinition,
  live: Entry,
  object: ApiObject,
): Uint8Array | null {
  const { schema } = expectedKindOf(kind);
  const writer: FieldWriter = {
    manager: 'kube-apiserver',
    apiVersion: apiVersionOf(kind),
    schema,
    subresource: 'status',
    now: server.strategyContext(false).now,
    resetFields: resetPathsOf(kind, 'status', schema),
  };
  const owners = trackUpdate(live.owners ?? new Map(), live.object, object, writer);
  return packOwners(owners, server.cacheOf(kind).fields?.schema) ?? null;
}

/** Whether a patch says anything of the owners: only then it is applied to an object that shows them. */
export function mentionsOwners({ body }: Call): boolean {
  return (
    body !== undefined &&
    Buffer.from(body.bytes.buffer, body.bytes.byteOffset, body.bytes.length).includes(MANAGED_FIELDS)
  );
}

const MANAGED_FIELDS = Buffer.from('managedFields');

function writerOf(call: Call, server: Server): FieldWriter {
  const { kind, subresource } = call;
  const { schema } = expectedKindOf(kind);
  return {
    manager: call.fieldManager,
    apiVersion: apiVersionOf(kind),
    schema,
    subresource: subresource?.name,
    now: server.strategyContext(call.dryRun).now,
    resetFields: resetPathsOf(kind, subresource?.name, schema),
  };
}

type Paths = readonly (readonly string[])[];

const resetPaths = new WeakMap<KindDefinition, Map<string, Paths>>();

function resetPathsOf(kind: KindDefinition, subresource: string | undefined, schema: Schema): Paths {
  let ofKind = resetPaths.get(kind);
  if (ofKind === undefined) {
    ofKind = new Map();
    resetPaths.set(kind, ofKind);
  }
  const key = subresource ?? '';
  let paths = ofKind.get(key);
  if (paths === undefined) {
    paths = pathsOf(resetFieldsOf(kind, subresource), schema);
    ofKind.set(key, paths);
  }
  return paths;
}

/** What is left out, also where the rule says what is kept: then it is everything beside that. */
function pathsOf(reset: ResetFields, schema: Schema): Paths {
  if ('drop' in reset) return reset.drop;
  const kept = new Set(reset.keep.map((path) => path.join('.')));
  const roots = new Set(reset.keep.map(([root = '']) => root));
  const paths: string[][] = [];
  for (const field of schema.object?.fields.values() ?? []) {
    if (!roots.has(field.name)) paths.push([field.name]);
    else {
      for (const inner of field.schema.object?.fields.keys() ?? []) {
        if (!kept.has(`${field.name}.${inner}`)) paths.push([field.name, inner]);
      }
    }
  }
  return paths;
}

/** The configuration of an apply's body. What its text repeats is told, or refused, only once it has been applied. */
function configurationOf(call: Call): { readonly configuration: ApiObject; finish(): void } {
  const bytes = call.body?.bytes ?? new Uint8Array();
  if (call.body?.form === 'packed') return { configuration: unpack<ApiObject>(bytes), finish: () => undefined };
  const validation = fieldValidationOf(call);
  const repeated: string[] = [];
  return {
    configuration: parseConfiguration(bytes, validation === 'Ignore' ? undefined : repeated),
    finish() {
      if (validation === 'Warn' && call.attempt <= 1) call.warnings.push(...repeated);
      if (validation !== 'Strict' || repeated.length === 0) return;
      const lines = repeated.map((line) => `\n  ${line}`).join('');
      throw StatusError.badRequest(
        `error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:${lines}`,
      );
    },
  };
}

/** The object that the call's configuration makes of `live`; a copy of `live` when it changes nothing. */
export function applyFields(call: Call, server: Server, live: ApiObject | undefined): ApiObject {
  const { kind } = call;
  const { configuration, finish } = configurationOf(call);
  const writer = applierOf(call, kind, writerOf(call, server));
  const { schema } = server.cacheOf(kind).fields ?? {};
  const applied = applyConfiguration(live, call.previous?.owners ?? new Map(), configuration, writer);
  if (applied === undefined) {
    finish();
    call.owners = call.previous?.packedOwners;
    return copyOf(live as ApiObject);
  }
  call.owners = packOwners(applied.owners, schema);
  const object = decodeApplied(call, applied.object, configuration, kind);
  finish();
  // Nobody owns the name, so a manager that leaves everything else leaves it too.
  object.metadata.name ??= call.name as string;
  return object;
}

function applierOf(call: Call, { group, version, kind }: NamedKind, writer: FieldWriter): ApplyWriter {
  return { ...writer, group, version, kind, force: booleanOf(call.query['force']) ?? false };
}

function decodeApplied(call: Call, applied: ApiObject, configuration: ApiObject, kind: NamedKind): ApiObject {
  const refuse = (reason: string): StatusError => {
    const { namespace = '', name = '' } = configuration.metadata ?? {};
    const gvk = `${kind.group}/${kind.version}, Kind=${kind.kind}`;
    return StatusError.other(
      500,
      '',
      `failed to convert new object (${namespace}/${name}; ${gvk}) to proper version: unable to convert unstructured object to ${gvk}: ${reason}`,
    );
  };
  const { object, warnings } = decodePatched(applied, expectedKindOf(kind), fieldValidationOf(call), refuse);
  if (call.attempt <= 1) call.warnings.push(...warnings);
  object.metadata ??= {};
  return object;
}

/** The part of an object that is another kind, such as its scale: as it is, its kind, and where in the object its only field is. */
export interface LivePart {
  readonly live: ApiObject;
  readonly kind: NamedKind;
  readonly path: readonly string[];
}

/** The part that the call's configuration makes of it. */
export function applyPartFields(call: Call, server: Server, part: LivePart): ApiObject {
  const { live, kind, path } = part;
  const { configuration, finish } = configurationOf(call);
  const stored = call.previous?.owners ?? new Map();
  const writer = applierOf(call, kind, partWriterOf(call, server, kind));
  const applied = applyConfiguration(live, scaleOwners(stored, path), configuration, writer);
  finish();
  if (applied === undefined) {
    call.owners = call.previous?.packedOwners;
    return live;
  }
  keepPartOwners(call, server, stored, applied.owners, path);
  return decodeApplied(call, applied.object, configuration, kind);
}

/** Like {@link trackFields}, of a part that has become `updated`. */
export function trackPartFields(call: Call, server: Server, part: LivePart, updated: ApiObject): void {
  const { live, kind, path } = part;
  const stored = call.previous?.owners ?? new Map();
  const owners = trackUpdate(scaleOwners(stored, path), live, updated, partWriterOf(call, server, kind));
  keepPartOwners(call, server, stored, owners, path);
}

function keepPartOwners(call: Call, server: Server, stored: Owners, owners: Owners, path: LivePart['path']): void {
  const { schema } = server.cacheOf(call.kind).fields ?? {};
  call.owners = packOwners(withScaleOwners(stored, owners, apiVersionOf(call.kind), path), schema);
}

function partWriterOf(call: Call, server: Server, kind: NamedKind): FieldWriter {
  return {
    manager: call.fieldManager,
    apiVersion: apiVersionOf(kind),
    schema: expectedKindOf(kind).schema,
    subresource: call.subresource?.name,
    now: server.strategyContext(call.dryRun).now,
  };
}
