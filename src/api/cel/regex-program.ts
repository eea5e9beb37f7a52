/**
 * Compiles regular expressions of Go's syntax (RE2) into a program for {@link Pattern}: no back references and no look-around, so that
 * matching takes time in proportion to the text, whatever the expression.
 * @see https://github.com/google/re2/wiki/Syntax, Go's regexp/syntax
 */
import { CelError } from './values.ts';

export type Assertion = 'begin' | 'end' | 'lineBegin' | 'lineEnd' | 'word' | 'notWord';

/** Whether a character belongs. */
export type CharacterSet = (code: number) => boolean;

export type Instruction =
  | { readonly op: 'character'; readonly set: CharacterSet }
  | { readonly op: 'split'; first: number; second: number }
  | { readonly op: 'jump'; to: number }
  | { readonly op: 'assert'; readonly assertion: Assertion }
  | { readonly op: 'match' };

type Tree =
  | { readonly kind: 'set'; readonly set: CharacterSet }
  | { readonly kind: 'assert'; readonly assertion: Assertion }
  | { readonly kind: 'sequence'; readonly parts: readonly Tree[] }
  | { readonly kind: 'choice'; readonly parts: readonly Tree[] }
  | {
      readonly kind: 'repeat';
      readonly part: Tree;
      readonly min: number;
      readonly max: number;
      readonly greedy: boolean;
    };

const REPEAT_MAX = 1000;
const INSTRUCTIONS_MAX = 30_000;
const DEPTH_MAX = 200;

interface Flags {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly ungreedy: boolean;
}

/** @throws CelError with Go's words */
export function compileRegex(pattern: string): Instruction[] {
  const tree = new RegexParser(pattern).parse();
  const program: Instruction[] = [];
  emit(tree, program);
  program.push({ op: 'match' });
  return program;
}

function emit(tree: Tree, program: Instruction[]): void {
  if (program.length > INSTRUCTIONS_MAX)
    throw new CelError('error parsing regexp: expression nests too deeply or is too large');
  switch (tree.kind) {
    case 'set':
      program.push({ op: 'character', set: tree.set });
      return;
    case 'assert':
      program.push({ op: 'assert', assertion: tree.assertion });
      return;
    case 'sequence':
      for (const part of tree.parts) emit(part, program);
      return;
    case 'choice': {
      const ends: { op: 'jump'; to: number }[] = [];
      for (const [at, part] of tree.parts.entries()) {
        if (at === tree.parts.length - 1) {
          emit(part, program);
          break;
        }
        const split = { op: 'split' as const, first: program.length + 1, second: 0 };
        program.push(split);
        emit(part, program);
        const end = { op: 'jump' as const, to: 0 };
        program.push(end);
        ends.push(end);
        split.second = program.length;
      }
      for (const end of ends) end.to = program.length;
      return;
    }
    case 'repeat':
      emitRepeat(tree, program);
  }
}

function emitRepeat({ part, min, max, greedy }: Extract<Tree, { kind: 'repeat' }>, program: Instruction[]): void {
  // The last of at least one is the loop's body: written twice, nested loops would double at each level.
  const loops = max === Number.POSITIVE_INFINITY && min > 0;
  for (let count = loops ? 1 : 0; count < min; count++) emit(part, program);
  const fork = (): { op: 'split'; first: number; second: number } => {
    const split = { op: 'split' as const, first: 0, second: 0 };
    program.push(split);
    return split;
  };
  const into = (split: { first: number; second: number }, body: number, after: number): void => {
    [split.first, split.second] = greedy ? [body, after] : [after, body];
  };
  if (loops) {
    const start = program.length;
    emit(part, program);
    into(fork(), start, program.length);
    return;
  }
  if (max === Number.POSITIVE_INFINITY) {
    const start = program.length;
    const split = fork();
    emit(part, program);
    program.push({ op: 'jump', to: start });
    into(split, start + 1, program.length);
    return;
  }
  const splits: [{ first: number; second: number }, number][] = [];
  for (let count = min; count < max; count++) {
    const split = fork();
    splits.push([split, program.length]);
    emit(part, program);
  }
  for (const [split, body] of splits) into(split, body, program.length);
}

