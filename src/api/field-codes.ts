/**
 * Short codes for the names of built-in fields, by which packed field sets (field-set-bytes.ts) name them: their numbers in
 * protobuf, which never change their meaning. So what one release has stored the next one reads.
 *
 *     field of the message itself        its number                  metadata of a Pod: 1
 *     field of an embedded message       outer number * 256 + inner  configMap of a Volume: 2 * 256 + 19
 *     name that has no number            none: it is written out
 */
import type { Message } from './protobuf/messages.ts';
import { messageOf } from './protobuf/messages.ts';
import type { ObjectSchema, Schema } from './schema.ts';
import { isLeaf } from './typed-value.ts';

/** A field as walking an object meets it. */
export interface CodedField {
  readonly name: string;
  readonly schema: Schema;
  /** 0 when it has none. */
  readonly code: number;
  /** Owned as a whole, whatever it holds. */
  readonly isLeaf: boolean;
}

export interface FieldCodes {
  readonly byName: ReadonlyMap<string, CodedField>;
  /** By keys of sets, such as `f:spec`. */
  readonly byKey: ReadonlyMap<string, CodedField>;
  readonly nameOf: ReadonlyMap<number, string>;
}

const known = new WeakMap<ObjectSchema, FieldCodes>();

/** The codes of a built-in type's fields. */
export function fieldCodesOf(object: ObjectSchema): FieldCodes {
  let codes = known.get(object);
  if (codes === undefined) {
    codes = makeCodes(object);
    known.set(object, codes);
  }
  return codes;
}

function makeCodes(object: ObjectSchema): FieldCodes {
  const nameOf = new Map<number, string>();
  const numbers = new Map<string, number>();
  const number = (message: Message | undefined, base: number): void => {
    for (const field of message?.byNumber ?? []) {
      if (field === undefined) continue;
      const code = base + field.number;
      if (field.embedded !== undefined) number(field.embedded, code * 256);
      else {
        nameOf.set(code, field.name);
        numbers.set(field.name, code);
      }
    }
  };
  number(messageOf(object), 0);
  const byName = new Map<string, CodedField>();
  for (const { name, schema } of object.fields.values())
    byName.set(name, { name, schema, code: numbers.get(name) ?? 0, isLeaf: isLeaf(schema) });
  const byKey = new Map([...byName].map(([name, field]) => [`f:${name}`, field]));
  return { byName, byKey, nameOf };
}
