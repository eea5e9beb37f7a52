/**
 * One version of one stored object, in the forms that readers want: packed bytes (as stored), the decoded object, JSON bytes
 * and protobuf bytes. Each form is made at most once and only when somebody asks. An entry never changes; its object is shared by
 * all readers and must not be changed by any of them.
 */
import {
  type ApiObject,
  encodeMessage,
  type KindDefinition,
  type Owners,
  type ProtobufMessage,
  type Schema,
  storedObject,
  storedOwners,
  unpackOwners,
  withManagedFields,
} from '../../../src/api/index.ts';
import { pack, unpack } from '../../../src/runtime/index.ts';
import { goJsonText } from '../http/text.ts';

const METADATA_MEMBER = '"metadata":';

/** Where an entry is. */
export interface Place {
  /** Key in the store. */
  readonly key: string;
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
  /** How the owners of its fields are stored: with the schema of the stored kind, or without one for custom kinds. */
  readonly fields?: { readonly schema: Schema | undefined } | undefined;
}

export class Entry implements Place {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly fields: Place['fields'];
  /** Who owns its fields, as it is stored; undefined when nobody does. */
  readonly packedOwners: Uint8Array | undefined;
  /** The revision that wrote it: its resourceVersion. For the last state of a deleted object, the delete's revision. */
  readonly revision: number;
  #bytes: Uint8Array | undefined;
  #object: ApiObject | undefined;
  #json: Buffer | undefined;
  /** Of the metadata in the JSON; 0 when its text was not made or does not begin with it. */
  #metadataBytes = 0;
  #protobuf: Buffer | undefined;
  #views: Map<KindDefinition, Entry> | undefined;

  /**
   * Give what is stored (src/api/stored-value.ts) or an object or both. An object given here is owned by the entry from now on; its owners are
   * those of the stored value, or are given beside it.
   */
  constructor(
    place: Place,
    revision: number,
    value: Uint8Array | undefined,
    object?: ApiObject,
    owners?: Uint8Array | undefined,
  ) {
    this.key = place.key;
    this.namespace = place.namespace;
    this.name = place.name;
    this.revision = revision;
    this.fields = place.fields;
    this.#bytes = value === undefined ? undefined : storedObject(value);
    this.packedOwners = value === undefined ? owners : storedOwners(value);
    if (object !== undefined) {
      object.metadata['resourceVersion'] = revision === 0 ? undefined : String(revision);
      this.#object = object;
    }
  }

  /** msgpack, without a current resourceVersion and without the owners. */
  get bytes(): Uint8Array {
    this.#bytes ??= pack(this.#object);
    return this.#bytes;
  }

  /** Decoded, with its resourceVersion and without `managedFields`. */
  get object(): ApiObject {
    if (this.#object === undefined) {
      const object = unpack(this.#bytes as Uint8Array) as ApiObject;
      if (this.revision !== 0) object.metadata['resourceVersion'] = String(this.revision);
      this.#object = object;
    }
    return this.#object;
  }

  /** Who owns which fields. A new list each time; its sets are shared. */
  get owners(): Owners {
    return unpackOwners(this.packedOwners, this.fields?.schema);
  }

  /** The object as HTTP clients see it: with its `managedFields`. */
  get whole(): ApiObject {
    return this.packedOwners === undefined ? this.object : withManagedFields(this.object, this.owners);
  }

  /**
   * UTF-8 JSON of the whole object without `kind` and `apiVersion`: `{"metadata":…}`. Items of a list are sent like this; for a
   * whole object the door puts the two in front (see {@link jsonHead}), so one text serves both.
   */
  get json(): Buffer {
    this.#json ??= Buffer.from(this.#text());
    return this.#json;
  }

  /** The same as text, for a reader that may be the only one: what is not kept yet is not kept for it. */
  get jsonOnce(): Buffer | string {
    return this.#json ?? this.#text();
  }

  /** UTF-8 JSON of the whole object's metadata. */
  get metadataJson(): Buffer {
    const json = this.#json ?? this.json;
    // Of a decoded object the length is known once its text was made; custom kinds may have other members in front.
    if (this.#metadataBytes === 0) return Buffer.from(goJsonText(this.whole.metadata));
    return json.subarray(METADATA_MEMBER.length + 1, METADATA_MEMBER.length + 1 + this.#metadataBytes);
  }

  #text(): string {
    const { kind: _kind, apiVersion: _version, ...rest } = this.whole;
    for (const first in rest) {
      if (first !== 'metadata') break;
      const { metadata, ...others } = rest;
      const text = goJsonText(metadata);
      const more = goJsonText(others);
      this.#metadataBytes = Buffer.byteLength(text);
      return more === '{}' ? `{${METADATA_MEMBER}${text}}` : `{${METADATA_MEMBER}${text},${more.slice(1)}`;
    }
    return goJsonText(rest);
  }

  /** The object's bytes in protobuf, without its type: an item of a list, or what goes into an envelope. */
  protobuf(message: ProtobufMessage): Buffer {
    this.#protobuf ??= encodeMessage(this.whole, message);
    return this.#protobuf;
  }

  /**
   * Lets go of everything but the bytes: the entry is history now, and is decoded again should a watch begin before it.
   * Called after its last reader of this turn.
   */
  retire(): void {
    this.#bytes ??= pack(this.#object);
    this.#object = undefined;
    this.#json = undefined;
    this.#protobuf = undefined;
    this.#views = undefined;
  }

  /** The same object in another served version, converted once. */
  view(kind: KindDefinition): Entry {
    if (kind.conversion === undefined) return this;
    let view = this.#views?.get(kind);
    if (view === undefined) {
      const object = kind.conversion.fromStored(copyOf(this.object));
      view = new Entry(this, this.revision, undefined, object, this.packedOwners);
      this.#views ??= new Map();
      this.#views.set(kind, view);
    }
    return view;
  }

  /** Whether {@link view} has the object in that version already. */
  hasView(kind: KindDefinition): boolean {
    return this.#views?.has(kind) === true;
  }

  /** Keeps what a webhook has made of the object for that version. */
  keepView(kind: KindDefinition, object: ApiObject): Entry {
    const view = new Entry(this, this.revision, undefined, object, this.packedOwners);
    this.#views ??= new Map();
    this.#views.set(kind, view);
    return view;
  }

  /** The same content under a later revision: what a DELETED event carries. */
  at(revision: number): Entry {
    const entry = new Entry(this, revision, undefined, undefined, this.packedOwners);
    entry.#bytes = this.bytes;
    return entry;
  }
}

/** The text before {@link Entry.json}'s first member: `{"kind":"Pod","apiVersion":"v1",`. */
export function jsonHead(kind: string, group: string, version: string): Buffer {
  const apiVersion = group === '' ? version : `${group}/${version}`;
  return Buffer.from(`{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},`);
}

/** A deep copy of plain data. Several times faster than structuredClone for API objects. */
export function copyOf<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = new Array(value.length);
    for (let index = 0; index < value.length; index++) items[index] = copyOf(value[index]);
    return items as Value;
  }
  const copy: Record<string, unknown> = {};
  for (const name in value) copy[name] = copyOf(value[name]);
  return copy as Value;
}
