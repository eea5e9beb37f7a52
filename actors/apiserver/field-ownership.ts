/**
 * Who owns which fields: writes `metadata.managedFields` for creates, updates and patches, and carries out server-side apply.
 * Objects that the system's own actors create over the bus go without, unless asked for: tracking costs as much as all the rest
 * of a write and doubles a pod's size. Once an object has owners, everybody's writes are tracked.
 */
import {
  type ApiObject,
  type ApplyWriter,
  applyConfiguration,
  decodePatched,
  type FieldWriter,
  type KindDefinition,
  parseConfiguration,
  type ResetFields,
  resetFieldsOf,
  type Schema,
  StatusError,
  trackUpdate,
} from '../../src/api/index.ts';
import { unpack } from '../../src/runtime/index.ts';
import { expectedKindOf, fieldValidationOf } from './bodies.ts';
import { copyOf } from './cache/entry.ts';
import type { Call } from './call.ts';
import { apiVersionOf } from './kinds.ts';
import type { Server } from './server.ts';
import { booleanOf } from './verbs/list-options.ts';

/** Records in `object` what this create, update or patch changes of `live`, both in the version of the request. */
export function trackFields(call: Call, server: Server, live: ApiObject | undefined, object: ApiObject): void {
  const tracked =
    call.door === 'http' || server.options.trackAllFields || live?.metadata['managedFields'] !== undefined;
  if (tracked) trackUpdate(live, object, writerOf(call, server));
  else delete object.metadata['managedFields'];
}

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

/** The configuration of an apply's body. */
export function configurationOf(call: Call): ApiObject {
  const bytes = call.body?.bytes ?? new Uint8Array();
  return call.body?.form === 'packed'
    ? unpack<ApiObject>(bytes)
    : parseConfiguration(bytes, call.attempt <= 1 ? call.warnings : undefined);
}

/** The object that an apply of `configuration` makes of `live`; a copy of `live` when it changes nothing. */
export function applyFields(
  call: Call,
  server: Server,
  live: ApiObject | undefined,
  configuration: ApiObject,
): ApiObject {
  const { kind } = call;
  const writer: ApplyWriter = {
    ...writerOf(call, server),
    group: kind.group,
    version: kind.version,
    kind: kind.kind,
    force: booleanOf(call.query['force']) ?? false,
  };
  const merged = applyConfiguration(live, configuration, writer);
  if (merged === undefined) return copyOf(live as ApiObject);
  const { object, warnings } = decodePatched(merged, expectedKindOf(kind), fieldValidationOf(call), (reason) =>
    StatusError.badRequest(reason),
  );
  if (call.attempt <= 1) call.warnings.push(...warnings);
  object.metadata ??= {};
  // Nobody owns the name, so a manager that leaves everything else leaves it too.
  object.metadata.name ??= call.name as string;
  return object;
}
