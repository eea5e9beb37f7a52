/** What pods cost under a quota, above all while their containers are being resized. */
import { expect, it } from 'vitest';
import type { ContainerStatus, Pod, PodCondition } from '../../src/api/index.ts';
import { quotaUsageOf } from '../../src/controller/index.ts';

const usage = (pod: Pod) => quotaUsageOf('pods', pod as object, 0);
const resources = (cpu: string) => ({ requests: { cpu }, limits: { cpu } });
function resized(asked: string, given: string, running: string, conditions: PodCondition[] = []): Pod {
  const state = { name: 'c', image: 'i', imageID: 'i', ready: true, restartCount: 0 };
  const status: ContainerStatus = { ...state, allocatedResources: { cpu: given }, resources: resources(running) };
  return {
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'c', image: 'i', resources: resources(asked) }] },
    status: { phase: 'Running', containerStatuses: [status], conditions },
  };
}

it('counts what containers ask for, and what runs before them as far as it is more', () => {
  const containers = ['1', '500m'].map((cpu, at) => ({ name: `c${at}`, image: 'i', resources: resources(cpu) }));
  const init = { name: 'i', image: 'i', resources: resources('2') };
  expect(usage({ spec: { containers } })).toEqual({
    'count/pods': '1',
    pods: '1',
    cpu: '1500m',
    'requests.cpu': '1500m',
    'limits.cpu': '1500m',
  });
  expect(usage({ spec: { containers, initContainers: [init] } })).toMatchObject({ cpu: '2', 'limits.cpu': '2' });
});

it('counts a container that is made smaller as it was until it is smaller', () => {
  expect(usage(resized('1', '2', '2'))).toMatchObject({ 'requests.cpu': '2', 'limits.cpu': '2' });
  expect(usage(resized('1', '1', '2'))).toMatchObject({ 'requests.cpu': '2', 'limits.cpu': '2' });
  expect(usage(resized('1', '1', '1'))).toMatchObject({ 'requests.cpu': '1', 'limits.cpu': '1' });
});

it('counts a container that is to be larger at once, but not when its node cannot give it that', () => {
  expect(usage(resized('4', '2', '2'))).toMatchObject({ 'requests.cpu': '4', 'limits.cpu': '4' });
  const pending = (reason: string): PodCondition => ({ type: 'PodResizePending', status: 'True', reason });
  expect(usage(resized('4', '2', '2', [pending('Deferred')]))).toMatchObject({ 'requests.cpu': '4' });
  expect(usage(resized('4', '2', '2', [pending('Infeasible')]))).toMatchObject({
    'requests.cpu': '2',
    'limits.cpu': '2',
  });
});

it('counts a pod that has ended as an object and no more', () => {
  const ended = { ...resized('1', '1', '1'), status: { phase: 'Succeeded' } };
  expect(usage(ended)).toEqual({ 'count/pods': '1' });
});
