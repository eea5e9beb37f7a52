/**
 * Plain JSON as YAML, character by character as upstream's writer gives it: keys in natural order, lists not indented, long texts folded
 * after column 80, texts that would be read as something else in double quotes, others that cannot stand alone in single quotes,
 * several lines as a block.
 *
 * @see sigs.k8s.io/yaml, which is libyaml in Go
 */
const WIDTH = 80;
const INDENT = 2;
/** A key that is longer stands behind a `?`. */
const SIMPLE_KEY_BYTES_MAX = 128;

type Json = Readonly<Record<string, unknown>>;

export function formatYaml(value: unknown): string {
  const writer = new Writer();
  writer.node(value, -1, 'root');
  writer.line(0);
  return writer.text;
}

/** Where a node stands: it decides whether a list is indented. */
type Place = 'root' | 'value' | 'item' | 'complex';

class Writer {
  text = '';
  #column = 0;
  /** Whether the line has nothing but indentation and indicators yet, and whether the last character was a blank. */
  #indention = true;
  #whitespace = true;

  node(value: unknown, indent: number, place: Place): void {
    if (Array.isArray(value) && value.length > 0) this.#list(value, indent, place);
    else if (isMapping(value) && hasMembers(value)) this.#mapping(value, indent);
    else if (typeof value === 'object' && value !== null) this.#indicator(Array.isArray(value) ? '[]' : '{}', false);
    else if (typeof value === 'string') this.#string(value, inner(indent), false);
    else this.#plain(scalarText(value), inner(indent), false);
  }

  #mapping(value: Json, outside: number): void {
    const indent = outside < 0 ? 0 : outside + INDENT;
    for (const key of Object.keys(value).sort(inNaturalOrder)) {
      const member = value[key];
      if (member === undefined) continue;
      this.line(indent);
      if (Buffer.byteLength(key) <= SIMPLE_KEY_BYTES_MAX && !analyze(key).multiline) {
        this.#string(key, inner(indent), true);
        this.#put(':');
        this.#indention = false;
        this.node(member, indent, 'value');
        continue;
      }
      this.#indicator('?', true);
      this.#string(key, inner(indent), false);
      this.line(indent);
      this.#indicator(':', true);
      this.node(member, indent, 'complex');
    }
  }

  #list(items: readonly unknown[], outside: number, place: Place): void {
    const indent = outside < 0 ? 0 : place === 'value' ? outside : outside + INDENT;
    for (const item of items) {
      this.line(indent);
      this.#indicator('-', true);
      this.node(item, indent, 'item');
    }
  }

  /** Begins a line with its indentation, unless this one has nothing in it yet. */
  line(indent: number): void {
    if (!this.#indention || this.#column > indent || (this.#column === indent && !this.#whitespace)) this.#break();
    while (this.#column < indent) this.#put(' ');
    this.#whitespace = true;
    this.#indention = true;
  }

  #break(): void {
    this.text += '\n';
    this.#column = 0;
    this.#whitespace = true;
    this.#indention = true;
  }

  #put(char: string): void {
    this.text += char;
    this.#column += 1;
    this.#whitespace = char === ' ';
  }

  #write(char: string): void {
    this.#put(char);
    this.#indention = false;
  }

  #indicator(text: string, indention: boolean): void {
    if (!this.#whitespace) this.#put(' ');
    const before = this.#indention;
    for (const char of text) this.#put(char);
    this.#whitespace = false;
    this.#indention = before && indention;
  }

  #string(text: string, indent: number, isKey: boolean): void {
    const form = analyze(text);
    if (text.includes('\n')) {
      if (form.block && !isKey) this.#literal(text, indent);
      else this.#doubleQuoted(text, indent, isKey);
      return;
    }
    if (isOtherType(text)) this.#doubleQuoted(text, indent, isKey);
    else if (form.plain && !(isKey && text === '')) this.#plain(text, indent, isKey);
    else if (form.singleQuoted) this.#singleQuoted(text, indent, isKey);
    else this.#doubleQuoted(text, indent, isKey);
  }

  #plain(text: string, indent: number, isKey: boolean): void {
    if (!this.#whitespace) this.#put(' ');
    this.#folded(
      [...text],
      indent,
      isKey,
      (index) => index >= 0,
      (char) => this.#write(char),
    );
    this.#whitespace = false;
    this.#indention = false;
  }

  #singleQuoted(text: string, indent: number, isKey: boolean): void {
    this.#indicator("'", false);
    const chars = [...text];
    const inside = (index: number): boolean => index > 0 && index < chars.length - 1;
    this.#folded(chars, indent, isKey, inside, (char) => {
      if (char === "'") this.#put(char);
      this.#write(char);
    });
    this.#put("'");
    this.#whitespace = false;
    this.#indention = false;
  }

  /** Writes characters, and for a single blank after the last column a new line. */
  #folded(
    chars: readonly string[],
    indent: number,
    isKey: boolean,
    mayBreakAt: (index: number) => boolean,
    write: (char: string) => void,
  ): void {
    let blanks = false;
    chars.forEach((char, index) => {
      if (char !== ' ') {
        write(char);
        blanks = false;
        return;
      }
      const breaks = !isKey && !blanks && this.#column > WIDTH && chars[index + 1] !== ' ' && mayBreakAt(index);
      if (breaks) this.line(indent);
      else this.#write(char);
      blanks = true;
    });
  }

  #doubleQuoted(text: string, indent: number, isKey: boolean): void {
    this.#indicator('"', false);
    const chars = [...text];
    let blanks = false;
    chars.forEach((char, index) => {
      const code = char.codePointAt(0) as number;
      if (!isPrintable(code) || isBreak(code) || char === '"' || char === '\\') {
        for (const part of escaped(code)) this.#put(part);
        blanks = false;
      } else if (char === ' ') {
        const inside = index > 0 && index < chars.length - 1;
        if (!isKey && !blanks && this.#column > WIDTH && inside) {
          this.line(indent);
          if (chars[index + 1] === ' ') this.#put('\\');
        } else this.#write(char);
        blanks = true;
      } else {
        this.#write(char);
        blanks = false;
      }
    });
    this.#put('"');
    this.#whitespace = false;
    this.#indention = false;
  }

  #literal(text: string, indent: number): void {
    const indentHint = /^[ \n\r\u0085\u2028\u2029]/.test(text) ? String(INDENT) : '';
    const chompHint = !endsWithBreak(text) ? '-' : text.length === 1 || endsWithBreak(text.slice(0, -1)) ? '+' : '';
    this.#indicator(`|${indentHint}${chompHint}`, false);
    this.#break();
    let breaks = true;
    for (const char of text) {
      if (isBreak(char.codePointAt(0) as number)) {
        if (char === '\n') this.#break();
        else {
          this.text += char;
          this.#column = 0;
          this.#indention = true;
        }
        breaks = true;
        continue;
      }
      if (breaks) this.line(indent);
      this.#write(char);
      breaks = false;
    }
  }
}

