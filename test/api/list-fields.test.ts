/**
 * Every list field of every built-in kind, alpha and beta versions too, wherever it stands: two items are created, read, patched in each way and applied, and none is lost. What a
 * patch or an apply makes of the list follows from the markers on the way to it.
 */
import { describe, expect, it } from 'vitest';
import {
  type ApiObject,
  applyConfiguration,
  applyPatch,
  decodeValue,
  enabledKinds,
  type FieldSchema,
  type ObjectSchema,
  type Owners,
  patchOf,
  type Schema,
  schemaOf,
} from '../../src/api/index.ts';

type Json = Record<string, unknown>;
/** The way to a list: members by name, items of a list and values of a map by their schema. */
type Step = { readonly field: FieldSchema } | { readonly inside: Schema };
type Trail = readonly Step[];

/** The lists below a schema; a definition is not entered again below itself. */
function* listsOf(schema: Schema, trail: Trail = [], above: readonly string[] = []): Generator<Trail> {
  if (schema.kind === 'array') yield trail;
  if (schema.kind === 'array' || schema.kind === 'map') {
    if (schema.element !== undefined) yield* listsOf(schema.element, [...trail, { inside: schema }], above);
    return;
  }
  const object = schema.kind === 'object' ? schema.object : undefined;
  if (object === undefined || above.includes(object.name)) return;
  for (const field of object.fields.values())
    if (field.name !== 'managedFields') yield* listsOf(field.schema, [...trail, { field }], [...above, object.name]);
}

/** A value of that schema, another one for each number. */
function sampleOf(schema: Schema, number: number, mergeKey?: string): unknown {
  switch (schema.kind) {
    case 'string':
      return `v${number}`;
    case 'boolean':
      return true;
    case 'int32':
    case 'int64':
    case 'double':
    case 'intOrString':
      return number;
    case 'bytes':
      return Buffer.from(`v${number}`).toString('base64');
    case 'time':
      return `2026-01-0${number}T00:00:00Z`;
    case 'microtime':
      return `2026-01-0${number}T00:00:00.000000Z`;
    case 'quantity':
      return String(number);
    case 'array':
      return [sampleOf(schema.element as Schema, number)];
    case 'map':
      return { [`k${number}`]: sampleOf(schema.element as Schema, number) };
    case 'object':
      return itemOf(schema.object as ObjectSchema, number, mergeKey === undefined ? [] : [mergeKey]);
    default:
      return { any: number };
  }
}

/** An object of what it needs and what tells it from others; of its first scalar, when it needs nothing. */
function itemOf({ fields }: ObjectSchema, number: number, keys: readonly string[]): Json {
  const all = [...fields.values()];
  const wanted = all.filter(
    ({ name, required, schema }) => keys.includes(name) || (required && schema.kind !== 'object'),
  );
  const first = all.find(({ schema }) => ['string', 'int32', 'int64', 'quantity'].includes(schema.kind)) ?? all[0];
  const chosen = wanted.length === 0 && first !== undefined ? [first] : wanted;
  return Object.fromEntries(chosen.map(({ name, schema }) => [name, sampleOf(schema, number)]));
}

/** Keys that tell the items of a list apart, for apply and for strategic merges. */
function keysOf(schema: Schema, mergeKey: string | undefined): string[] {
  return [...(schema.listMapKeys ?? []), ...(mergeKey === undefined ? [] : [mergeKey])];
}

/** What stands at the begin of a trail so that `leaf` stands at its end. */
function nested(trail: Trail, leaf: unknown, mergeKey?: string): unknown {
  const [step, ...rest] = trail;
  if (step === undefined) return leaf;
  if ('field' in step) return { [step.field.name]: nested(rest, leaf, step.field.mergeKey) };
  const { inside } = step;
  const inner = nested(rest, leaf);
  if (inside.kind === 'map') return { k: inner };
  const object = inside.element?.object;
  return [object === undefined ? inner : { ...itemOf(object, 1, keysOf(inside, mergeKey)), ...(inner as Json) }];
}

/** What stands at the end of a trail. */
function found(trail: Trail, value: unknown): unknown {
  return trail.reduce<unknown>((place, step) => {
    if (place === undefined || place === null) return undefined;
    if ('field' in step) return (place as Json)[step.field.name];
    return step.inside.kind === 'map' ? (place as Json)['k'] : (place as unknown[])[0];
  }, value);
}

const pointerOf = (trail: Trail): string =>
  trail.map((step) => `/${'field' in step ? step.field.name : step.inside.kind === 'map' ? 'k' : '0'}`).join('');

/** The lists on a trail, the last one among them, each with the field that holds it. */
function listsOn(trail: Trail): { schema: Schema; field: FieldSchema | undefined }[] {
  return trail.flatMap((step, index) => {
    const schema = 'field' in step ? step.field.schema : step.inside.element;
    return schema?.kind === 'array'
      ? [{ schema, field: 'field' in trail[index]! ? (step as { field: FieldSchema }).field : undefined }]
      : [];
  });
}

