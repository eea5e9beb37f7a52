/**
 * Matches regular expressions in linear time. `test` walks sets of states, each built once and remembered (a lazy automaton); `find`
 * follows all ways at once and takes the first that Go would.
 * @see https://swtch.com/~rsc/regexp/regexp1.html
 */
import { type Assertion, compileRegex, type Instruction, isWord } from './regex-program.ts';

const CACHED_MAX = 500;
const STATES_MAX = 1000;
const cached = new Map<string, Pattern>();

/** A pattern, compiled once. @throws CelError with Go's words */
export function patternOf(source: string): Pattern {
  let pattern = cached.get(source);
  if (pattern === undefined) {
    pattern = new Pattern(source);
    if (cached.size >= CACHED_MAX) cached.clear();
    cached.set(source, pattern);
  }
  return pattern;
}

interface State {
  readonly counters: readonly number[];
  readonly matched: boolean;
  readonly matchedAtEnd: boolean;
  readonly next: Map<number, State>;
}

export class Pattern {
  readonly #program: readonly Instruction[];
  /** Only assertions of begin and end: sets of states are then all that counts. */
  readonly #simple: boolean;
  #states = new Map<string, State>();

  constructor(source: string) {
    this.#program = compileRegex(source);
    this.#simple = this.#program.every(
      (instruction) =>
        instruction.op !== 'assert' || instruction.assertion === 'begin' || instruction.assertion === 'end',
    );
  }

  /** Instructions of the program: what a character of a text costs. */
  get size(): number {
    return this.#program.length;
  }

  /** Whether the text has a part that matches. */
  test(text: string): boolean {
    if (!this.#simple) return this.#findFrom(text, 0) !== undefined;
    let state = this.#state([0], true);
    let at = 0;
    while (at < text.length) {
      if (state.matched) return true;
      const code = text.codePointAt(at) as number;
      at += code > 0xffff ? 2 : 1;
      let next = state.next.get(code);
      if (next === undefined) {
        next = this.#step(state, code);
        state.next.set(code, next);
      }
      state = next;
    }
    return state.matched || state.matchedAtEnd;
  }

  #step({ counters }: State, code: number): State {
    const seeds: number[] = [];
    for (const counter of counters) {
      const instruction = this.#program[counter] as Instruction;
      if (instruction.op === 'character' && instruction.set(code)) seeds.push(counter + 1);
    }
    // A match may begin anywhere.
    seeds.push(0);
    return this.#state(seeds, false);
  }

  #state(seeds: readonly number[], atBegin: boolean): State {
    const plain = this.#closure(seeds, (assertion) => assertion === 'begin' && atBegin);
    const key = `${atBegin}${plain.join()}`;
    let state = this.#states.get(key);
    if (state === undefined) {
      const atEnd = this.#closure(seeds, (assertion) => assertion === 'end' || atBegin);
      const matches = (counters: readonly number[]) =>
        counters.some((counter) => this.#program[counter]?.op === 'match');
      state = { counters: plain, matched: matches(plain), matchedAtEnd: matches(atEnd), next: new Map() };
      if (this.#states.size >= STATES_MAX) this.#states = new Map();
      this.#states.set(key, state);
    }
    return state;
  }

  /** Instructions reached without a character, in the order of preference. */
  #closure(seeds: readonly number[], holds: (assertion: Assertion) => boolean): number[] {
    const seen = new Set<number>();
    const reached: number[] = [];
    const stack = [...seeds].reverse();
    for (let counter = stack.pop(); counter !== undefined; counter = stack.pop()) {
      if (seen.has(counter)) continue;
      seen.add(counter);
      const instruction = this.#program[counter] as Instruction;
      if (instruction.op === 'split') stack.push(instruction.second, instruction.first);
      else if (instruction.op === 'jump') stack.push(instruction.to);
      else if (instruction.op === 'assert') {
        if (holds(instruction.assertion)) stack.push(counter + 1);
        // What waits at an end assertion is part of the state: at the end it matters.
        else if (instruction.assertion === 'end') reached.push(counter);
      } else reached.push(counter);
    }
    return reached;
  }

  /** Up to `count` matches from left to right, none over another; all when `count` is negative. */
  find(text: string, count: number): string[] {
    const found: string[] = [];
    let from = 0;
    let lastEnd = -1;
    while (from <= text.length && (count < 0 || found.length < count)) {
      const match = this.#findFrom(text, from);
      if (match === undefined) break;
      const [start, end] = match;
      // An empty match right after another one is none.
      if (end > start || start !== lastEnd) found.push(text.slice(start, end));
      lastEnd = end;
      from = end > start ? end : end + widthAt(text, end);
    }
    return found;
  }

  #findFrom(text: string, from: number): [number, number] | undefined {
    let threads: [counter: number, start: number][] = [];
    let best: [number, number] | undefined;
    for (let at = from; ; ) {
      const holds = (assertion: Assertion) => assertionHolds(assertion, text, at);
      const ready: [number, number][] = [];
      const seen = new Set<number>();
      const add = (seed: number, start: number): void => {
        for (const counter of this.#closureOf(seed, holds, seen)) ready.push([counter, start]);
      };
      for (const [counter, start] of threads) add(counter, start);
      if (best === undefined) add(0, at);
      if (ready.length === 0 && best !== undefined) return best;
      const code = at < text.length ? (text.codePointAt(at) as number) : -1;
      threads = [];
      for (const [counter, start] of ready) {
        const instruction = this.#program[counter] as Instruction;
        if (instruction.op === 'match') {
          best = [start, at];
          // What comes after is less preferred.
          break;
        }
        if (instruction.op === 'character' && code >= 0 && instruction.set(code)) threads.push([counter + 1, start]);
      }
      if (code < 0 || (threads.length === 0 && best !== undefined)) return best;
      at += code > 0xffff ? 2 : 1;
    }
  }

  #closureOf(seed: number, holds: (assertion: Assertion) => boolean, seen: Set<number>): number[] {
    const reached: number[] = [];
    const stack = [seed];
    for (let counter = stack.pop(); counter !== undefined; counter = stack.pop()) {
      if (seen.has(counter)) continue;
      seen.add(counter);
      const instruction = this.#program[counter] as Instruction;
      if (instruction.op === 'split') stack.push(instruction.second, instruction.first);
      else if (instruction.op === 'jump') stack.push(instruction.to);
      else if (instruction.op === 'assert') {
        if (holds(instruction.assertion)) stack.push(counter + 1);
      } else reached.push(counter);
    }
    return reached;
  }
}

const widthAt = (text: string, at: number): number => ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);

function assertionHolds(assertion: Assertion, text: string, at: number): boolean {
  const word = (index: number): boolean => index >= 0 && index < text.length && isWord(text.charCodeAt(index));
  switch (assertion) {
    case 'begin':
      return at === 0;
    case 'end':
      return at === text.length;
    case 'lineBegin':
      return at === 0 || text[at - 1] === '\n';
    case 'lineEnd':
      return at === text.length || text[at] === '\n';
    case 'word':
      return word(at - 1) !== word(at);
    case 'notWord':
      return word(at - 1) === word(at);
  }
}
