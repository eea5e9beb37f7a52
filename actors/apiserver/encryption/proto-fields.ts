/**
 * Protobuf messages of a few strings, byte strings and small numbers, without a schema: what key management plugins are sent and
 * what is stored of their keys. A field is `[number, value]`.
 */
import { WireReader, WireWriter } from '../../../src/api/index.ts';

const VARINT = 0;
const BYTES = 2;

/** The fields of a message by their numbers. */
export interface Fields {
  /** Of a field that comes often the last one counts; empty for one that is not there. */
  bytes(number: number): Buffer;
  text(number: number): string;
  /** Zero for one that is not there. */
  number(number: number): number;
  all(number: number): readonly Buffer[];
}

/** @throws ProtobufError for what is no message */
export function readFields(message: Uint8Array): Fields {
  const reader = new WireReader(message);
  const spans: [number, Buffer][] = [];
  const numbers = new Map<number, number>();
  while (reader.at < reader.end) {
    const tag = reader.varint();
    const number = tag >>> 3;
    const wire = tag & 7;
    if (wire === VARINT) numbers.set(number, reader.varint());
    else if (wire === BYTES) {
      const stop = reader.span();
      spans.push([number, reader.bytes.subarray(reader.at, stop)]);
      reader.at = stop;
    } else reader.skip(wire);
  }
  const all = (wanted: number) => spans.filter(([number]) => number === wanted).map(([, bytes]) => bytes);
  const bytes = (wanted: number) => all(wanted).at(-1) ?? Buffer.alloc(0);
  return { bytes, all, text: (wanted) => bytes(wanted).toString(), number: (wanted) => numbers.get(wanted) ?? 0 };
}

const writer = new WireWriter();

/** Fields in ascending order. What is empty or zero is left out. */
export function writeFields(...fields: readonly (readonly [number, Uint8Array | string | number])[]): Buffer {
  writer.reset();
  for (let index = fields.length - 1; index >= 0; index--) {
    const [number, value] = fields[index] as (typeof fields)[number];
    if (typeof value === 'number') {
      if (value === 0) continue;
      writer.varint(value);
      writer.varint((number << 3) | VARINT);
    } else if (value.length > 0) {
      const before = writer.length;
      if (typeof value === 'string') writer.text(value);
      else writer.raw(value);
      writer.head((number << 3) | BYTES, before);
    }
  }
  return writer.finish();
}
