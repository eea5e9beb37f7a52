/**
 * Turns what came into the object that is to be written. On update and patch it also finds the current object; when a write
 * lost a race this stage runs again, with the object as it is then.
 */
import {
  type ApiObject,
  isStatusError,
  type KindDefinition,
  patchMediaTypes,
  StatusError,
  type SubresourceDefinition,
} from '../../../src/api/index.ts';
import { decodeBody, type NamedKind } from '../bodies.ts';
import { copyOf, type Entry } from '../cache/entry.ts';
import type { Call } from '../call.ts';
import { notFoundOf, plainError } from '../failures.ts';
import {
  applyFields,
  applyPartFields,
  type LivePart,
  mentionsOwners,
  trackFields,
  trackPartFields,
} from '../field-ownership.ts';
import { storedKindOf } from '../kinds.ts';
import { decodeDeleteOptions, readWriteOptions } from '../options-of-calls.ts';
import { patchObject } from '../patching.ts';
import { rememberCreate, repeatedCreate } from '../repeated-creates.ts';
import type { Server } from '../server.ts';
import type { SubresourceHandler } from '../subresources/handler.ts';
import { subresourceHandlerOf } from '../subresources/index.ts';
import { virtualKindOf } from '../virtual/index.ts';

export function decode(call: Call, server: Server): void {
  // What connects to a pod, a node or a service has a body for these, not for this server.
  if (call.subresource !== undefined && subresourceHandlerOf(call)?.connect !== undefined) return;
  if (call.attempt === 1) readWriteOptions(call);
  switch (call.verb) {
    case 'create':
      decodeCreate(call, server);
      return;
    case 'update':
      decodeUpdate(call, server);
      return;
    case 'patch':
      decodePatch(call, server);
      return;
    default:
      call.deleteOptions ??= decodeDeleteOptions(call);
      if (call.verb === 'delete') call.previous = server.cacheOf(call.kind).get(keyOf(call, server));
  }
}

/** The object as it is. Where a webhook converts, the stage before has had it converted. */
function currentOf(call: Call, server: Server): Entry | undefined {
  return call.kind.conversion?.webhook === undefined
    ? server.cacheOf(call.kind).get(keyOf(call, server))
    : call.previous;
}

export function keyOf(call: Call, server: Server): string {
  return server.cacheOf(call.kind).keyOf(call.namespace, call.name as string);
}

function decodeCreate(call: Call, server: Server): void {
  if (call.subresource !== undefined) {
    call.part = decodeBody(call, partKindOf(call.kind, call.subresource));
    return;
  }
  call.object = repeatedCreate(call, server);
  if (call.object !== undefined) return;
  // A create that runs again (a generated name was taken) starts from the same body.
  const warnings = call.warnings.length;
  const object = decodeBody(call, call.kind);
  checkNamespace(call, object);
  call.object = finishDecode(object, undefined, call, server);
  rememberCreate(call, server, call.object, call.warnings.length > warnings);
}

const partKinds = new WeakMap<SubresourceDefinition, NamedKind>();

/** The kind of a subresource's body. */
function partKindOf(kind: KindDefinition, subresource: SubresourceDefinition): NamedKind {
  let part = partKinds.get(subresource);
  if (part === undefined) {
    part = {
      group: subresource.group ?? kind.group,
      version: subresource.version ?? kind.version,
      kind: subresource.kind ?? kind.kind,
      definition: subresource.definition ?? kind.definition,
    };
    partKinds.set(subresource, part);
  }
  return part;
}

function decodeUpdate(call: Call, server: Server): void {
  const previous = currentOf(call, server);
  call.previous = previous;
  const handler = subresourceHandlerOf(call);
  if (handler?.part !== undefined) {
    const part = decodeBody(call, handler.part.kind);
    checkName(call, part);
    if (previous === undefined) throw absentPart(call, handler.part);
    call.part = part;
    expectRevision(call, part);
    writePart(call, server, handler.part, previous, part);
    return;
  }
  const body = decodeBody(call, call.kind);
  checkName(call, body);
  const object = finishDecode(body, previous?.view(call.kind).object, call, server);
  if (previous === undefined) {
    if (
      storedKindOf(call.kind, server.registry).strategy?.allowCreateOnUpdate !== true ||
      call.subresource !== undefined
    ) {
      throw notFoundOf(call.kind, call.name as string);
    }
  } else {
    expectRevision(call, object);
  }
  call.object = object;
}

/** The name in the body must be the one in the path; a body without a namespace means that of the path. */
function checkName(call: Call, object: ApiObject): void {
  const { name } = object.metadata;
  if (name === undefined || name === '') {
    throw StatusError.badRequest(
      `the name of the object (${call.name} based on URL) was undeterminable: name must be provided`,
    );
  }
  if (name !== call.name) {
    throw StatusError.badRequest(`the name of the object (${name}) does not match the name on the URL (${call.name})`);
  }
  checkNamespace(call, object);
}

