/**
 * The difference of two values as upstream's messages print it: both as JSON, one space a level, and what differs with three lines around
 * it. The matching follows Python's difflib, which upstream's library is a translation of, because the choice of lines shows.
 * @see apimachinery/pkg/util/diff
 */
import { internalForm } from './internal-form.ts';

const contextLines = 3;
/** In texts of this many lines, lines that make up more than a hundredth do not start a match. */
const popularFrom = 200;

interface Operation {
  readonly equal: boolean;
  readonly a1: number;
  readonly a2: number;
  readonly b1: number;
  readonly b2: number;
}

/** The difference of two values of a type that {@link internalForm} describes; each line ends in a newline. */
export function internalDiff(type: string, before: unknown, after: unknown): string {
  return unifiedDiff(jsonLines(internalForm(type, before)), jsonLines(internalForm(type, after)));
}

function jsonLines(value: unknown): string[] {
  return JSON.stringify(value, null, 1).split('\n');
}

/** Hunks with `@@` lines, without names of files. */
export function unifiedDiff(a: readonly string[], b: readonly string[]): string {
  let text = '';
  for (const group of grouped(operations(a, b))) {
    const first = group[0] as Operation;
    const last = group.at(-1) as Operation;
    text += `@@ -${range(first.a1, last.a2)} +${range(first.b1, last.b2)} @@\n`;
    for (const { equal, a1, a2, b1, b2 } of group) {
      if (equal) for (let line = a1; line < a2; line++) text += ` ${a[line]}\n`;
      else {
        for (let line = a1; line < a2; line++) text += `-${a[line]}\n`;
        for (let line = b1; line < b2; line++) text += `+${b[line]}\n`;
      }
    }
  }
  return text;
}

function range(start: number, stop: number): string {
  const length = stop - start;
  if (length === 1) return String(start + 1);
  return `${length === 0 ? start : start + 1},${length}`;
}

/** Stretches of lines that are the same or not, in order, covering both texts. */
function operations(a: readonly string[], b: readonly string[]): Operation[] {
  const result: Operation[] = [];
  let i = 0;
  let j = 0;
  for (const [ai, bj, size] of matches(a, b)) {
    if (i < ai || j < bj) result.push({ equal: false, a1: i, a2: ai, b1: j, b2: bj });
    i = ai + size;
    j = bj + size;
    if (size > 0) result.push({ equal: true, a1: ai, a2: i, b1: bj, b2: j });
  }
  return result;
}

type Match = readonly [a: number, b: number, size: number];

/** Where the texts agree, in order, with neighbours joined and an empty match at the end. */
function matches(a: readonly string[], b: readonly string[]): Match[] {
  const places = linePlaces(b);
  const found: Match[] = [];
  const search = (alo: number, ahi: number, blo: number, bhi: number): void => {
    const match = longestMatch(a, b, places, alo, ahi, blo, bhi);
    const [i, j, size] = match;
    if (size === 0) return;
    if (alo < i && blo < j) search(alo, i, blo, j);
    found.push(match);
    if (i + size < ahi && j + size < bhi) search(i + size, ahi, j + size, bhi);
  };
  search(0, a.length, 0, b.length);
  const joined: Match[] = [];
  let [i1, j1, size1] = [0, 0, 0];
  for (const [i2, j2, size2] of found) {
    if (i1 + size1 === i2 && j1 + size1 === j2) size1 += size2;
    else {
      if (size1 > 0) joined.push([i1, j1, size1]);
      [i1, j1, size1] = [i2, j2, size2];
    }
  }
  if (size1 > 0) joined.push([i1, j1, size1]);
  joined.push([a.length, b.length, 0]);
  return joined;
}

function linePlaces(b: readonly string[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  b.forEach((line, index) => {
    const known = places.get(line);
    if (known === undefined) places.set(line, [index]);
    else known.push(index);
  });
  if (b.length >= popularFrom) {
    const countMax = Math.floor(b.length / 100) + 1;
    for (const [line, indexes] of places) if (indexes.length > countMax) places.delete(line);
  }
  return places;
}

function longestMatch(
  a: readonly string[],
  b: readonly string[],
  places: ReadonlyMap<string, readonly number[]>,
  alo: number,
  ahi: number,
  blo: number,
  bhi: number,
): Match {
  let [besti, bestj, bestsize] = [alo, blo, 0];
  let lengths = new Map<number, number>();
  for (let i = alo; i < ahi; i++) {
    const next = new Map<number, number>();
    for (const j of places.get(a[i] as string) ?? []) {
      if (j < blo) continue;
      if (j >= bhi) break;
      const length = (lengths.get(j - 1) ?? 0) + 1;
      next.set(j, length);
      if (length > bestsize) [besti, bestj, bestsize] = [i - length + 1, j - length + 1, length];
    }
    lengths = next;
  }
  while (besti > alo && bestj > blo && a[besti - 1] === b[bestj - 1]) {
    besti -= 1;
    bestj -= 1;
    bestsize += 1;
  }
  while (besti + bestsize < ahi && bestj + bestsize < bhi && a[besti + bestsize] === b[bestj + bestsize]) bestsize += 1;
  return [besti, bestj, bestsize];
}

/** Operations cut into hunks, each with the lines around it. */
function grouped(all: readonly Operation[]): Operation[][] {
  const codes = [...all];
  const first = codes[0];
  if (first?.equal) {
    codes[0] = {
      ...first,
      a1: Math.max(first.a1, first.a2 - contextLines),
      b1: Math.max(first.b1, first.b2 - contextLines),
    };
  }
  const last = codes.at(-1);
  if (last?.equal) {
    codes[codes.length - 1] = {
      ...last,
      a2: Math.min(last.a2, last.a1 + contextLines),
      b2: Math.min(last.b2, last.b1 + contextLines),
    };
  }
  const groups: Operation[][] = [];
  let group: Operation[] = [];
  for (const code of codes) {
    let { a1, b1 } = code;
    const { equal, a2, b2 } = code;
    if (equal && a2 - a1 > contextLines * 2) {
      group.push({ equal, a1, a2: Math.min(a2, a1 + contextLines), b1, b2: Math.min(b2, b1 + contextLines) });
      groups.push(group);
      group = [];
      a1 = Math.max(a1, a2 - contextLines);
      b1 = Math.max(b1, b2 - contextLines);
    }
    group.push({ equal, a1, a2, b1, b2 });
  }
  if (group.length > 0 && !(group.length === 1 && group[0]?.equal)) groups.push(group);
  return groups;
}
