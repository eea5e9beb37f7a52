/**
 * Strategic merge patch: a merge patch that merges lists by the merge keys of the schema, with the directives `$patch`,
 * `$retainKeys`, `$deleteFromPrimitiveList/…` and `$setElementOrder/…`. Neither the object nor the patch is changed.
 *
 * The order of a merged list: items that the patch names stand in the patch's order, items that only the server has keep theirs,
 * and the two are merged so that an item stays before those it stood before on the server.
 *
 * @see k8s.io/apimachinery/pkg/util/strategicpatch
 */
import { setMember } from './conform.ts';
import { StatusError } from './errors.ts';
import { goTypeName, goValueText, quote } from './go-text.ts';
import { stableJson } from './hash.ts';
import { sortedCopy } from './patch-json.ts';
import type { FieldSchema, ObjectSchema, Schema } from './schema.ts';

type Json = Record<string, unknown>;

const patchDirective = '$patch';
const retainKeysDirective = '$retainKeys';
const deletePrefix = '$deleteFromPrimitiveList';
const orderPrefix = '$setElementOrder';

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Upstream answers these with a bare 500. */
const failed = (message: string): StatusError => StatusError.other(500, '', message);

/**
 * Members of the result are sorted, as upstream's are, unless `asGiven`: then objects of known fields keep the order of the original,
 * which is enough for a result that is put into the order of its fields anyway.
 * @throws StatusError 400 for misused directives, 500 for unknown ones, as upstream answers
 */
export function applyStrategicMergePatch(original: Json, patch: Json, schema: Schema, asGiven = false): Json {
  return mergeMap(original, patch, schema, asGiven);
}

/** The field's schema, where there is one: objects have fields, maps elements, and what is unknown merges as free JSON. */
function fieldOf(schema: Schema | undefined, key: string): FieldSchema | undefined {
  const object: ObjectSchema | undefined = schema?.kind === 'object' ? schema.object : undefined;
  return object?.fields.get(key);
}

function childSchema(schema: Schema | undefined, key: string): Schema | undefined {
  return fieldOf(schema, key)?.schema ?? (schema?.kind === 'map' ? schema.element : undefined);
}

const dollar = 0x24;

/** Whether a member may be a directive: nearly no part of a patch has any. */
function hasDirectives(given: Json): boolean {
  for (const key in given) if (key.charCodeAt(0) === dollar) return true;
  return false;
}

function mergeMap(original: Json, given: Json, schema: Schema | undefined, asGiven: boolean): Json {
  const directed = hasDirectives(given);
  if (directed && Object.hasOwn(given, patchDirective)) {
    const directive = given[patchDirective];
    if (directive === 'replace') {
      const { [patchDirective]: _, ...rest } = given;
      return rest;
    }
    if (directive === 'delete') return {};
    throw failed(`unknown patch type: ${goValueText(directive)} in map: ${goValueText(given)}`);
  }
  // No spread: what is spread first and then grows gets a hidden class for itself alone.
  const result: Json = Object.assign({}, original);
  const done = directed ? retainKeys(result, given) : [];
  if (directed) applyOrders(result, given, schema, asGiven, done);
  let sorts = !asGiven || schema?.object === undefined || schema.object.preserveUnknown === true;
  for (const patchKey of Object.keys(given)) {
    if (done.length > 0 && done.includes(patchKey)) continue;
    const value = given[patchKey];
    const deletes = directed && patchKey.startsWith(deletePrefix);
    const key = deletes ? keyAfter(patchKey, deletePrefix, 'primitive list') : patchKey;
    if (value === null) {
      // What something was deleted from is slow from then on: it is copied.
      sorts = true;
      delete result[key];
      continue;
    }
    const current = Object.hasOwn(result, key) ? result[key] : undefined;
    if (current === undefined || current === null || kindOf(current) !== kindOf(value)) {
      if (!deletes) setMember(result, key, withoutDirectives(value));
      continue;
    }
    setMember(result, key, mergeValue(current, value, schema, key, deletes, asGiven));
  }
  return sorts ? sortedCopy(result) : result;
}

const kindOf = (value: unknown): string => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value);

function mergeValue(
  current: unknown,
  value: unknown,
  schema: Schema | undefined,
  key: string,
  deletes: boolean,
  asGiven: boolean,
): unknown {
  const field = fieldOf(schema, key);
  if (isObject(value)) {
    if (field?.patchStrategies.includes('replace') === true) return withoutDirectives(value);
    return mergeMap(current as Json, value, childSchema(schema, key), asGiven);
  }
  if (!Array.isArray(value)) return value;
  return mergeListField(current as unknown[], value, field, deletes, asGiven);
}

