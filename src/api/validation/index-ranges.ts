/** Indexes of a job as one text, such as `0-2,5`. @see pkg/apis/batch/validation/validation.go validateIndexesFormat */

interface Interval {
  readonly first: number;
  readonly last: number;
}

/** One interval, or why it is refused. */
function parseInterval(text: string, completions: number): Interval | string {
  const ends = text.split('-');
  if (ends.length > 2)
    return `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`;
  const numbers: number[] = [];
  for (const end of ends) {
    if (!/^[+-]?\d+$/.test(end)) return `cannot convert string to integer for index: ${JSON.stringify(end)}`;
    if (Number(end) >= completions) return `too large index: ${JSON.stringify(end)}`;
    numbers.push(Number(end));
  }
  const [first = 0, last = first] = numbers;
  if (numbers.length > 1 && first >= last) return `non-increasing order, previous: ${first}, current: ${last}`;
  return { first, last };
}

/** How many indexes the text names, or why it is refused. */
export function countIndexes(text: string, completions: number): number | string {
  if (text === '') return 0;
  let total = 0;
  let previous: number | undefined;
  for (const part of text.split(',')) {
    const interval = parseInterval(part, completions);
    if (typeof interval === 'string') return interval;
    const { first, last } = interval;
    if (previous !== undefined && previous >= first)
      return `non-increasing order, previous: ${previous}, current: ${first}`;
    total += last - first + 1;
    previous = last;
  }
  return total;
}

/** The first index that both texts name; what cannot be read is passed over. */
export function firstCommonIndex(left: string, right: string, completions: number): number | undefined {
  if (left === '' || right === '') return undefined;
  const read = (text: string): Interval[] =>
    text
      .split(',')
      .map((part) => parseInterval(part, completions))
      .filter((interval) => typeof interval !== 'string');
  const others = read(right);
  for (const one of read(left))
    for (const other of others)
      if (one.first <= other.last && other.first <= one.last) return Math.max(one.first, other.first);
  return undefined;
}
