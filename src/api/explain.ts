/**
 * Says what is wrong with a body, in upstream's words and in the order of its text: the first value that cannot be decoded, and
 * the unknown and repeated fields. Runs only after conform.ts has noticed something.
 *
 * @see sigs.k8s.io/json, whose decoder's errors these are
 */
import { isBase64 } from './conform.ts';
import { quote } from './go-text.ts';
import type { JsonNode } from './json-text.ts';
import { canonicalQuantity, QuantityError } from './quantity.ts';
import type { ObjectSchema, Schema } from './schema.ts';
import { canonicalTime } from './time.ts';

export interface Explanation {
  /** Why the body cannot be decoded, without the sentence around it. */
  readonly error: string | undefined;
  /** `unknown field "spec.x"` and `duplicate field "data.a"`. */
  readonly strict: readonly string[];
}

/** Upstream names no more than these. */
const strictErrorsMax = 100;

export function explain(node: JsonNode, schema: Schema): Explanation {
  const walker = new Walker();
  walker.value(node, schema, '');
  return { error: walker.error, strict: walker.strict.slice(0, strictErrorsMax) };
}

class Walker {
  error: string | undefined;
  readonly strict: string[] = [];
  /** The struct that the current field belongs to, and the names of the fields down to it. */
  #struct = '';
  #fields: string[] = [];

  value(node: JsonNode, schema: Schema, path: string): void {
    if (node.kind === 'null') return;
    switch (schema.kind) {
      case 'object':
        if (node.kind === 'object') this.#object(node.members, schema.object!, path);
        else this.#wrongType(node.kind, schema.typeName);
        return;
      case 'map':
        if (node.kind === 'object') this.#map(node.members, schema.element!, path);
        else this.#wrongType(node.kind, schema.typeName);
        return;
      case 'array':
        if (node.kind === 'array') {
          for (const [index, item] of node.items.entries()) this.value(item, schema.element!, `${path}[${index}]`);
        } else this.#wrongType(node.kind, schema.typeName);
        return;
      case 'any':
      case 'raw':
        this.#free(node, path);
        return;
      default:
        this.#scalar(node, schema);
    }
  }

  #fail(error: string): void {
    this.error ??= error;
  }

  #wrongType(found: string, wanted: string): void {
    const where =
      this.#fields.length === 0
        ? `Go value of type ${wanted}`
        : `Go struct field ${this.#struct}.${this.#fields.join('.')} of type ${wanted}`;
    this.#fail(`json: cannot unmarshal ${found} into ${where}`);
  }

  #scalar(node: JsonNode, schema: Schema): void {
    switch (schema.kind) {
      case 'string':
        if (node.kind !== 'string') this.#wrongType(node.kind, schema.typeName);
        return;
      case 'boolean':
        if (node.kind !== 'bool') this.#wrongType(node.kind, schema.typeName);
        return;
      case 'int32':
      case 'int64':
        this.#integer(node, schema.kind === 'int32' ? 32 : 64, schema.typeName);
        return;
      case 'double':
        if (node.kind !== 'number') this.#wrongType(node.kind, schema.typeName);
        return;
      case 'bytes':
        if (node.kind !== 'string') this.#wrongType(node.kind, schema.typeName);
        else if (!isBase64(node.value)) this.#fail(`illegal base64 data at input byte ${badByte(node.value)}`);
        return;
      case 'time':
      case 'microtime':
        if (node.kind !== 'string') this.#wrongType(node.kind, 'string');
        else {
          const time = canonicalTime(node.value, schema.kind === 'microtime');
          if ('refusal' in time) this.#fail(time.refusal);
        }
        return;
      case 'quantity':
        this.#quantity(node);
        return;
      case 'intOrString':
        if (node.kind !== 'string') this.#integer(node, 32, 'int32');
        return;
    }
  }

  #integer(node: JsonNode, bits: number, typeName: string): void {
    if (node.kind !== 'number') this.#wrongType(node.kind, typeName);
    else if (!/^-?\d+$/.test(node.text) || BigInt.asIntN(bits, BigInt(node.text)) !== BigInt(node.text)) {
      this.#wrongType(`number ${node.text}`, typeName);
    }
  }

  #quantity(node: JsonNode): void {
    const text = node.kind === 'string' ? node.value : node.kind === 'number' ? node.text : '{}';
    try {
      canonicalQuantity(text);
    } catch (error) {
      if (!(error instanceof QuantityError)) throw error;
      this.#fail(error.message);
    }
  }

  #free(node: JsonNode, path: string): void {
    if (node.kind === 'array') {
      for (const [index, item] of node.items.entries()) this.#free(item, `${path}[${index}]`);
    } else if (node.kind === 'object') {
      this.#members(node.members, path, (member, _key, memberPath) => this.#free(member, memberPath));
    }
  }

  #map(members: Extract<JsonNode, { kind: 'object' }>['members'], element: Schema, path: string): void {
    this.#members(members, path, (member, _key, memberPath) => this.value(member, element, memberPath));
  }

  #object(members: Extract<JsonNode, { kind: 'object' }>['members'], schema: ObjectSchema, path: string): void {
    const outer = this.#struct;
    this.#members(members, path, (member, key, memberPath) => {
      const field = schema.fields.get(key);
      if (field === undefined) {
        if (schema.preserveUnknown === true) this.#free(member, memberPath);
        else this.strict.push(`unknown field ${quote(memberPath)}`);
        return;
      }
      const depth = this.#fields.length;
      this.#struct = schema.shortName;
      if (field.inherited !== undefined) this.#fields.push(field.inherited);
      this.#fields.push(key);
      this.value(member, field.schema, memberPath);
      this.#fields.length = depth;
    });
    this.#struct = outer;
  }

  #members(
    members: Extract<JsonNode, { kind: 'object' }>['members'],
    path: string,
    visit: (member: JsonNode, key: string, path: string) => void,
  ): void {
    const seen = new Set<string>();
    for (const [key, member] of members) {
      const memberPath = path === '' ? key : `${path}.${key}`;
      if (seen.has(key)) this.strict.push(`duplicate field ${quote(memberPath)}`);
      seen.add(key);
      visit(member, key, memberPath);
    }
  }
}

/** Where Go's decoder gives up on base64 text. */
function badByte(text: string): number {
  const bad = text.search(/[^A-Za-z0-9+/=\r\n]/);
  if (bad >= 0) return bad;
  const padding = text.indexOf('=');
  const whole = text.length - (text.length % 4);
  if (padding < 0) return text.length % 4 === 0 ? text.length : whole;
  return padding % 4 < 2 ? padding : Math.min(padding + 1, text.length);
}
