/**
 * The OpenAPI v2 document in the protobuf form of gnostic, which kubectl up to 1.28 asks for (and has no other way to learn the
 * schemas). Definitions are written whole; paths are not, since nobody reads them in this form.
 *
 * @see https://github.com/google/gnostic-models/blob/main/openapiv2/OpenAPIv2.proto
 */

type Json = Record<string, unknown>;

/** Appends to one growing list of chunks; nested messages are written first and then prefixed with their length. */
class Message {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  #add(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#length += bytes.length;
  }

  string(number: number, value: unknown): void {
    if (typeof value === 'string' && value !== '') this.bytes(number, Buffer.from(value));
  }

  boolean(number: number, value: unknown): void {
    if (value === true) this.#add(Uint8Array.from([...varint(number * 8), 1]));
  }

  integer(number: number, value: unknown): void {
    if (typeof value === 'number' && value > 0) this.#add(Uint8Array.from([...varint(number * 8), ...varint(value)]));
  }

  double(number: number, value: unknown): void {
    if (typeof value !== 'number') return;
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    this.#add(Uint8Array.from(varint(number * 8 + 1)));
    this.#add(bytes);
  }

  bytes(number: number, value: Uint8Array): void {
    this.#add(Uint8Array.from([...varint(number * 8 + 2), ...varint(value.length)]));
    this.#add(value);
  }

  message(number: number, write: (message: Message) => void): void {
    const inner = new Message();
    write(inner);
    this.bytes(number, inner.done());
  }

  done(): Uint8Array {
    return Buffer.concat(this.#chunks, this.#length);
  }
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}

/** Field numbers of a schema's plain members. */
const TEXTS = [
  ['$ref', 1],
  ['format', 2],
  ['title', 3],
  ['description', 4],
  ['pattern', 13],
  ['discriminator', 26],
] as const;
const INTEGERS = [
  ['maxLength', 11],
  ['minLength', 12],
  ['maxItems', 14],
  ['minItems', 15],
  ['maxProperties', 17],
  ['minProperties', 18],
] as const;
const NUMBERS = [
  ['multipleOf', 6],
  ['maximum', 7],
  ['minimum', 9],
] as const;
const BOOLEANS = [
  ['exclusiveMaximum', 8],
  ['exclusiveMinimum', 10],
  ['uniqueItems', 16],
  ['readOnly', 27],
] as const;

/** Anything that has no message of its own travels as YAML, of which JSON is a part. */
function writeAny(message: Message, value: unknown): void {
  message.string(2, JSON.stringify(value));
}

function writeSchema(message: Message, schema: Json): void {
  for (const [name, number] of TEXTS) message.string(number, schema[name]);
  for (const [name, number] of INTEGERS) message.integer(number, schema[name]);
  for (const [name, number] of NUMBERS) message.double(number, schema[name]);
  for (const [name, number] of BOOLEANS) message.boolean(number, schema[name]);
  if (schema['default'] !== undefined) message.message(5, (any) => writeAny(any, schema['default']));
  for (const name of (schema['required'] as string[] | undefined) ?? []) message.string(19, name);
  for (const value of (schema['enum'] as unknown[] | undefined) ?? [])
    message.message(20, (any) => writeAny(any, value));
  writeAdditional(message, schema['additionalProperties']);
  if (typeof schema['type'] === 'string') message.message(22, (type) => type.string(1, schema['type']));
  const { items, allOf, properties } = schema as { items?: Json; allOf?: Json[]; properties?: Record<string, Json> };
  if (items !== undefined) message.message(23, (list) => list.message(1, (inner) => writeSchema(inner, items)));
  for (const part of allOf ?? []) message.message(24, (inner) => writeSchema(inner, part));
  if (properties !== undefined) message.message(25, (inner) => writeNamed(inner, properties));
  for (const [name, value] of Object.entries(schema)) {
    if (!name.startsWith('x-')) continue;
    message.message(31, (extension) => {
      extension.string(1, name);
      extension.message(2, (any) => writeAny(any, value));
    });
  }
}

function writeAdditional(message: Message, additional: unknown): void {
  if (additional === undefined) return;
  message.message(21, (item) => {
    if (typeof additional === 'object') item.message(1, (inner) => writeSchema(inner, additional as Json));
    else item.boolean(2, additional);
  });
}

function writeNamed(message: Message, schemas: Record<string, Json>): void {
  for (const [name, schema] of Object.entries(schemas)) {
    message.message(1, (named) => {
      named.string(1, name);
      named.message(2, (inner) => writeSchema(inner, schema));
    });
  }
}

/** One definition of a document: a member of what stands after {@link encodeOpenApiV2Head}. */
export function encodeDefinition(name: string, schema: Json): Uint8Array {
  const message = new Message();
  writeNamed(message, { [name]: schema });
  return message.done();
}

const DEFINITIONS = 9;

/** The bytes of a document before its definitions, which take `length` bytes and end it. */
export function encodeOpenApiV2Head(swagger: string, info: Json, length: number): Uint8Array {
  const message = new Message();
  message.string(1, swagger);
  message.message(2, (inner) => {
    inner.string(1, info['title']);
    inner.string(2, info['version']);
  });
  message.message(8, () => undefined);
  return Buffer.concat([message.done(), Uint8Array.from([...varint(DEFINITIONS * 8 + 2), ...varint(length)])]);
}

/** The bytes of an OpenAPI v2 document that was made as JSON. */
export function encodeOpenApiV2({ swagger, info, definitions }: Json): Uint8Array {
  const encoded = Object.entries((definitions ?? {}) as Record<string, Json>).map(([name, schema]) =>
    encodeDefinition(name, schema),
  );
  const length = encoded.reduce((sum, bytes) => sum + bytes.length, 0);
  return Buffer.concat([encodeOpenApiV2Head(String(swagger), (info ?? {}) as Json, length), ...encoded]);
}