/** Indentation of a scalar's further lines. */
const inner = (indent: number): number => (indent < 0 ? INDENT : indent + INDENT);

const isMapping = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function hasMembers(value: Json): boolean {
  for (const key in value) if (value[key] !== undefined) return true;
  return false;
}

function scalarText(value: unknown): string {
  if (typeof value !== 'number' || Number.isInteger(value)) return value === undefined ? 'null' : String(value);
  // Go writes an exponent with two digits at least, and from 21 digits on.
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}

interface Form {
  readonly plain: boolean;
  readonly singleQuoted: boolean;
  readonly block: boolean;
  readonly multiline: boolean;
}

/** In which styles the text may be written. */
function analyze(text: string): Form {
  if (text === '') return { plain: true, singleQuoted: true, block: false, multiline: false };
  const chars = [...text];
  let indicators = text.startsWith('---') || text.startsWith('...');
  let special = false;
  let multiline = false;
  let breakSpace = false;
  let spaceBreak = false;
  chars.forEach((char, index) => {
    const before = index === 0 ? ' ' : (chars[index - 1] as string);
    const after = index === chars.length - 1 ? ' ' : (chars[index + 1] as string);
    const followed = after === ' ' || after === '\t';
    if (index === 0 && ('#,[]{}&*!|>\'"%@`'.includes(char) || ('?:-'.includes(char) && followed))) indicators = true;
    if (index > 0 && ((char === ':' && followed) || (char === '#' && isBlank(before)))) indicators = true;
    const code = char.codePointAt(0) as number;
    if (!isPrintable(code)) special = true;
    if (isBreak(code)) {
      multiline = true;
      if (before === ' ' && index > 0) spaceBreak = true;
    } else if (char === ' ' && isBreak(before.codePointAt(0) as number)) breakSpace = true;
  });
  const [first, last] = [chars[0] as string, chars[chars.length - 1] as string];
  const edges = [first, last].some((char) => char === ' ' || isBreak(char.codePointAt(0) as number));
  const quotable = !breakSpace && !spaceBreak && !special;
  return {
    plain: quotable && !edges && !multiline && !indicators,
    singleQuoted: quotable,
    block: last !== ' ' && !spaceBreak && !special,
    multiline,
  };
}

const isBlank = (char: string): boolean => char === ' ' || char === '\t' || isBreak(char.codePointAt(0) as number);

