import { describe, expect, it } from 'vitest';
import { type Schema, schemaOf } from '../../src/api/index.ts';
import { typedError } from '../../src/api/typed-errors.ts';

const pod = schemaOf('io.k8s.api.core.v1.PodSpec');

describe('typedError', () => {
  it.each([
    [{ containers: [{ name: 'a', resources: { limits: { cpu: 1 } } }] }, undefined],
    [{ bogus: 1 }, '.bogus: field not declared in schema'],
    [{ nodeName: 5 }, '.nodeName: expected string, got &value.valueUnstructured{Value:5}'],
    [{ hostNetwork: 'x' }, '.hostNetwork: expected boolean, got &value.valueUnstructured{Value:"x"}'],
    [{ priority: 'x' }, '.priority: expected numeric (int or float), got string'],
    [{ containers: 'x' }, '.containers: expected list, got &{x}'],
    [{ containers: [{ name: 'a' }, { name: 'a' }] }, '.containers: duplicate entries for key [name="a"]'],
    [{ containers: [{ name: 'a', bogus: 1 }] }, '.containers[name="a"].bogus: field not declared in schema'],
    [{ securityContext: [] }, '.securityContext: expected map, got &{[]}'],
    [{ nodeSelector: 5 }, '.nodeSelector: expected map, got &{5}'],
    [{ a: 1, b: 2 }, '.a: field not declared in schema'],
    [
      { nodeName: 1, hostNetwork: 2 },
      'errors:\n  .nodeName: expected string, got &value.valueUnstructured{Value:1}\n  .hostNetwork: expected boolean, got &value.valueUnstructured{Value:2}',
    ],
    [{ containers: [null, 'x'] }, '.containers: element 0: associative list with keys may not have a null element'],
  ])('%j: %s', (value, error) => {
    expect(typedError(value, pod)).toBe(error);
  });

  it('misses the keys of list items', () => {
    expect(typedError({ containers: ['x'] }, pod)).toBe(
      '.containers: element 0: associative list with keys may not have non-map elements',
    );
    const conditions: Schema = {
      kind: 'array',
      typeName: '[]Item',
      listType: 'map',
      listMapKeys: ['a', 'b'],
      element: { kind: 'map', typeName: 'Item', element: { kind: 'any', typeName: 'interface {}' } },
    };
    expect(typedError([{ a: 1 }], conditions)).toBeUndefined();
    expect(typedError([{ c: 1 }], conditions)).toBe(
      `: element 0: associative list with keys has an element that omits all key fields ["a" "b"] (and doesn't have default values for any key fields)`,
    );
  });

  it.each([
    [{}, "associative list without keys has an element that's a map type"],
    [[], 'not supported: associative list with lists as elements'],
    [null, "associative list without keys has an element that's an explicit null"],
  ])('takes no %j into a set', (item, reason) => {
    const meta = schemaOf('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');
    expect(typedError({ finalizers: ['a/b', item] }, meta)).toBe(`.finalizers: element 1: ${reason}`);
  });
});
