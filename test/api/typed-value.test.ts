import { describe, expect, it } from 'vitest';
import { pathTexts } from '../../src/api/field-set.ts';
import { schemaOf } from '../../src/api/index.ts';
import { compareValues, fieldsOf, itemKey, mergeValues, removeFields } from '../../src/api/typed-value.ts';

const pod = schemaOf('io.k8s.api.core.v1.PodSpec');
const configMap = schemaOf('io.k8s.api.core.v1.ConfigMap');
const list = pod.object?.fields.get('containers')?.schema ?? pod;
const ports = schemaOf('io.k8s.api.core.v1.Container').object?.fields.get('ports')?.schema ?? pod;

describe('fieldsOf', () => {
  it('names leaves, list items and empty objects', () => {
    const value = {
      nodeSelector: { a: 'b' },
      securityContext: {},
      containers: [{ name: 'c', args: ['x'] }],
      tolerations: [],
    };
    expect(pathTexts(fieldsOf(value, pod))).toEqual([
      '.containers[name="c"]',
      '.containers[name="c"].args',
      '.containers[name="c"].name',
      '.nodeSelector',
      '.securityContext',
      '.tolerations',
    ]);
  });
});

describe('itemKey', () => {
  it('fills in the keys that have a default, and refuses without the others', () => {
    expect(itemKey(ports, { containerPort: 80 })).toBe('k:{"containerPort":80,"protocol":"TCP"}');
    expect(itemKey(list, {})).toBe('k:{"name":""}');
    expect(itemKey(list, 'x')).toBeUndefined();
  });
});

describe('compareValues', () => {
  const compare = (before: unknown, after: unknown) => {
    const { added, modified, removed } = compareValues(before, after, pod);
    return { added: pathTexts(added), modified: pathTexts(modified), removed: pathTexts(removed) };
  };

  it('tells added, modified and removed fields apart', () => {
    expect(
      compare(
        { nodeName: 'n', priority: 1, containers: [{ name: 'a', image: 'i' }, { name: 'b' }] },
        { priority: 2, hostname: 'h', containers: [{ name: 'c' }, { name: 'a', image: 'i' }] },
      ),
    ).toEqual({
      added: ['.containers[name="c"]', '.containers[name="c"].name', '.hostname'],
      modified: ['.priority'],
      removed: ['.containers[name="b"]', '.containers[name="b"].name', '.nodeName'],
    });
  });

  it('takes atomic lists and maps as a whole', () => {
    expect(compare({ nodeSelector: { a: 'b' } }, { nodeSelector: { a: 'b', c: 'd' } }).modified).toEqual([
      '.nodeSelector',
    ]);
    expect(compare({ tolerations: [{ key: 'a' }] }, { tolerations: [{ key: 'a' }] })).toEqual({
      added: [],
      modified: [],
      removed: [],
    });
  });
});

describe('mergeValues', () => {
  const names = (value: unknown) => (value as { name: string }[]).map(({ name }) => name);
  const items = (...all: string[]) => all.map((name) => ({ name }));

  it.each([
    [
      ['a', 'b'],
      ['b', 'c'],
      ['a', 'b', 'c'],
    ],
    [
      ['a', 'b'],
      ['b', 'a'],
      ['b', 'a'],
    ],
    [
      ['a', 'x', 'b'],
      ['b', 'a'],
      ['x', 'b', 'a'],
    ],
    [[], ['b', 'a'], ['b', 'a']],
    [['a', 'b'], [], ['a', 'b']],
  ])('lists %j with %j give %j', (left, right, merged) => {
    expect(names(mergeValues(items(...left), items(...right), list))).toEqual(merged);
  });

  it('merges items and maps, and leaves its input alone', () => {
    const left = Object.freeze({ data: Object.freeze({ a: '1' }) });
    expect(mergeValues(left, { data: { b: '2' } }, configMap)).toEqual({ data: { a: '1', b: '2' } });
    expect(mergeValues([{ name: 'a', image: 'i' }], [{ name: 'a', tty: true }], list)).toEqual([
      { name: 'a', image: 'i', tty: true },
    ]);
  });
});

describe('removeFields', () => {
  it('takes fields and items away, and leaves what has lost all its members empty', () => {
    const value = { data: { a: '1', b: '2' } };
    expect(removeFields(value, { 'f:data': { 'f:a': {} } }, configMap)).toEqual({ data: { b: '2' } });
    expect(removeFields(value, { 'f:data': { 'f:a': {}, 'f:b': {} } }, configMap)).toEqual({ data: {} });
    expect(removeFields(value, { 'f:data': {} }, configMap)).toBeNull();
    expect(removeFields([{ name: 'a' }, { name: 'b' }], { 'k:{"name":"a"}': {} }, list)).toEqual([{ name: 'b' }]);
    expect(value).toEqual({ data: { a: '1', b: '2' } });
  });
});

describe('items that say the same key', () => {
  const env = (...values: string[]) => ({
    containers: [{ name: 'c', env: values.map((value) => ({ name: 'E', value })) }],
  });
  const item = '.containers[name="c"].env[name="E"]';
  const texts = (before: object, after: object) => {
    const { added, modified, removed } = compareValues(before, after, pod);
    return { added: pathTexts(added), modified: pathTexts(modified), removed: pathTexts(removed) };
  };

  it('are one field', () => {
    expect(pathTexts(fieldsOf(env('1', '2'), pod))).toContain(item);
    expect(pathTexts(fieldsOf(env('1', '2'), pod))).not.toContain(`${item}.value`);
  });

  it.each([
    [['1', '2'], ['1', '2'], { added: [], modified: [], removed: [] }],
    [['1', '2'], ['2', '1'], { added: [], modified: [item], removed: [] }],
    [['1', '2'], ['1'], { added: [item, `${item}.name`, `${item}.value`], modified: [], removed: [item] }],
    [['1'], ['1', '2'], { added: [item], modified: [], removed: [item, `${item}.name`, `${item}.value`] }],
  ])('differ as a whole: %j and %j', (before, after, expected) => {
    expect(texts(env(...before), env(...after))).toEqual(expected);
  });
});