/** Whether counted repeats, those within others multiplied, stay below a limit: as Go's do. Loops do not count. */
function repeatsAtMost(tree: Tree, most: number): boolean {
  if (tree.kind === 'sequence' || tree.kind === 'choice') return tree.parts.every((part) => repeatsAtMost(part, most));
  if (tree.kind !== 'repeat') return true;
  const times = tree.max === Number.POSITIVE_INFINITY ? tree.min : tree.max;
  if (times > most) return false;
  return repeatsAtMost(tree.part, times > 1 ? Math.floor(most / times) : most);
}

const range =
  (from: number, to: number): CharacterSet =>
  (code) =>
    code >= from && code <= to;
const any =
  (sets: readonly CharacterSet[]): CharacterSet =>
  (code) =>
    sets.some((set) => set(code));
const not =
  (set: CharacterSet): CharacterSet =>
  (code) =>
    !set(code);

const digit = range(48, 57);
export const isWord: CharacterSet = any([digit, range(65, 90), range(97, 122), (code) => code === 95]);
const space: CharacterSet = (code) => code === 32 || code === 9 || code === 10 || code === 12 || code === 13;

const perl: Readonly<Record<string, CharacterSet>> = {
  d: digit,
  D: not(digit),
  w: isWord,
  W: not(isWord),
  s: space,
  S: not(space),
};

const posix: Readonly<Record<string, string>> = {
  alnum: '[0-9A-Za-z]',
  alpha: '[A-Za-z]',
  ascii: '[\\x00-\\x7F]',
  blank: '[\\t ]',
  cntrl: '[\\x00-\\x1F\\x7F]',
  digit: '[0-9]',
  graph: '[!-~]',
  lower: '[a-z]',
  print: '[ -~]',
  punct: '[!-/:-@[-`{-~]',
  space: '[\\t\\n\\v\\f\\r ]',
  upper: '[A-Z]',
  word: '[0-9A-Za-z_]',
  xdigit: '[0-9A-Fa-f]',
};

const controls: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };

const folded =
  (set: CharacterSet): CharacterSet =>
  (code) => {
    if (set(code)) return true;
    const text = String.fromCodePoint(code);
    const [lower, upper] = [text.toLowerCase(), text.toUpperCase()];
    return (
      (lower !== text && set(lower.codePointAt(0) as number)) || (upper !== text && set(upper.codePointAt(0) as number))
    );
  };

class RegexParser {
  readonly #pattern: string;
  #at = 0;
  #depth = 0;
  #flags: Flags = { ignoreCase: false, multiline: false, dotAll: false, ungreedy: false };

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  parse(): Tree {
    const tree = this.#choice();
    if (this.#at < this.#pattern.length) this.#fail('unexpected )', this.#pattern);
    return tree;
  }

  #fail(what: string, where: string): never {
    throw new CelError(`error parsing regexp: ${what}: \`${where}\``);
  }