const isBreak = (code: number): boolean =>
  code === 10 || code === 13 || code === 0x85 || code === 0x2028 || code === 0x2029;

const endsWithBreak = (text: string): boolean => text !== '' && isBreak(text.charCodeAt(text.length - 1));

function isPrintable(code: number): boolean {
  if (code === 10 || (code >= 0x20 && code <= 0x7e)) return true;
  return (code >= 0xa0 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0xfffd && code !== 0xfeff);
}

const ESCAPES: Readonly<Record<number, string>> = {
  0: '0',
  7: 'a',
  8: 'b',
  9: 't',
  10: 'n',
  11: 'v',
  12: 'f',
  13: 'r',
  27: 'e',
  34: '"',
  92: '\\',
  133: 'N',
  160: '_',
  8232: 'L',
  8233: 'P',
};

function escaped(code: number): string {
  const short = ESCAPES[code];
  if (short !== undefined) return `\\${short}`;
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

const NAMED = new Set(
  (
    'y Y yes Yes YES true True TRUE on On ON n N no No NO false False FALSE off Off OFF ~ null Null NULL ' +
    '.nan .NaN .NAN .inf .Inf .INF +.inf +.Inf +.INF -.inf -.Inf -.INF'
  ).split(' '),
);
const INTEGER = /^[-+]?(?:0[xX][\da-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9]\d*)$/;
const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;
const BASE_60 = /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/;
const TIME =
  /^(\d{4})-(\d\d?)-(\d\d?)(?:[Tt](\d\d?):(\d\d?):(\d\d?)(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)| (\d\d?):(\d\d?):(\d\d?)(?:[.,]\d+)?)?$/;

/** Whether a reader would take the plain text for something that is no text. */
function isOtherType(text: string): boolean {
  if (text === '' || NAMED.has(text)) return true;
  const [first = ''] = text;
  if (first === '.') return /^\.\d+(?:[eE][-+]?\d+)?$/.test(text);
  if (!/[-+\d]/.test(first)) return false;
  if (BASE_60.test(text) || isTime(text)) return true;
  const plain = text.replaceAll('_', '');
  return INTEGER.test(plain) || (FLOAT.test(plain) && Number.isFinite(Number(plain)));
}

function isTime(text: string): boolean {
  const found = TIME.exec(text);
  if (found === null) return false;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ...spaced] = found
    .slice(1)
    .map((part) => Number(part ?? 0));
  const [hours = 0, minutes = 0, seconds = 0] = spaced;
  const daysInMonth = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const isDate = month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth;
  return isDate && Math.max(hour, hours) < 24 && Math.max(minute, minutes, second, seconds) < 60;
}

const isLetter = (char: string): boolean => /\p{L}/u.test(char);
const isDigit = (char: string | undefined): boolean => char !== undefined && /\p{Nd}/u.test(char);

/** Upstream's order of keys: runs of digits by their value, letters after everything else. */
export function inNaturalOrder(left: string, right: string): number {
  if (/^[a-zA-Z]*$/.test(left) && /^[a-zA-Z]*$/.test(right)) return left < right ? -1 : left > right ? 1 : 0;
  const [a, b] = [[...left], [...right]];
  let digits = false;
  for (let index = 0; index < a.length && index < b.length; index++) {
    const [one, other] = [a[index] as string, b[index] as string];
    if (one === other) {
      digits = isDigit(one);
      continue;
    }
    const [oneIsLetter, otherIsLetter] = [isLetter(one), isLetter(other)];
    if (oneIsLetter && otherIsLetter) return byCode(one, other);
    if (oneIsLetter || otherIsLetter) return (digits ? oneIsLetter : otherIsLetter) ? -1 : 1;
    const before = (one === '0' || other === '0') && hasDigitBefore(a, index) ? '1' : '';
    const [first, second] = [digitsFrom(a, index), digitsFrom(b, index)];
    const [x, y] = [BigInt(`${before}${first}` || '0'), BigInt(`${before}${second}` || '0')];
    if (x !== y) return x < y ? -1 : 1;
    if (first.length !== second.length) return first.length - second.length;
    return byCode(one, other);
  }
  return a.length - b.length;
}

const byCode = (left: string, right: string): number =>
  (left.codePointAt(0) as number) - (right.codePointAt(0) as number);

/** Whether the run of digits that ends here has one that is no zero. */
function hasDigitBefore(chars: readonly string[], index: number): boolean {
  for (let at = index - 1; at >= 0 && isDigit(chars[at]); at--) if (chars[at] !== '0') return true;
  return false;
}

function digitsFrom(chars: readonly string[], index: number): string {
  let at = index;
  while (at < chars.length && isDigit(chars[at])) at++;
  return chars.slice(index, at).join('');
}