function mergeListField(
  current: unknown[],
  value: unknown[],
  field: FieldSchema | undefined,
  deletes: boolean,
  asGiven: boolean,
): unknown[] {
  if (!deletes && field?.patchStrategies.includes('merge') !== true) return value.map(withoutDirectives);
  return mergeList(current, value, field?.schema.element, field?.mergeKey ?? '', deletes, asGiven);
}

/** The field that a directive is about: `$setElementOrder/containers`. */
function keyAfter(directive: string, prefix: string, noun: string): string {
  if (!directive.startsWith(`${prefix}/`)) throw StatusError.badRequest(`invalid patch format of ${noun}`);
  return directive.slice(prefix.length + 1);
}

/** As Go names what it has found where it wanted something else. */
function unexpected(wanted: '[]' | 'map', found: unknown): StatusError {
  const text = found === null ? '%!s(<nil>)' : goTypeName(found);
  return failed(`expected a ${wanted === '[]' ? '[]' : 'map[string]'}interface {}, but received a ${text}`);
}

/** `$retainKeys`: members of the object that it does not name go; the patch may set no others. Returns which members it has seen to. */
function retainKeys(original: Json, patch: Json): string[] {
  if (!Object.hasOwn(patch, retainKeysDirective)) return [];
  const kept = patch[retainKeysDirective];
  const misused = (): StatusError => StatusError.badRequest('invalid patch format of retainKeys');
  if (!Array.isArray(kept)) throw misused();
  for (const key of Object.keys(patch)) {
    if (
      key === retainKeysDirective ||
      patch[key] === null ||
      key.startsWith(deletePrefix) ||
      key.startsWith(orderPrefix)
    )
      continue;
    if (!kept.includes(key)) throw misused();
  }
  for (const key of Object.keys(original)) if (!kept.includes(key)) delete original[key];
  return [retainKeysDirective];
}

/** `$setElementOrder/list`: merges the list and puts it in that order. Adds the members of the patch that it has seen to to `done`. */
function applyOrders(original: Json, patch: Json, schema: Schema | undefined, asGiven: boolean, done: string[]): void {
  for (const directive of Object.keys(patch)) {
    if (!directive.startsWith(orderPrefix)) continue;
    const order = patch[directive];
    done.push(directive);
    if (!Array.isArray(order)) throw unexpected('[]', order);
    const key = keyAfter(directive, orderPrefix, 'setElementOrder list');
    const currentList = listAt(original, key);
    const givenList = listAt(patch, key);
    const field = fieldOf(schema, key);
    if (field === undefined && schema?.kind === 'object') {
      const name = schema.typeName.replace(/^.*\./, '');
      throw failed(`unable to find api field in struct ${name} for the json field ${quote(key)}`);
    }
    const mergeKey = field?.mergeKey ?? '';
    const whole =
      givenList !== undefined && mergeKey !== '' && field?.patchStrategies.includes('merge') === true
        ? mergeWhole(currentList ?? [], givenList, order, mergeKey, field.schema.element, asGiven)
        : undefined;
    if (whole !== undefined) {
      done.push(key);
      setMember(original, key, whole);
      continue;
    }
    checkOrder(givenList ?? [], order, mergeKey);
    if (currentList === undefined && givenList === undefined) continue;
    let merged = currentList ?? [];
    if (givenList !== undefined) {
      merged =
        currentList === undefined
          ? (withoutDirectives(givenList) as unknown[])
          : mergeListField(currentList, givenList, field, false, asGiven);
      done.push(key);
    }
    if (mergeKey !== '') checkKeys(merged, order, mergeKey);
    setMember(original, key, inOrder(merged, order, currentList ?? [], mergeKey));
  }
}

/**
 * The usual list of conditions: the patch gives all items, in the order that it asks for, and the server has no others. Undefined for
 * every other list.
 */
function mergeWhole(
  current: readonly unknown[],
  given: readonly unknown[],
  order: readonly unknown[],
  mergeKey: string,
  element: Schema | undefined,
  asGiven: boolean,
): unknown[] | undefined {
  const { length } = given;
  if (length !== order.length || length > SEARCHED_MAX || current.length > length) return undefined;
  let found = 0;
  for (let index = 0; index < length; index++) {
    const [item, ordered] = [given[index], order[index]];
    if (!isObject(item) || !isObject(ordered) || item[patchDirective] !== undefined) return undefined;
    const key = item[mergeKey];
    if (typeof key !== 'string' || ordered[mergeKey] !== key || placeOf(given, mergeKey, key) !== index)
      return undefined;
    if (placeOf(current, mergeKey, key) >= 0) found++;
  }
  // Fewer when the server has others, or one twice.
  if (found !== current.length) return undefined;
  const merged: unknown[] = [];
  for (const item of given as readonly Json[]) {
    const place = placeOf(current, mergeKey, item[mergeKey]);
    merged.push(place < 0 ? withoutDirectives(item) : mergeMap(current[place] as Json, item, element, asGiven));
  }
  return merged;
}

