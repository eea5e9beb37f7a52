/**
 * A JSON parser that keeps what `JSON.parse` forgets: repeated keys, the text of numbers, and the reason of a refusal in the words
 * of Go's parser. Slow next to the built-in one, so it only reads what needs explaining.
 */

export type JsonNode =
  | { readonly kind: 'null' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }
  /** `text` as it was written, such as `3e1`. */
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  /** Members in the order of the text, repeated ones included. */
  | { readonly kind: 'object'; readonly members: readonly (readonly [key: string, value: JsonNode])[] };

/** The text is not JSON; the message is Go's. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
}

/** Deeper nesting is refused: walking it would exhaust the stack. */
export const jsonDepthMax = 1000;

/** Go's quoted character of a syntax error. */
function character(code: number | undefined): string {
  if (code === undefined) return '';
  if (code === 0x27) return "'\\''";
  if (code === 0x22) return `'"'`;
  const text = String.fromCharCode(code);
  const escaped: Readonly<Record<string, string>> = {
    '\n': '\\n',
    '\t': '\\t',
    '\r': '\\r',
    '\\': '\\\\',
    '\b': '\\b',
  };
  if (code < 0x20) return `'${escaped[text] ?? `\\x${code.toString(16).padStart(2, '0')}`}'`;
  return `'${escaped[text] ?? text}'`;
}

/** @throws JsonSyntaxError */
export function parseJsonNode(text: string): JsonNode {
  const parser = new JsonParser(text);
  return parser.document();
}

class JsonParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonNode {
    const node = this.#value(0);
    this.#blanks();
    if (this.#at < this.#text.length) this.#refuse('after top-level value');
    return node;
  }

  #refuse(where: string): never {
    if (this.#at >= this.#text.length) throw new JsonSyntaxError('unexpected end of JSON input');
    throw new JsonSyntaxError(`invalid character ${character(this.#text.codePointAt(this.#at))} ${where}`);
  }

  #blanks(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }

  #value(depth: number): JsonNode {
    if (depth > jsonDepthMax) throw new JsonSyntaxError('exceeded max depth');
    this.#blanks();
    const first = this.#text[this.#at];
    if (first === '{') return this.#object(depth);
    if (first === '[') return this.#array(depth);
    if (first === '"') return { kind: 'string', value: this.#string() };
    if (first === 't') return this.#word('true', { kind: 'bool', value: true });
    if (first === 'f') return this.#word('false', { kind: 'bool', value: false });
    if (first === 'n') return this.#word('null', { kind: 'null' });
    if (first !== undefined && /[-0-9]/.test(first)) return { kind: 'number', text: this.#number() };
    return this.#refuse('looking for beginning of value');
  }

  #word(word: string, node: JsonNode): JsonNode {
    for (const letter of word) {
      if (this.#text[this.#at] !== letter) this.#refuse(`in literal ${word} (expecting '${letter}')`);
      this.#at += 1;
    }
    return node;
  }

  #number(): string {
    const start = this.#at;
    const digits = (where: string): void => {
      const from = this.#at;
      while (/[0-9]/.test(this.#text[this.#at] ?? '')) this.#at += 1;
      if (this.#at === from) this.#refuse(where);
    };
    if (this.#text[this.#at] === '-') this.#at += 1;
    if (this.#text[this.#at] === '0') this.#at += 1;
    else digits('in numeric literal');
    if (this.#text[this.#at] === '.') {
      this.#at += 1;
      digits('after decimal point in numeric literal');
    }
    if (/[eE]/.test(this.#text[this.#at] ?? '')) {
      this.#at += 1;
      if (/[+-]/.test(this.#text[this.#at] ?? '')) this.#at += 1;
      digits('in exponent of numeric literal');
    }
    return this.#text.slice(start, this.#at);
  }

  #string(): string {
    const start = this.#at;
    this.#at += 1;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) break;
      if (Number.isNaN(code) || code < 0x20) this.#refuse('in string literal');
      this.#at += 1;
      if (code !== 0x5c) continue;
      const escaped = this.#text[this.#at];
      if (escaped === 'u') {
        for (let digit = 0; digit < 4; digit += 1) {
          this.#at += 1;
          if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? '')) this.#refuse('in \\u hexadecimal character escape');
        }
      } else if (escaped === undefined || !'"\\/bfnrt'.includes(escaped)) this.#refuse('in string escape code');
      this.#at += 1;
    }
    this.#at += 1;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  #array(depth: number): JsonNode {
    const items: JsonNode[] = [];
    this.#at += 1;
    this.#blanks();
    if (this.#text[this.#at] === ']') {
      this.#at += 1;
      return { kind: 'array', items };
    }
    for (;;) {
      items.push(this.#value(depth + 1));
      this.#blanks();
      const next = this.#text[this.#at];
      if (next !== ',' && next !== ']') this.#refuse('after array element');
      this.#at += 1;
      if (next === ']') return { kind: 'array', items };
    }
  }

  #object(depth: number): JsonNode {
    const members: [string, JsonNode][] = [];
    this.#at += 1;
    this.#blanks();
    if (this.#text[this.#at] === '}') {
      this.#at += 1;
      return { kind: 'object', members };
    }
    for (;;) {
      this.#blanks();
      if (this.#text[this.#at] !== '"') this.#refuse('looking for beginning of object key string');
      const key = this.#string();
      this.#blanks();
      if (this.#text[this.#at] !== ':') this.#refuse('after object key');
      this.#at += 1;
      members.push([key, this.#value(depth + 1)]);
      this.#blanks();
      const next = this.#text[this.#at];
      if (next !== ',' && next !== '}') this.#refuse('after object key:value pair');
      this.#at += 1;
      if (next === '}') return { kind: 'object', members };
    }
  }
}

/** The same tree of a value that was never text, such as a patched object. */
export function jsonNodeOf(value: unknown, depth = 0): JsonNode {
  if (depth > jsonDepthMax) throw new JsonSyntaxError('exceeded max depth');
  if (value === null || value === undefined) return { kind: 'null' };
  if (typeof value === 'boolean') return { kind: 'bool', value };
  if (typeof value === 'number' || typeof value === 'bigint') {
    // 2^63 is how a double holds the largest 64-bit integer.
    return { kind: 'number', text: value === 2 ** 63 ? '9223372036854775807' : String(value) };
  }
  if (typeof value === 'string') return { kind: 'string', value };
  if (Array.isArray(value)) return { kind: 'array', items: value.map((item) => jsonNodeOf(item, depth + 1)) };
  return {
    kind: 'object',
    members: Object.entries(value as Record<string, unknown>)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => [key, jsonNodeOf(member, depth + 1)]),
  };
}
