/**
 * Brings an object to the form in which it is stored: system fields, what the kind's strategy resets and fills, generation.
 * Defaults of the schema were set by decode.
 * @see staging/src/k8s.io/apiserver/pkg/registry/rest/create.go BeforeCreate, update.go BeforeUpdate
 */
import {
  type ApiObject,
  fieldErrors,
  type KindDefinition,
  prepareForCreate,
  prepareForStatusUpdate,
  prepareForSubresourceUpdate,
  prepareForUpdate,
  type RequestingUser,
  StatusError,
  type StrategyContext,
} from '../../../src/api/index.ts';
import type { Entry } from '../cache/entry.ts';
import type { Call } from '../call.ts';
import { invalidOf, otherUid } from '../failures.ts';
import { storedKindOf } from '../kinds.ts';
import type { Server } from '../server.ts';
import { virtualKindOf } from '../virtual/index.ts';

export function setDefaults(call: Call, server: Server): void {
  const { object, previous } = call;
  if (object === undefined || virtualKindOf(call.kind) !== undefined) return;
  const kind = storedKindOf(call.kind, server.registry);
  const context = contextOf(call, kind, server);
  if (previous === undefined) {
    fillSystemFields(call, object, context);
    prepareForCreate(kind, object, {
      user: requestingUser(call),
      warn: (text) => call.warnings.push(text),
      ...context,
    });
    call.name = object.metadata.name ?? '';
    return;
  }
  keepSystemFields(call, object, previous.object);
  const subresource = call.subresource?.name;
  if (subresource === undefined || call.part !== undefined) prepareForUpdate(kind, object, previous.object, context);
  else if (subresource === 'status') prepareForStatusUpdate(kind, object, previous.object, context);
  else prepareForSubresourceUpdate(kind, subresource, object, previous.object, context);
}

/** Who asks is written into certificate requests; no other kind wants to know. */
function contextOf(call: Call, kind: KindDefinition, server: Server): StrategyContext {
  const context = server.strategyContext(call.dryRun);
  if (kind.storagePrefix !== '/registry/certificatesigningrequests') return context;
  const { user, uid, groups, extra } = call.user;
  return {
    ...context,
    user: { name: user, groups, ...(uid === undefined ? {} : { uid }), ...(extra === undefined ? {} : { extra }) },
  };
}

function requestingUser({ user: { user, uid, groups, extra } }: Call): RequestingUser {
  return { name: user, groups, ...(uid !== undefined && { uid }), ...(extra !== undefined && { extra }) };
}

/** Fields of metadata that no creator can set. Deleting what is not there costs more than a look. */
const CLEARED_FIELDS = [
  'resourceVersion',
  'selfLink',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
] as const;

function fillSystemFields(call: Call, object: ApiObject, context: StrategyContext): void {
  const { metadata } = object;
  const { uid, resourceVersion } = metadata as { uid?: string; resourceVersion?: string };
  // An apply that creates has been an update of nothing until now: nothing has no uid either.
  if (call.verb === 'patch' && uid !== undefined && uid !== '') refuseUid(call, uid);
  if (call.verb === 'create' && resourceVersion !== undefined && resourceVersion !== '') {
    throw StatusError.badRequest('resourceVersion should not be set on objects to be created');
  }
  for (const field of CLEARED_FIELDS) if (metadata[field] !== undefined) delete metadata[field];
  const { generateName } = metadata as { generateName?: string };
  if ((metadata.name === undefined || metadata.name === '') && generateName !== undefined && generateName !== '') {
    metadata.name = generatedName(generateName, context);
    call.hasGeneratedName = true;
  }
  metadata['uid'] = context.uuid();
  metadata['creationTimestamp'] = context.now;
}

const NAME_LENGTH_MAX = 63;
const SUFFIX_LENGTH = 5;

/** @see staging/src/k8s.io/apiserver/pkg/storage/names/generate.go */
function generatedName(base: string, context: StrategyContext): string {
  return base.slice(0, NAME_LENGTH_MAX - SUFFIX_LENGTH) + context.suffix(SUFFIX_LENGTH);
}

/** Fields of metadata that a writer cannot change: they are taken from the current object. */
const SYSTEM_FIELDS = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generateName',
] as const;

function keepSystemFields(call: Call, object: ApiObject, previous: ApiObject): void {
  const { metadata } = object;
  const { uid } = metadata as { uid?: string };
  if (uid !== undefined && uid !== '' && uid !== previous.metadata['uid']) refuseOtherUid(call, uid, previous);
  if (metadata['selfLink'] !== undefined) delete metadata['selfLink'];
  for (const field of SYSTEM_FIELDS) {
    const value = previous.metadata[field];
    if (value !== undefined) metadata[field] = value;
    else if (metadata[field] !== undefined) delete metadata[field];
  }
}

/** A PUT says which object it means, so another one is a conflict; a patch tries to change what cannot be changed. */
function refuseOtherUid(call: Call, uid: string, previous: ApiObject): never {
  const name = call.name as string;
  if (call.verb === 'patch') refuseUid(call, uid);
  throw otherUid(call.kind, (call.previous as Entry).key, name, uid, previous.metadata['uid'] as string);
}

function refuseUid(call: Call, uid: string): never {
  const error = fieldErrors.invalid('metadata.uid', uid, 'field is immutable');
  // Upstream checks it in two places and tells of both.
  throw invalidOf(call.kind, call.name as string, [error, error]);
}

/** Deep equality of plain data; members that are undefined count as absent. */
export function sameValue(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  if (Array.isArray(left)) {
    const other = right as unknown[];
    return left.length === other.length && left.every((item, index) => sameValue(item, other[index]));
  }
  const [a, b] = [left as Record<string, unknown>, right as Record<string, unknown>];
  let members = 0;
  for (const name in a) {
    if (a[name] === undefined) continue;
    members++;
    if (!sameValue(a[name], b[name])) return false;
  }
  for (const name in b) if (b[name] !== undefined) members--;
  return members === 0;
}
