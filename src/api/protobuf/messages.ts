/**
 * The messages that decoding and encoding walk: the numbers of numbers.ts joined with the types of the schema tables. A message is
 * made when it is first asked for and kept; there is one for each definition that has a protobuf form.
 */
import { type FieldSchema, type ObjectSchema, objectSchema, type Schema } from '../schema.ts';
import { protobufNumbers } from './numbers.ts';

/**
 * How a value is written where its type alone does not say it.
 * - `wrapped`: a list that is a message of its own (1 = items);
 * - `schemaOrList`: 1 = one schema, 2 = several;
 * - `schemaOrBool`: 1 = whether anything is allowed, 2 = a schema;
 * - `schemaOrStrings`: 1 = a schema, 2 = names; a map has them as its values.
 */
export type SpecialForm = 'wrapped' | 'schemaOrList' | 'schemaOrBool' | 'schemaOrStrings';

export interface MessageField {
  readonly number: number;
  /** Name in JSON; empty for an embedded message. */
  readonly name: string;
  readonly schema: Schema;
  readonly field: FieldSchema | undefined;
  readonly form: SpecialForm | undefined;
  /** Its members are members of the outer object in JSON. */
  readonly embedded: Message | undefined;
}

export interface Message {
  /** Upstream's name of the message, such as `Pod`; errors name it. */
  readonly name: string;
  /** By number; holes where there is none. */
  readonly byNumber: readonly (MessageField | undefined)[];
  /** From the highest number to the lowest. */
  readonly descending: readonly MessageField[];
}

let rows: Map<string, readonly string[]> | undefined;

function rowOf(name: string): readonly string[] | undefined {
  if (rows === undefined) {
    rows = new Map();
    for (const line of protobufNumbers.trim().split('\n')) {
      const [message = '', ...fields] = line.split(' ');
      rows.set(message, fields);
    }
  }
  return rows.get(name) ?? rows.get(likeOf(name, rows));
}

/** Versions that an alpha or beta version may be the same as, the best first. */
const betterVersions = ['v1', 'v1beta2', 'v1beta1'];

function likeOf(name: string, known: ReadonlyMap<string, unknown>): string {
  const preview = /^(\w+\.)v\d+(?:alpha|beta)\d+(\.\w+)$/.exec(name);
  const names = preview === null ? [] : betterVersions.map((version) => `${preview[1]}${version}${preview[2]}`);
  return names.find((other) => known.has(other)) ?? name;
}

/** `io.k8s.api.core.v1.Pod` → `core.v1.Pod`: the name that numbers.ts uses. */
export function rowNameOf(definition: string): string {
  return definition
    .replace(/^io\.k8s\.(api\.|(apimachinery|apiextensions-apiserver|kube-aggregator)\.pkg\.apis\.)/, '')
    .replace(/^meta\.v1\./, 'meta.');
}

/** A list has a message if its items have one. */
function isList(object: ObjectSchema): boolean {
  const items = object.fields.get('items')?.schema.element?.object;
  return object.shortName.endsWith('List') && items !== undefined && messageOf(items) !== undefined;
}

const messages = new Map<ObjectSchema, Message | null>();

/** The message of a definition; undefined when it has no protobuf form, as custom kinds have none. */
export function messageOf(object: ObjectSchema): Message | undefined {
  let message = messages.get(object);
  if (message === undefined) {
    const row = rowOf(rowNameOf(object.name)) ?? (isList(object) ? ['metadata', 'items'] : undefined);
    message = row === undefined ? null : compile(object.shortName, row, object);
    messages.set(object, message);
  }
  return message ?? undefined;
}

const objectType: Schema = { kind: 'raw', typeName: '' };

/** Embedded messages have the outer object's fields, and no schema of their own. */
function compile(name: string, row: readonly string[], object: ObjectSchema): Message {
  const byNumber: (MessageField | undefined)[] = [undefined];
  const descending: MessageField[] = [];
  row.forEach((entry, index) => {
    const made = fieldOf(entry, index + 1, object);
    byNumber.push(made);
    if (made !== undefined) descending.unshift(made);
  });
  return { name, byNumber, descending };
}

function fieldOf(entry: string, number: number, object: ObjectSchema): MessageField | undefined {
  if (entry === '-') return undefined;
  if (entry.startsWith('*')) {
    const inner = entry.slice(1);
    const embedded = compile(inner.slice(inner.lastIndexOf('.') + 1), rowOf(inner) ?? [], object);
    return { number, name: '', schema: objectType, field: undefined, form: undefined, embedded };
  }
  const [name = '', form] = entry.split(':');
  const field = object.fields.get(name);
  if (field === undefined) return undefined;
  return { number, name, schema: field.schema, field, form: form as SpecialForm | undefined, embedded: undefined };
}

/** The message of a kind's definition by its full name; undefined for custom kinds and for what is JSON alone. */
export function messageOfDefinition(definition: string): Message | undefined {
  const object = objectSchema(definition);
  return object === undefined ? undefined : messageOf(object);
}

/** The message of JSON schemas, which contain themselves in ways that the schema tables do not tell. */
export function jsonSchemaMessage(): Message {
  const definition = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';
  const message = messageOfDefinition(definition);
  if (message === undefined) throw new Error(`${definition} has no protobuf form`);
  return message;
}
