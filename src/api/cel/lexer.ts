/**
 * Splits an expression into tokens. What is no token is reported and skipped, so that the parser tells of the rest too.
 * @see cel-go parser/gen/CEL.g4
 */
import type { Issue } from './source.ts';
import { Uint } from './values.ts';

export type TokenType = 'end' | 'identifier' | 'quoted' | 'literal' | 'keyword' | 'symbol';

export interface Token {
  readonly type: TokenType;
  /** As written; of symbols and keywords, what the parser asks for. */
  readonly text: string;
  readonly offset: number;
  /** Of literals. */
  readonly value?: unknown;
}

const symbols = [
  '==',
  '!=',
  '<=',
  '>=',
  '&&',
  '||',
  '<',
  '>',
  '+',
  '-',
  '*',
  '/',
  '%',
  '!',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  '.',
  ',',
  ':',
  '?',
];
const INT_MAX = 2n ** 63n - 1n;
const UINT_MAX = 2n ** 64n - 1n;

const space = /[ \t\r\n\f]+|\/\/[^\n]*/y;
const identifier = /[A-Za-z_][A-Za-z0-9_]*/y;
const number = /0x[0-9a-fA-F]+[uU]?|\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?|\d+[uU]?/y;
const text =
  /([rRbB]{0,2})("""(?:\\[\s\S]|[^\\])*?"""|'''(?:\\[\s\S]|[^\\])*?'''|"(?:\\.|[^\\"\r\n])*"|'(?:\\.|[^\\'\r\n])*')/y;
const rawText = /([bB]?[rR][bB]?)("""[\s\S]*?"""|'''[\s\S]*?'''|"[^"\r\n]*"|'[^'\r\n]*')/y;

export function tokenize(source: string, issues: Issue[]): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  while (at < source.length) {
    const blank = match(space);
    if (blank !== null) {
      at += blank[0].length;
      continue;
    }
    const string = match(rawText) ?? match(text);
    if (string !== null) {
      tokens.push(stringToken(string, at, issues));
      at += string[0].length;
      continue;
    }
    const digits = match(number);
    if (digits !== null) {
      tokens.push(numberToken(digits[0], at, issues));
      at += digits[0].length;
      continue;
    }
    const word = match(identifier);
    if (word !== null) {
      tokens.push(wordToken(word[0], at));
      at += word[0].length;
      continue;
    }
    if (source[at] === '`') {
      const end = source.indexOf('`', at + 1);
      const name = end < 0 ? '' : source.slice(at + 1, end);
      if (/^[A-Za-z0-9_.\-/ ]+$/.test(name)) {
        tokens.push({ type: 'quoted', text: name, offset: at });
        at = end + 1;
        continue;
      }
    }
    const symbol = symbols.find((candidate) => source.startsWith(candidate, at));
    if (symbol !== undefined) {
      tokens.push({ type: 'symbol', text: symbol, offset: at });
      at += symbol.length;
      continue;
    }
    at += reportUnknown(source, at, issues);
  }
  tokens.push({ type: 'end', text: '<EOF>', offset: source.length });
  return tokens;
}

/** Reports what could not be read; returns how much of it is skipped. */
function reportUnknown(source: string, at: number, issues: Issue[]): number {
  const character = String.fromCodePoint(source.codePointAt(at) ?? 0);
  // The start of a longer symbol: the reader has looked at the next character before it gave up.
  let length = character.length;
  if ('=&|'.includes(character)) length = Math.min(2, source.length - at);
  else if (character === '"' || character === "'") {
    const end = source.slice(at).search(/[\r\n]/);
    length = end < 0 ? source.length - at : end + 1;
  }
  const seen = source
    .slice(at, at + length)
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  issues.push({ offset: at, message: `Syntax error: token recognition error at: '${seen}'` });
  return '=&|'.includes(character) ? 1 : length;
}

function wordToken(word: string, offset: number): Token {
  switch (word) {
    case 'true':
      return { type: 'literal', text: word, offset, value: true };
    case 'false':
      return { type: 'literal', text: word, offset, value: false };
    case 'null':
      return { type: 'literal', text: word, offset, value: null };
    case 'in':
      return { type: 'keyword', text: word, offset };
    default:
      return { type: 'identifier', text: word, offset };
  }
}

function numberToken(text: string, offset: number, issues: Issue[]): Token {
  if (/^[\d]*\.|[eE]/.test(text) && !text.startsWith('0x')) {
    return { type: 'literal', text, offset, value: Number(text) };
  }
  const unsigned = /[uU]$/.test(text);
  const value = BigInt(unsigned ? text.slice(0, -1) : text);
  // One more than the largest may still be the smallest negative one: the parser decides.
  if (value > (unsigned ? UINT_MAX : INT_MAX + 1n))
    issues.push({ offset, message: `invalid ${unsigned ? 'uint' : 'int'} literal` });
  return { type: 'literal', text, offset, value: unsigned ? new Uint(value) : value };
}

function stringToken([whole, prefix = '', quoted = '']: RegExpExecArray, offset: number, issues: Issue[]): Token {
  const marks = /^("""|''')/.test(quoted) ? 3 : 1;
  const inner = quoted.slice(marks, -marks).replaceAll('\r\n', '\n');
  const raw = /[rR]/.test(prefix);
  const bytes = /[bB]/.test(prefix);
  const type = 'literal';
  if (raw) return { type, text: whole, offset, value: bytes ? new TextEncoder().encode(inner) : inner };
  const value = unescapeText(inner, bytes);
  if (value === undefined) issues.push({ offset, message: `invalid ${bytes ? 'bytes' : 'string'} literal` });
  return { type, text: whole, offset, value: value ?? '' };
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '`': '`',
  '?': '?',
};

/** Undefined when an escape is wrong. */
function unescapeText(inner: string, bytes: boolean): string | Uint8Array | undefined {
  const out: (string | number)[] = [];
  const pattern = /\\(?:([abfnrtv\\'"`?])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|)/y;
  for (let at = 0; at < inner.length; ) {
    if (inner[at] !== '\\') {
      const end = inner.indexOf('\\', at);
      out.push(inner.slice(at, end < 0 ? undefined : end));
      at = end < 0 ? inner.length : end;
      continue;
    }
    pattern.lastIndex = at;
    const found = pattern.exec(inner);
    if (found === null || found[0].length < 2) return undefined;
    const [all, short, hex, unicode, long, octal] = found;
    at += all.length;
    if (short !== undefined) out.push(escapes[short] ?? '');
    else if (hex !== undefined || octal !== undefined) {
      const code = hex === undefined ? Number.parseInt(octal ?? '', 8) : Number.parseInt(hex, 16);
      out.push(bytes ? code : String.fromCodePoint(code));
    } else {
      const code = Number.parseInt(unicode ?? long ?? '', 16);
      if (bytes || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return undefined;
      out.push(String.fromCodePoint(code));
    }
  }
  if (!bytes) return out.join('');
  return Uint8Array.from(
    out.flatMap((part) => (typeof part === 'number' ? [part] : [...new TextEncoder().encode(part)])),
  );
}
