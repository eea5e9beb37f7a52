/** What pods ask for: sums, init containers, sidecars, overhead, pod-level resources and resizes. */
import { expect, test } from 'vitest';
import type { PodSpec } from '../../src/api/index.ts';
import { Dimension, dimensionOf, podRequests, requestOf } from '../../src/scheduling/index.ts';
import { makePod } from '../support/scheduling.ts';

const container = (name: string, requests: Record<string, string>, extra = {}) => ({
  name,
  image: 'i',
  resources: { requests },
  ...extra,
});
const requests = (spec: Partial<PodSpec>) => podRequests(makePod('p', spec));

test.each([
  ['containers add up', { containers: [container('a', { cpu: '100m' }), container('b', { cpu: '0.2' })] }, 300],
  [
    'the largest init container counts when larger than the sum',
    {
      containers: [container('a', { cpu: '100m' })],
      initContainers: [container('i', { cpu: '700m' }), container('j', { cpu: '1' })],
    },
    1000,
  ],
  [
    'a sidecar adds to the sum and to later init containers',
    {
      containers: [container('a', { cpu: '100m' })],
      initContainers: [
        container('side', { cpu: '300m' }, { restartPolicy: 'Always' }),
        container('i', { cpu: '500m' }),
      ],
    },
    800,
  ],
  ['overhead comes on top', { containers: [container('a', { cpu: '100m' })], overhead: { cpu: '50m' } }, 150],
  [
    'pod-level requests replace the sum',
    { containers: [container('a', { cpu: '100m' })], resources: { requests: { cpu: '2' } } },
    2000,
  ],
])('%s', (_name, spec, cpu) => {
  expect(requestOf(requests(spec), Dimension.Cpu)).toBe(cpu);
});

test('containers without requests weigh something in scores and nothing in filters', () => {
  const { dimensions, nonzeroCpu, nonzeroMemory } = requests({ containers: [{ name: 'a', image: 'i' }] });
  expect(dimensions).toEqual([]);
  expect([nonzeroCpu, nonzeroMemory]).toEqual([100, 200 * 1024 * 1024]);
});

test('extended resources have dimensions of their own', () => {
  const gpu = dimensionOf('example.com/gpu');
  expect(requestOf(requests({ containers: [container('a', { 'example.com/gpu': '2' })] }), gpu)).toBe(2);
});

test('while a resize is under way the larger of the two counts', () => {
  const pod = makePod('p', { containers: [container('c', { cpu: '1' })] });
  pod.status = {
    containerStatuses: [
      {
        name: 'c',
        image: 'i',
        imageID: '',
        ready: true,
        restartCount: 0,
        resources: { requests: { cpu: '3' } },
        allocatedResources: { cpu: '2' },
      },
    ],
  };
  expect(requestOf(podRequests(pod), Dimension.Cpu)).toBe(3000);
  pod.spec!.containers = [container('c', { cpu: '5' })];
  expect(requestOf(podRequests(pod), Dimension.Cpu)).toBe(5000);
  pod.status.conditions = [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }];
  expect(requestOf(podRequests(pod), Dimension.Cpu)).toBe(3000);
});
