/**
 * Creates that come again byte for byte, as those of a ReplicaSet's pods do: their name is made by the server, and all else is the same.
 * What decoding, defaults and the question who owns which field have made of the first is remembered, and later ones start from
 * a copy. The decode stage asks before it decodes and tells what came out; admission, system fields and validation are each object's own.
 *
 * A body is remembered when it is seen, and its object when it is seen again: nothing is copied for those that come once. Bodies that
 * name their object cannot come twice, and what was warned of has to be told again: both are left alone.
 */
import type { ApiObject, KindDefinition } from '../../src/api/index.ts';
import { fieldValidationOf } from './bodies.ts';
import { copyOf } from './cache/entry.ts';
import type { Body, Call } from './call.ts';
import { createdFields, mentionsOwners, ownCreated } from './field-ownership.ts';
import type { Server } from './server.ts';

/** Bodies remembered of a kind, and how long they may be. */
const REPEATED_MAX = 16;
const BODY_BYTES_MAX = 16_384;

interface Repeated {
  readonly form: Body['form'];
  readonly bytes: Uint8Array;
  readonly namespace: string | undefined;
  readonly validation: string;
  /** Undefined while the body was seen once. Never given away. */
  object: ApiObject | undefined;
  /** The fields that its creator owns. */
  fields: Uint8Array | undefined;
}

/** The newest first. */
const repeated = new WeakMap<KindDefinition, Repeated[]>();

/** The object of a body that came before, with its owners in the call; undefined where it has to be decoded. */
export function repeatedCreate(call: Call, server: Server): ApiObject | undefined {
  const found = find(call);
  if (found?.object === undefined) return undefined;
  ownCreated(call, server, found.fields);
  return copyOf(found.object);
}

/** Tells what has become of the call's body. `warned`: something of it was to be told to the client. */
export function rememberCreate(call: Call, server: Server, object: ApiObject, warned: boolean): void {
  const { kind, body, namespace } = call;
  const { name, generateName } = object.metadata as { name?: string; generateName?: string };
  const isNamed = (name !== undefined && name !== '') || generateName === undefined || generateName === '';
  if (isNamed || warned || body === undefined || body.bytes.length > BODY_BYTES_MAX) return;
  // What is not stored has no owners.
  if (call.owners === undefined) return;
  // An empty list that is stored as none is owned all the same, and only the decoded object knows where it was.
  if (call.attempt > 1 || call.emptied !== undefined || kind.conversion !== undefined || kind.custom !== undefined)
    return;
  const known = find(call);
  if (known !== undefined) {
    known.object = copyOf(object);
    known.fields = createdFields(call, server, object);
    return;
  }
  if (mentionsOwners(call) || mentionsPrototype(body)) return;
  let list = repeated.get(kind);
  if (list === undefined) {
    list = [];
    repeated.set(kind, list);
  }
  // The body is a view of all that came with it.
  const bytes = new Uint8Array(body.bytes);
  list.unshift({
    form: body.form,
    bytes,
    namespace,
    validation: fieldValidationOf(call),
    object: undefined,
    fields: undefined,
  });
  if (list.length > REPEATED_MAX) list.pop();
}

const PROTOTYPE = '__proto__';

/** Copies take a member of that name for something else: what has one is decoded each time. */
function mentionsPrototype({ bytes }: Body): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(PROTOTYPE);
}

function find(call: Call): Repeated | undefined {
  const { kind, body, namespace } = call;
  const list = repeated.get(kind);
  if (list === undefined || body === undefined) return undefined;
  for (let index = 0; index < list.length; index++) {
    const one = list[index] as Repeated;
    if (one.bytes.length !== body.bytes.length || one.namespace !== namespace || one.form !== body.form) continue;
    if (Buffer.compare(one.bytes, body.bytes) !== 0 || one.validation !== fieldValidationOf(call)) continue;
    if (index > 0) {
      list.splice(index, 1);
      list.unshift(one);
    }
    return one;
  }
  return undefined;
}