const whole = (body: unknown, apiVersion: string, kind: string): ApiObject => {
  const { metadata, ...rest } = body as Json;
  return { apiVersion, kind, metadata: { name: 'x', ...(metadata as Json | undefined) }, ...rest } as ApiObject;
};

const kinds = enabledKinds({ 'api/all': 'true' }).filter(({ verbs }) => verbs === undefined || verbs.includes('patch'));

describe('every list field', () => {
  it.each(kinds.map((kind) => [`${kind.group}/${kind.version} ${kind.kind}`, kind] as const))(
    'of %s',
    (_name, definition) => {
      const { group, version, kind } = definition;
      const schema = schemaOf(definition.definition);
      const expected = { group, version, kind, schema };
      const apiVersion = group === '' ? version : `${group}/${version}`;
      const broken: string[] = [];
      let count = 0;
      for (const trail of listsOf(schema)) {
        const place = pointerOf(trail);
        count += 1;
        const { schema: list, field } = listsOn(trail).at(-1) as ReturnType<typeof listsOn>[number];
        const element = list.element as Schema;
        const item = (number: number): unknown =>
          element.object === undefined
            ? sampleOf(element, number)
            : itemOf(element.object, number, keysOf(list, field?.mergeKey));
        const decode = (object: unknown): ApiObject => decodeValue(object, expected).object;
        const make = (...numbers: number[]) => whole(nested(trail, numbers.map(item)), apiVersion, kind);
        const items = (object: unknown): unknown[] => (found(trail, object) as unknown[] | undefined) ?? [];
        /** The items as they are stored: with what is written in any case. */
        const stored = (...numbers: number[]): unknown[] => items(decode(make(...numbers)));
        const check = (what: string, run: () => unknown[], numbers: readonly number[]) => {
          let is: unknown[];
          try {
            is = run();
          } catch (error) {
            broken.push(`${place}: ${what} throws ${error instanceof Error ? error.message : String(error)}`);
            return;
          }
          const one = (value: unknown) => JSON.stringify(value);
          const should = numbers.map((number) => one(stored(number)[0]));
          if (one(is.map(one).sort()) !== one(should.sort())) broken.push(`${place}: ${what} gives ${one(is)}`);
        };

        const live = decode(make(1, 2));
        check('create', () => items(live), [1, 2]);
        check('get', () => items(decode(JSON.parse(JSON.stringify(live)))), [1, 2]);
        const patch = (type: 'json' | 'merge' | 'strategic', value: unknown): unknown[] =>
          items(applyPatch(live, patchOf(type, value), expected).object);
        const label = { metadata: { labels: { a: 'b' } } };
        check('a merge patch elsewhere', () => patch('merge', label), [1, 2]);
        check('a strategic patch elsewhere', () => patch('strategic', label), [1, 2]);
        check('a JSON patch', () => patch('json', [{ op: 'add', path: `${place}/-`, value: item(3) }]), [1, 2, 3]);
        const { apiVersion: _a, kind: _k, ...change } = make(3);
        check('a merge patch', () => patch('merge', change), [3]);
        const merges = listsOn(trail).every(({ field: holder }) => holder?.patchStrategies.includes('merge') === true);
        check('a strategic patch', () => patch('strategic', change), merges ? [1, 2, 3] : [3]);
        const writer = { ...expected, apiVersion, now: '2026-01-01T00:00:00Z', force: true };
        const apply = (before: ApiObject | undefined, owners: Owners, manager: string, ...numbers: number[]) => {
          const applied = applyConfiguration(before, owners, make(...numbers), { ...writer, manager });
          return {
            object: applied === undefined ? (before as ApiObject) : decode(applied.object),
            owners: applied?.owners ?? owners,
          };
        };
        check('apply', () => items(apply(undefined, new Map(), 'a', 1, 2).object), [1, 2]);
        const separate = isSeparate(trail);
        check(
          'apply by another manager',
          () => {
            const first = apply(undefined, new Map(), 'a', 1, 2);
            return items(apply(first.object, first.owners, 'b', 3).object);
          },
          separate ? [1, 2, 3] : [3],
        );
        check('apply of less', () => {
          const first = apply(undefined, new Map(), 'a', 1, 2);
          return items(apply(first.object, first.owners, 'a', 2).object);
        }, [2]);
      }
      expect(broken).toEqual([]);
      // Owners and finalizers at least; a pod has its containers' lists many times.
      expect(count).toBeGreaterThanOrEqual(kind === 'Pod' ? 150 : 2);
    },
  );
});

/** Whether items of the last list have owners of their own: no list on the way to it, nor object or map, is taken as a whole. */
function isSeparate(trail: Trail): boolean {
  return trail.every((step) => {
    const schema = 'field' in step ? step.field.schema : (step.inside.element as Schema);
    if (schema.kind === 'array') return schema.listType === 'map' || schema.listType === 'set';
    return schema.atomic !== true;
  });
}
