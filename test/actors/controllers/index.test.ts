/** The list of controllers, and what the build makes of it. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { controllerActorFor, controllers } from '../../../actors/controllers/index.ts';
import { controllerActorOf } from '../../../src/controller/index.ts';
import { builtModule } from '../../../src/runtime/modules.ts';

test('the build has a bundle of its own for every controller', () => {
  const missing = controllers
    .map(({ name }) => fileURLToPath(builtModule(controllerActorFor(name).module)))
    .filter((path) => !existsSync(path));
  expect(missing).toEqual([]);
});

test('two controllers of one name are a mistake', () => {
  const [one] = controllers;
  expect(() => controllerActorOf({ definitions: [one!, one!], module: '' })).toThrow(
    'two controllers are called "namespace-controller": names must be unique',
  );
});

test('metrics of work queues carry upstream’s names of queues', () => {
  const queues = new Map(controllers.map(({ name, queue }) => [name, queue]));
  const named = (name: string) => queues.get(`${name}-controller`);
  expect(named('deployment')).toBe('deployment');
  expect(named('replicationcontroller')).toBe('replicationmanager');
  expect(named('endpointslice')).toBe('endpoint_slice');
  expect(named('garbage-collector')).toBe('garbage_collector_attempt_to_delete');
  expect(named('taint-eviction')).toBe('noexec_taint_node');
  expect(named('service-cidr')).toBe('ipaddresses');
  const further = (name: string) =>
    controllers.find((controller) => controller.name === `${name}-controller`)?.queues?.map((queue) => queue.name);
  expect(further('garbage-collector')).toEqual(['garbage_collector_attempt_to_orphan']);
  expect(further('disruption')).toEqual(['stale_pod_disruption']);
  expect(further('job')).toEqual(['job_orphan_pod']);
  expect(further('taint-eviction')).toEqual(['noexec_taint_pod']);
  expect(further('persistentvolume-binder')).toEqual(['volumes']);
  // These work off no queue upstream, or are of our own.
  expect(controllers.filter(({ queue }) => queue === undefined).map(({ name }) => name)).not.toContain(
    'job-controller',
  );
});