function placeOf(items: readonly unknown[], mergeKey: string, key: unknown): number {
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    if (isObject(item) && item[mergeKey] === key) return index;
  }
  return -1;
}

function listAt(object: Json, key: string): unknown[] | undefined {
  if (!Object.hasOwn(object, key)) return undefined;
  const value = object[key];
  if (!Array.isArray(value)) throw unexpected('[]', value);
  return value;
}

/** Every item needs a key, and must be looked for among objects. */
function checkKeys(items: readonly unknown[], order: readonly unknown[], mergeKey: string): void {
  for (const item of items) {
    if (!isObject(item)) throw unexpected('map', item);
    const key = keyOf(item, mergeKey);
    for (let index = 0; index < order.length; index++) {
      const other = order[index];
      if (!isObject(other)) throw failed(`value for key ${index} is not a map.`);
      if (other[mergeKey] === key) break;
    }
  }
}

/** The items of the patch must stand in the order list, and in its order. */
function checkOrder(items: readonly unknown[], order: readonly unknown[], mergeKey: string): void {
  if (order.length === 0) return;
  for (const item of items) if (mergeKey !== '' && !isObject(item)) throw unexpected('map', item);
  let at = 0;
  for (const item of items) {
    if (isObject(item) && item[patchDirective] !== undefined) continue;
    while (at < order.length && !sameItem(order[at], item, mergeKey)) at += 1;
    if (at === order.length) {
      throw failed(
        `The order in patch list:\n${goValueText(items)}\n doesn't match $setElementOrder list:\n${goValueText(order)}\n`,
      );
    }
  }
}

function sameItem(ordered: unknown, item: unknown, mergeKey: string): boolean {
  if (mergeKey === '') return ordered === item;
  if (!isObject(item)) throw unexpected('map', item);
  if (!isObject(ordered)) throw unexpected('map', ordered);
  return keyText(keyOf(item, mergeKey)) === keyText(keyOf(ordered, mergeKey));
}

function mergeList(
  original: unknown[],
  given: readonly unknown[],
  element: Schema | undefined,
  mergeKey: string,
  deletes: boolean,
  asGiven: boolean,
): unknown[] {
  if (original.length === 0 && given.length === 0) return original;
  const kind = kindOf(original.length > 0 ? original[0] : given[0]);
  const isOther = (item: unknown): boolean => kindOf(item) !== kind;
  if (original.some(isOther) || given.some(isOther))
    throw failed(`list element types are not identical: ${goValueText([original, given])}`);
  if (kind !== 'object') {
    if (deletes) return original.filter((item) => !given.includes(item));
    const merged = [...new Set([...original, ...given])];
    return inOrder(merged, given, original, mergeKey);
  }
  if (mergeKey === '') {
    throw failed(`cannot merge lists without merge key for Type ${element?.typeName ?? 'interface {}'}`);
  }
  const { remaining, items, replaces } = takeDirectives(original, given, mergeKey);
  if (replaces) {
    checkKeys(items, [], mergeKey);
    return items.map(withoutDirectives);
  }
  const merged = [...remaining];
  const places = new Places(merged, mergeKey);
  for (const item of items) {
    const key = keyText(keyOf(item, mergeKey));
    const place = places.of(key);
    if (place < 0) {
      places.add(key);
      merged.push(withoutDirectives(item));
    } else merged[place] = mergeMap(merged[place] as Json, item, element, asGiven);
  }
  checkKeys(merged, items, mergeKey);
  return inOrder(merged, items, remaining, mergeKey);
}

function keyOf(item: Json, mergeKey: string): unknown {
  const value = item[mergeKey];
  if (value === undefined) throw failed(`map: ${goValueText(item)} does not contain declared merge key: ${mergeKey}`);
  return value;
}

/** Carries out the items that are directives: deletes from the original, or replaces the whole list. */
function takeDirectives(
  original: readonly unknown[],
  given: readonly unknown[],
  mergeKey: string,
): { remaining: readonly unknown[]; items: readonly Json[]; replaces: boolean } {
  if (!(given as readonly Json[]).some((item) => item[patchDirective] !== undefined))
    return { remaining: original, items: given as readonly Json[], replaces: false };
  let remaining = [...original];
  let replaces = false;
  const items: Json[] = [];
  for (const item of given as readonly Json[]) {
    const directive = item[patchDirective];
    if (directive === undefined) items.push(item);
    else if (directive === 'replace') replaces = true;
    else if (directive === 'delete') {
      const key = stableJson(keyOf(item, mergeKey));
      remaining = remaining.filter((other) => stableJson((other as Json)[mergeKey]) !== key);
    } else if (directive === 'merge') throw failed('merging lists cannot yet be specified in the patch');
    else throw failed(`unknown patch type: ${goValueText(directive)} in map: ${goValueText(item)}`);
  }
  return { remaining, items, replaces };
}