/** @see staging/src/k8s.io/apiserver/pkg/registry/rest/meta.go EnsureObjectNamespaceMatchesRequestNamespace */
export function checkNamespace(call: Call, object: ApiObject): void {
  const { namespace } = object.metadata;
  if (!call.kind.namespaced) {
    if (namespace !== undefined && namespace !== '') object.metadata.namespace = undefined as never;
    return;
  }
  if (namespace === undefined || namespace === '') object.metadata.namespace = call.namespace as string;
  else if (namespace !== call.namespace) {
    throw StatusError.badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
}

/** Notes the resourceVersion that a write was made from; none and 0 mean whatever is there. */
function expectRevision(call: Call, object: ApiObject): void {
  const version = object.metadata['resourceVersion'];
  if (typeof version !== 'string' || version === '') return;
  if (!/^\d+$/.test(version)) throw plainError(`strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`);
  if (Number(version) > 0) call.expectedRevision = version;
}

function absentPart({ kind, name }: Call, part: NonNullable<SubresourceHandler['part']>): StatusError {
  return notFoundOf(kind, name as string, part.absent?.(kind, 'write'));
}

function decodePatch(call: Call, server: Server): void {
  const previous = currentOf(call, server);
  call.previous = previous;
  const handler = subresourceHandlerOf(call);
  if (previous === undefined) {
    if (handler?.part !== undefined) throw absentPart(call, handler.part);
    if (call.patchType !== patchMediaTypes.apply || call.subresource !== undefined) {
      throw notFoundOf(call.kind, call.name as string);
    }
  }
  const applies = call.patchType === patchMediaTypes.apply;
  if (handler?.part !== undefined && previous !== undefined) {
    if (applies) {
      call.object = applyPart(call, server, handler.part, previous);
      return;
    }
    const { kind: partKind } = handler.part;
    const part = patchObject(call, partKind, handler.part.read(previous.object, call.kind, true));
    checkName(call, part);
    call.part = part;
    if (part.metadata['resourceVersion'] !== previous.object.metadata['resourceVersion']) expectRevision(call, part);
    writePart(call, server, handler.part, previous, part);
    return;
  }
  const view = previous?.view(call.kind);
  const base = view?.object;
  const patched = applies ? applyFields(call, server, base) : patchedOf(call, view);
  const { uid } = patched.metadata as { uid?: string };
  if (previous === undefined && uid !== undefined && uid !== '') {
    const reason = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw StatusError.conflict({ group: call.kind.group, name: call.kind.plural }, call.name as string, reason);
  }
  checkName(call, patched);
  // Only a resourceVersion that the patch itself brought is a condition.
  if (patched.metadata['resourceVersion'] !== base?.metadata['resourceVersion']) expectRevision(call, patched);
  call.object = finishDecode(patched, base, call, server, applies);
}

function patchedOf(call: Call, view: Entry | undefined): ApiObject {
  if (mentionsOwners(call)) return patchObject(call, call.kind, view?.whole);
  try {
    return patchObject(call, call.kind, view?.object);
  } catch (error) {
    if (!isStatusError(error)) throw error;
    // A refusal may quote the object: then as the client sees it.
    return patchObject(call, call.kind, view?.whole);
  }
}

/** Puts a changed part into a copy of its object. */
function writePart(
  call: Call,
  server: Server,
  handler: NonNullable<SubresourceHandler['part']>,
  previous: Entry,
  part: ApiObject,
): void {
  checkPart(call, handler, part);
  trackPartFields(call, server, livePartOf(call, handler, previous), part);
  call.object = withPart(call, handler, previous, part);
}

function withPart(
  call: Call,
  { write }: NonNullable<SubresourceHandler['part']>,
  previous: Entry,
  part: ApiObject,
): ApiObject {
  const object = copyOf(previous.object);
  write(object, part, call.kind);
  return object;
}

const livePartOf = (
  { kind }: Call,
  { kind: partKind, read, path }: NonNullable<SubresourceHandler['part']>,
  previous: Entry,
): LivePart => ({ live: read(previous.object, kind, true), kind: partKind, path: path(kind) });

/** @throws StatusError 422 that names the part's kind */
function checkPart(call: Call, { kind, validate }: NonNullable<SubresourceHandler['part']>, part: ApiObject): void {
  const errors = validate?.(part, call.kind) ?? [];
  if (errors.length > 0) throw StatusError.invalid({ group: kind.group, name: kind.kind }, call.name as string, errors);
}

/** Applies a part, and puts what comes out into a copy of its object. */
function applyPart(
  call: Call,
  server: Server,
  handler: NonNullable<SubresourceHandler['part']>,
  previous: Entry,
): ApiObject {
  const part = applyPartFields(call, server, livePartOf(call, handler, previous));
  checkName(call, part);
  if (part.metadata['resourceVersion'] !== previous.object.metadata['resourceVersion']) expectRevision(call, part);
  checkPart(call, handler, part);
  call.part = part;
  return withPart(call, handler, previous, part);
}

/** Defaults of the served version and who owns which fields, then the stored version. `live` is what is there, as served. */
function finishDecode(
  object: ApiObject,
  live: ApiObject | undefined,
  call: Call,
  server: Server,
  hasOwners = false,
): ApiObject {
  call.kind.strategy?.defaults?.(object, live);
  if (!hasOwners && virtualKindOf(call.kind) === undefined) trackFields(call, server, live, object);
  const { conversion } = call.kind;
  if (conversion === undefined) return object;
  const converted = conversion.toStored(object);
  storedKindOf(call.kind, server.registry).strategy?.defaults?.(converted);
  return converted;
}
