import { describe, expect, it } from 'vitest';
import { schemaOf } from '../../src/api/index.ts';
import { inStructOrder } from '../../src/api/struct-order.ts';

const text = (definition: string, value: object) => JSON.stringify(inStructOrder(value, schemaOf(definition)));

describe('inStructOrder', () => {
  it('puts members as upstream declares them, and keys of maps by name', () => {
    expect(
      text('io.k8s.api.core.v1.ConfigMap', {
        data: { b: '2', a: '1' },
        immutable: true,
        metadata: { labels: { z: '1', y: '2' }, name: 'c' },
        apiVersion: 'v1',
        kind: 'ConfigMap',
      }),
    ).toBe(
      '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"c","labels":{"y":"2","z":"1"}},"immutable":true,"data":{"a":"1","b":"2"}}',
    );
  });

  it('goes into lists', () => {
    const containers = [{ env: [{ value: '1', name: 'E' }], image: 'i', name: 'a' }];
    expect(text('io.k8s.api.core.v1.PodSpec', { containers })).toBe(
      '{"containers":[{"name":"a","image":"i","env":[{"name":"E","value":"1"}]}]}',
    );
  });
});