/** Merges the items that `order` names, in its order, with the rest, in the server's order. */
function inOrder(
  merged: readonly unknown[],
  order: readonly unknown[],
  serverOrder: readonly unknown[],
  mergeKey: string,
): unknown[] {
  const ordered = new Places(order, mergeKey);
  const onServer = new Places(serverOrder, mergeKey);
  const named: Placed[] = [];
  const rest: Placed[] = [];
  for (const item of merged) {
    const key = identityOf(item, mergeKey);
    const place = ordered.of(key);
    (place < 0 ? rest : named).push({ item, inOrder: place, onServer: onServer.of(key) });
  }
  if (named.some((item, index) => index > 0 && item.inOrder < (named[index - 1] as Placed).inOrder))
    named.sort((left, right) => left.inOrder - right.inOrder);
  if (rest.length > 1) rest.sort((left, right) => left.onServer - right.onServer);
  if (rest.length === 0) return named.map(({ item }) => item);
  const result: unknown[] = [];
  let nextNamed = 0;
  let nextRest = 0;
  while (nextNamed < named.length && nextRest < rest.length) {
    const [first, other] = [named[nextNamed] as Placed, rest[nextRest] as Placed];
    const restFirst = other.onServer >= 0 && first.onServer >= 0 && other.onServer < first.onServer;
    result.push(restFirst ? other.item : first.item);
    if (restFirst) nextRest++;
    else nextNamed++;
  }
  for (; nextNamed < named.length; nextNamed++) result.push((named[nextNamed] as Placed).item);
  for (; nextRest < rest.length; nextRest++) result.push((rest[nextRest] as Placed).item);
  return result;
}

/** What tells an item apart: its key among objects, else the item itself. */
const identityOf = (item: unknown, mergeKey: string): string =>
  keyText(isObject(item) && mergeKey !== '' ? item[mergeKey] : item);

/** Lists of so many items are searched from their beginning; longer ones get a map. */
const SEARCHED_MAX = 16;

/** Where in a list the first item of each key stands. */
class Places {
  readonly #keys: string[];
  readonly #map: Map<string, number> | undefined;

  constructor(items: readonly unknown[], mergeKey: string) {
    this.#keys = items.map((item) => identityOf(item, mergeKey));
    if (items.length <= SEARCHED_MAX) return;
    this.#map = new Map();
    for (let index = items.length - 1; index >= 0; index--) this.#map.set(this.#keys[index] as string, index);
  }

  /** -1: nowhere. */
  of(key: string): number {
    return this.#map === undefined ? this.#keys.indexOf(key) : (this.#map.get(key) ?? -1);
  }

  /** Notes an item with a new key behind the others. */
  add(key: string): void {
    this.#map?.set(key, this.#keys.length);
    this.#keys.push(key);
  }
}

/** An item of a merged list, and where among the patch's and the server's items one of its key stands first; -1: nowhere. */
interface Placed {
  readonly item: unknown;
  readonly inOrder: number;
  readonly onServer: number;
}

/** A text that tells merge keys apart. Nearly all are texts themselves; of others it begins with a character that those never have there. */
const keyText = (value: unknown): string =>
  typeof value === 'string' && value.charCodeAt(0) !== 0 ? value : `\0${stableJson(value)}`;

/**
 * A patch's value where there is nothing to merge it with: without directives and without deletions. The value itself where it has none.
 */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return itemsWithoutDirectives(value);
  if (!isObject(value)) return value;
  let kept: Json | undefined;
  let seen = 0;
  for (const key in value) {
    const member = value[key];
    const goes = member === null || (key.charCodeAt(0) === dollar && isDirective(key));
    const clean = goes ? undefined : withoutDirectives(member);
    if (kept === undefined && (goes || clean !== member)) kept = firstMembers(value, seen);
    if (kept !== undefined && !goes) setMember(kept, key, clean);
    seen++;
  }
  return kept ?? value;
}

function itemsWithoutDirectives(items: readonly unknown[]): readonly unknown[] {
  let kept: unknown[] | undefined;
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    const goes = isObject(item) && item[patchDirective] !== undefined;
    const clean = goes ? undefined : withoutDirectives(item);
    if (kept === undefined && (goes || clean !== item)) kept = items.slice(0, index);
    if (kept !== undefined && !goes) kept.push(clean);
  }
  return kept ?? items;
}

const isDirective = (key: string): boolean =>
  key === patchDirective || key === retainKeysDirective || key.startsWith(deletePrefix) || key.startsWith(orderPrefix);

/** A copy of the first so many members. */
function firstMembers(object: Json, count: number): Json {
  const copy: Json = {};
  let left = count;
  for (const key in object) {
    if (left-- === 0) break;
    setMember(copy, key, object[key]);
  }
  return copy;
}
