/** Requests of a claim for extended resources: which container gets what, and what init containers use again. */
import { expect, test } from 'vitest';
import type { Container, Pod } from '../../../src/api/index.ts';
import { DeviceClassResolver, extendedRequests } from '../../../src/scheduling/index.ts';

const gpu = 'deviceclass.resource.kubernetes.io/gpu';

/** A resolver that knows every class by its own name. */
const resolver = Object.assign(Object.create(DeviceClassResolver.prototype) as DeviceClassResolver, {
  classOf: (resource: string) => ({ metadata: { name: resource.split('/')[1]! }, spec: {} }),
});

const container = (name: string, count: number, more: Partial<Container> = {}): Container => ({
  name,
  image: 'i',
  resources: { requests: { cpu: '1', ...(count > 0 ? { [gpu]: String(count) } : {}) } },
  ...more,
});

function requestsOf(initContainers: Container[], containers: Container[]) {
  const { requests, mappings } = extendedRequests({ spec: { initContainers, containers } } as Pod, [gpu], resolver);
  return {
    requests: requests.map(({ name, exactly }) => [name, exactly?.count]),
    mappings: mappings.map(({ containerName, requestName }) => [containerName, requestName]),
  };
}

test('every container has a request of its own, named after its place', () => {
  expect(requestsOf([], [container('a', 1), container('b', 0), container('c', 2)])).toEqual({
    requests: [
      ['container-0-request-1', 1],
      ['container-2-request-1', 2],
    ],
    mappings: [
      ['a', 'container-0-request-1'],
      ['c', 'container-2-request-1'],
    ],
  });
});

test('init containers use again what later containers ask for', () => {
  expect(requestsOf([container('init', 2)], [container('a', 1), container('b', 1)])).toEqual({
    requests: [
      ['container-1-request-1', 1],
      ['container-2-request-1', 1],
    ],
    mappings: [
      ['a', 'container-1-request-1'],
      ['b', 'container-2-request-1'],
      ['init', 'container-1-request-1'],
      ['init', 'container-2-request-1'],
    ],
  });
});

test('of what init containers need beyond that the largest request serves all', () => {
  expect(requestsOf([container('one', 2), container('two', 4)], [container('a', 1)])).toEqual({
    requests: [
      ['container-1-request-1', 3],
      ['container-2-request-1', 1],
    ],
    mappings: [
      ['a', 'container-2-request-1'],
      ['one', 'container-2-request-1'],
      ['one', 'container-1-request-1'],
      ['two', 'container-2-request-1'],
      ['two', 'container-1-request-1'],
    ],
  });
});

test('a sidecar keeps its devices, and only init containers before it use them', () => {
  const sidecar = container('side', 2, { restartPolicy: 'Always' });
  expect(requestsOf([container('before', 1), sidecar, container('after', 1)], [container('a', 0)])).toEqual({
    requests: [
      ['container-1-request-1', 2],
      ['container-2-request-1', 1],
    ],
    mappings: [
      ['side', 'container-1-request-1'],
      ['before', 'container-1-request-1'],
      ['after', 'container-2-request-1'],
    ],
  });
});
