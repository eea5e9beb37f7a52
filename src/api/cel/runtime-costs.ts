/**
 * What a call costs when it runs, in upstream's units (about 50 ns each there). Functions that are not named cost 1.
 * @see cel-go interpreter/runtimecost.go, k8s.io/apiserver/pkg/cel/library/cost.go
 */
import { patternOf } from './regex.ts';
import { CelList, CelMap, sizeOf as characters } from './values.ts';

/** A character of a text that is read. */
export const TRAVERSAL = 0.1;
/** A character of a pattern. */
export const REGEX = 0.25;
export const LIST_COST = 10;
export const MAP_COST = 30;
export const STRUCT_COST = 40;
/** Two checks fit into an expression's budget, three do not. */
export const AUTHORIZATION_COST = 350_000;

/** Sizes for counting: of texts in UTF-16 units, which are known without a look at the text. */
const sizeOf = (value: unknown): number => (typeof value === 'string' ? value.length : characters(value));

type CallCost = (args: readonly unknown[], result: unknown) => number;

const traversed = (value: unknown, factor = 1): number => Math.ceil(sizeOf(value) * factor * TRAVERSAL);

const first: CallCost = ([value]) => traversed(value);
const twice: CallCost = ([value]) => traversed(value, 2);
const matching: CallCost = ([text, pattern]) =>
  Math.ceil((1 + sizeOf(text)) * TRAVERSAL) * Math.ceil(sizeOf(pattern) * REGEX);
/** All ways are followed at once: that takes several times as long as a test, and longer the more ways there are. */
const FINDING = 10;
const finding: CallCost = ([text, pattern]) => {
  const size = Math.max(sizeOf(pattern), typeof pattern === 'string' ? patternOf(pattern).size : 0);
  return FINDING * Math.ceil((1 + sizeOf(text)) * TRAVERSAL) * Math.ceil(size * REGEX);
};
const compared: CallCost = ([left, right]) => Math.ceil(Math.min(sizeOf(left), sizeOf(right)) * TRAVERSAL);
/** Upstream's long lists are joined by reference; here they are copied, and paid for. */
const FREE_ITEMS = 100;
const joined = (left: unknown, right: unknown): number => {
  const items = left instanceof CelList ? sizeOf(left) + sizeOf(right) : 0;
  return items <= FREE_ITEMS ? 1 : items;
};
/** Counting the characters of a long text takes a walk through it. */
const counted: CallCost = ([value]) => (typeof value === 'string' ? 1 + Math.floor(value.length / 100) : 1);
const product: CallCost = ([list, other]) => Math.max(1, sizeOf(list) * sizeOf(other));

/** A value walked through to its leaves. */
function walk(value: unknown): number {
  if (typeof value === 'string') return Math.floor(value.length * TRAVERSAL);
  if (value instanceof Uint8Array) return Math.floor(value.length * TRAVERSAL);
  let cost = 0;
  if (value instanceof CelList) for (const item of value) cost += walk(item);
  else if (value instanceof CelMap) for (const key of value.keys()) cost += walk(key) + walk(value.get(key));
  else return 1;
  return cost;
}
const walked: CallCost = ([value]) => walk(value);

const containing: CallCost = ([, other]) =>
  Math.ceil(32 * TRAVERSAL) + (typeof other === 'string' ? traversed(other) : 0);

/** By function name. */
export const runtimeCosts: Readonly<Record<string, CallCost>> = {
  startsWith: ([, part]) => traversed(part),
  endsWith: ([, part]) => traversed(part),
  contains: ([text, part]) => traversed(text) * traversed(part),
  matches: matching,
  find: finding,
  findAll: finding,
  '@in': ([, list]) => (list instanceof CelList ? list.size : 1),
  '_==_': compared,
  '_!=_': compared,
  '_<_': compared,
  '_<=_': compared,
  '_>_': compared,
  '_>=_': compared,
  '_+_': ([left, right]) =>
    typeof left === 'string' || left instanceof Uint8Array
      ? Math.ceil((sizeOf(left) + sizeOf(right)) * TRAVERSAL)
      : joined(left, right),
  size: counted,
  charAt: first,
  bytes: first,
  string: first,
  'strings.quote': first,
  format: (_, result) => traversed(result),
  check: () => AUTHORIZATION_COST,
  isSorted: walked,
  sum: walked,
  max: walked,
  min: walked,
  indexOf: walked,
  lastIndexOf: walked,
  url: first,
  lowerAscii: first,
  upperAscii: first,
  substring: first,
  trim: first,
  replace: (args, result) => twice(args, result) + traversed(result),
  split: twice,
  join: (_, result) => traversed(result, 2),
  cidr: first,
  ip: ([text]) => (typeof text === 'string' ? traversed(text) : 1),
  isIP: first,
  isCIDR: first,
  'ip.isCanonical': twice,
  containsIP: containing,
  containsCIDR: containing,
  quantity: first,
  isQuantity: first,
  semver: first,
  isSemver: first,
  validate: ([, text]) => traversed(text),
  'sets.contains': product,
  'sets.intersects': product,
  'sets.equivalent': product,
  distinct: ([list]) => sizeOf(list) * Math.max(1, sizeOf(list)),
  sort: ([list]) => sizeOf(list) * Math.ceil(Math.log2(sizeOf(list) + 2)),
  slice: ([list]) => sizeOf(list),
  flatten: (_, result) => sizeOf(result),
  'lists.range': (_, result) => sizeOf(result),
};
