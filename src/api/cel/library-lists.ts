/**
 * Functions of lists and of lists as sets.
 * @see k8s.io/apiserver/pkg/cel/library/lists.go, cel-go ext/sets.go, ext/lists.go
 */
import { type Row, row } from './functions.ts';
import { checkedInt } from './library-standard.ts';
import { CelError, CelList, compareValues, Duration, equalValues, Uint, ValueList } from './values.ts';

const comparable = ['bool', 'int', 'uint', 'double', 'string', 'bytes', 'timestamp', 'duration'];

function isSorted(list: CelList): boolean {
  for (let index = 1; index < list.size; index++) {
    if (compareValues(list.at(index - 1), list.at(index)) === 1) return false;
  }
  return true;
}

function extreme(list: CelList, sign: 1 | -1, name: string): unknown {
  if (list.size === 0) throw new CelError(`${name} called on empty list`);
  let best = list.at(0);
  for (let index = 1; index < list.size; index++) {
    const item = list.at(index);
    if (compareValues(item, best) === sign) best = item;
  }
  return best;
}

function indexOf(list: CelList, value: unknown): bigint {
  for (let index = 0; index < list.size; index++) if (equalValues(list.at(index), value)) return BigInt(index);
  return -1n;
}

function lastIndexOf(list: CelList, value: unknown): bigint {
  for (let index = list.size - 1; index >= 0; index--) if (equalValues(list.at(index), value)) return BigInt(index);
  return -1n;
}

const sums: readonly Row[] = [
  row('list(int)->sum(): int', (list: CelList) =>
    [...list].reduce<bigint>((sum, item) => checkedInt(sum + (item as bigint)), 0n),
  ),
  row('list(uint)->sum(): uint', (list: CelList) => {
    const sum = [...list].reduce<bigint>((total, item) => total + (item as Uint).value, 0n);
    if (sum >= 2n ** 64n) throw new CelError('unsigned integer overflow');
    return new Uint(sum);
  }),
  row('list(double)->sum(): double', (list: CelList) =>
    [...list].reduce<number>((sum, item) => sum + (item as number), 0),
  ),
  row(
    'list(duration)->sum(): duration',
    (list: CelList) =>
      new Duration([...list].reduce<bigint>((sum, item) => checkedInt(sum + (item as Duration).nanos), 0n)),
  ),
];

const contains = (list: CelList, part: CelList): boolean => {
  for (const item of part) if (!list.contains(item)) return false;
  return true;
};

const SORTED_MAX = 100_000;

/** The items in the order of their keys, one for each. */
function sort(list: CelList, keys: CelList): CelList {
  if (list.size > SORTED_MAX) throw new CelError('list is too long to sort');
  if (list.size !== keys.size) {
    throw new CelError(
      `@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got ${list.size} and ${keys.size} elements respectively`,
    );
  }
  const pairs = [...list].map((item, index) => ({ item, key: keys.at(index) }));
  pairs.sort((left, right) => {
    const order = compareValues(left.key, right.key);
    if (order === undefined) throw new CelError('list elements must have the same type');
    return order;
  });
  return new ValueList(pairs.map(({ item }) => item));
}

function slice(list: CelList, from: bigint, to: bigint): CelList {
  const [start, end] = [Number(from), Number(to)];
  if (start < 0 || end < 0) throw new CelError(`cannot slice(${start}, ${end}), negative indexes not supported`);
  if (start > end)
    throw new CelError(`cannot slice(${start}, ${end}), start index must be less than or equal to end index`);
  if (end > list.size) throw new CelError(`cannot slice(${start}, ${end}), list is length ${list.size}`);
  return new ValueList([...list].slice(start, end));
}

function flatten(list: CelList, depth: bigint): CelList {
  if (depth < 0n) throw new CelError('level must be non-negative');
  const flat = (items: CelList, level: bigint): unknown[] =>
    [...items].flatMap((item) => (item instanceof CelList && level > 0n ? flat(item, level - 1n) : [item]));
  return new ValueList(flat(list, depth));
}

function distinct(list: CelList): CelList {
  const items: unknown[] = [];
  const simple = new Set<unknown>();
  for (const item of list) {
    if (typeof item === 'string' || typeof item === 'boolean' || typeof item === 'bigint') {
      if (simple.has(item)) continue;
      simple.add(item);
    } else if (items.some((known) => equalValues(known, item))) continue;
    items.push(item);
  }
  return new ValueList(items);
}

const RANGE_MAX = 1_000_000n;

export const listsLibrary: readonly Row[] = [
  ...comparable.flatMap((type) => [
    row(`list(${type})->isSorted(): bool`, isSorted),
    row(`list(${type})->min(): ${type}`, (list: CelList) => extreme(list, -1, 'min')),
    row(`list(${type})->max(): ${type}`, (list: CelList) => extreme(list, 1, 'max')),
    row(`list(${type})->sort(): list(${type})`, (list: CelList) => sort(list, list)),
    row(`list(A)->@sortByAssociatedKeys(list(${type})): list(A)`, sort),
  ]),
  ...sums,
  row('list(A)->indexOf(A): int', indexOf),
  row('list(A)->lastIndexOf(A): int', lastIndexOf),
  row('sets.contains(list(A), list(A)): bool', contains),
  row('sets.equivalent(list(A), list(A)): bool', (a: CelList, b: CelList) => contains(a, b) && contains(b, a)),
  row('sets.intersects(list(A), list(A)): bool', (a: CelList, b: CelList) => [...b].some((item) => a.contains(item))),
  row('list(A)->slice(int, int): list(A)', slice),
  row('list(list(A))->flatten(): list(A)', (list: CelList) => flatten(list, 1n)),
  row('list(dyn)->flatten(int): list(dyn)', flatten),
  row('list(A)->distinct(): list(A)', distinct),
  row('list(A)->reverse(): list(A)', (list: CelList) => new ValueList([...list].reverse())),
  row('lists.range(int): list(int)', (count: bigint) => {
    if (count > RANGE_MAX) throw new CelError(`lists.range is limited to ${RANGE_MAX}`);
    return new ValueList(Array.from({ length: Math.max(0, Number(count)) }, (_, index) => BigInt(index)));
  }),
];