  #peek(text: string): boolean {
    return this.#pattern.startsWith(text, this.#at);
  }

  #take(text: string): boolean {
    if (!this.#peek(text)) return false;
    this.#at += text.length;
    return true;
  }

  #next(): number {
    const code = this.#pattern.codePointAt(this.#at) as number;
    this.#at += code > 0xffff ? 2 : 1;
    return code;
  }

  #choice(): Tree {
    if (++this.#depth > DEPTH_MAX) this.#fail('expression nests too deeply', this.#pattern);
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    this.#depth--;
    return parts.length === 1 ? (parts[0] as Tree) : { kind: 'choice', parts };
  }

  #sequence(): Tree {
    const parts: Tree[] = [];
    while (this.#at < this.#pattern.length && !this.#peek('|') && !this.#peek(')')) {
      const atom = this.#atom();
      if (atom !== undefined) parts.push(this.#repeated(atom));
    }
    return { kind: 'sequence', parts };
  }

  #repeated(atom: Tree): Tree {
    let tree = atom;
    let repeats = 0;
    for (;;) {
      const from = this.#at;
      const bounds = this.#bounds();
      if (bounds === undefined) return tree;
      const lazy = this.#take('?');
      // A repeat of a repeat is an error in Go, unless it is in brackets.
      if (repeats++ > 0) this.#fail('invalid nested repetition operator', this.#pattern.slice(from - 1, this.#at));
      const [min, max] = bounds;
      if (min > REPEAT_MAX || (max !== Number.POSITIVE_INFINITY && (max > REPEAT_MAX || max < min)))
        this.#fail('invalid repeat count', this.#pattern.slice(from, this.#at));
      tree = { kind: 'repeat', part: tree, min, max, greedy: lazy === this.#flags.ungreedy };
      if (this.#pattern[from] === '{' && (min > 1 || max > 1) && !repeatsAtMost(tree, REPEAT_MAX))
        this.#fail('invalid repeat count', this.#pattern.slice(from, this.#at));
    }
  }

  #bounds(): [number, number] | undefined {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#take('?')) return [0, 1];
    const counted = /^\{(\d+)(,(\d*))?\}/.exec(this.#pattern.slice(this.#at, this.#at + 24));
    if (counted === null) return undefined;
    this.#at += counted[0].length;
    const min = Number(counted[1]);
    if (counted[2] === undefined) return [min, min];
    return [min, counted[3] ? Number(counted[3]) : Number.POSITIVE_INFINITY];
  }

  #set(set: CharacterSet): Tree {
    return { kind: 'set', set: this.#flags.ignoreCase ? folded(set) : set };
  }

  /** Undefined for what is no part of the text: flags. */
  #atom(): Tree | undefined {
    const from = this.#at;
    if (this.#take('(')) return this.#group(from);
    if (this.#take('[')) return this.#set(this.#class(from));
    if (this.#take('.')) return { kind: 'set', set: this.#flags.dotAll ? () => true : (code) => code !== 10 };
    if (this.#take('^')) return { kind: 'assert', assertion: this.#flags.multiline ? 'lineBegin' : 'begin' };
    if (this.#take('$')) return { kind: 'assert', assertion: this.#flags.multiline ? 'lineEnd' : 'end' };
    if (this.#peek('\\')) return this.#escape();
    const character = this.#pattern[this.#at] as string;
    if ('*+?'.includes(character)) this.#fail('missing argument to repetition operator', character);
    const code = this.#next();
    return this.#set((given) => given === code);
  }

  #group(from: number): Tree | undefined {
    const before = this.#flags;
    if (this.#take('?')) {
      const name = /^(?:P?<(\w+)>)/.exec(this.#pattern.slice(this.#at));
      if (name !== null) this.#at += name[0].length;
      else {
        const flags = /^([imsU]*)(?:-([imsU]+))?([:)])/.exec(this.#pattern.slice(this.#at));
        if (flags === null) this.#fail('invalid or unsupported Perl syntax', this.#pattern.slice(from, this.#at + 1));
        this.#at += flags[0].length;
        const flag = (letter: string, value: boolean): boolean =>
          flags[2]?.includes(letter) ? false : flags[1]?.includes(letter) ? true : value;
        this.#flags = {
          ignoreCase: flag('i', before.ignoreCase),
          multiline: flag('m', before.multiline),
          dotAll: flag('s', before.dotAll),
          ungreedy: flag('U', before.ungreedy),
        };
        if (flags[3] === ')') return undefined;
      }
    }
    const tree = this.#choice();
    if (!this.#take(')')) this.#fail('missing closing )', this.#pattern);
    this.#flags = before;
    return tree;
  }

  #escape(): Tree {
    const from = this.#at++;
    const letter = this.#pattern[this.#at];
    if (letter === undefined) this.#fail('trailing backslash at end of expression', '');
    const assertion = ({ A: 'begin', z: 'end', b: 'word', B: 'notWord' } as const)[letter as 'A'];
    if (assertion !== undefined) {
      this.#at++;
      return { kind: 'assert', assertion };
    }
    if (letter === 'Q') {
      const end = this.#pattern.indexOf('\\E', this.#at);
      const text = this.#pattern.slice(this.#at + 1, end < 0 ? undefined : end);
      this.#at = end < 0 ? this.#pattern.length : end + 2;
      const codes = [...text].map((character) => character.codePointAt(0) as number);
      return { kind: 'sequence', parts: codes.map((code) => this.#set((given) => given === code)) };
    }
    const set = this.#classEscape(from);
    return this.#set(typeof set === 'number' ? (given) => given === set : set);
  }

  /** What follows a backslash, in or outside of a class: a character, or a set of them. */
  #classEscape(from: number): number | CharacterSet {
    const letter = this.#pattern[this.#at] ?? '';
    const set = perl[letter];
    if (set !== undefined) {
      this.#at++;
      return set;
    }
    if (letter === 'p' || letter === 'P') {
      const found = /^[pP](?:\{\^?(\w+)\}|(\w))/.exec(this.#pattern.slice(this.#at));
      const name = found?.[1] ?? found?.[2] ?? '';
      this.#at += found?.[0].length ?? 1;
      const tester =
        unicodeSet(name) ?? this.#fail('invalid character class range', this.#pattern.slice(from, this.#at));
      return (letter === 'P') !== (found?.[0].includes('^') === true) ? not(tester) : tester;
    }
    const hex = /^x(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]+)\})/.exec(this.#pattern.slice(this.#at));
    if (hex !== null) {
      this.#at += hex[0].length;
      return Number.parseInt(hex[1] ?? hex[2] ?? '', 16);
    }
    const octal = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(this.#pattern.slice(this.#at));
    if (octal !== null) {
      this.#at += octal[0].length;
      return Number.parseInt(octal[0], 8);
    }
    const control = controls[letter];
    if (control !== undefined) {
      this.#at++;
      return control;
    }
    if (/[A-Za-z0-9]/.test(letter)) this.#fail('invalid escape sequence', this.#pattern.slice(from, this.#at + 1));
    return this.#next();
  }

  #class(from: number): CharacterSet {
    const negated = this.#take('^');
    const sets: CharacterSet[] = [];
    for (let first = true; first || !this.#peek(']'); first = false) {
      if (this.#at >= this.#pattern.length) this.#fail('missing closing ]', this.#pattern.slice(from));
      const named = /^\[:(\^?)(\w+):\]/.exec(this.#pattern.slice(this.#at, this.#at + 14));
      const source = named === null ? undefined : posix[named[2] as string];
      if (named !== null) {
        if (source === undefined) this.#fail('invalid character class range', named[0]);
        this.#at += named[0].length;
        const tester = new RegExp(source);
        const set: CharacterSet = (code) => tester.test(String.fromCodePoint(code));
        sets.push(named[1] === '^' ? not(set) : set);
        continue;
      }
      const start = this.#at;
      const low = this.#classItem();
      if (typeof low !== 'number') {
        sets.push(low);
        continue;
      }
      if (this.#peek('-') && this.#pattern[this.#at + 1] !== ']' && this.#at + 1 < this.#pattern.length) {
        this.#at++;
        const high = this.#classItem();
        if (typeof high !== 'number' || high < low)
          this.#fail('invalid character class range', this.#pattern.slice(start, this.#at));
        sets.push(range(low, high));
      } else sets.push((code) => code === low);
    }
    this.#at++;
    const set = any(sets);
    if (!negated) return set;
    return this.#flags.ignoreCase ? not(folded(set)) : not(set);
  }

  #classItem(): number | CharacterSet {
    const from = this.#at;
    if (!this.#take('\\')) return this.#next();
    return this.#classEscape(from);
  }
}

function unicodeSet(name: string): CharacterSet | undefined {
  for (const property of [name, `Script=${name}`]) {
    try {
      const tester = new RegExp(`\\p{${property}}`, 'u');
      return (code) => tester.test(String.fromCodePoint(code));
    } catch {
      // Not a category: perhaps a script.
    }
  }
  return undefined;
}
