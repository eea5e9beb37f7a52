/** What is recorded of attempts, and that it stays bounded. */
import { expect, test } from 'vitest';
import { ActorMetrics } from '../../src/runtime/index.ts';
import { Explanations } from '../../src/scheduling/index.ts';
import { makeNode, makePod, makeScheduler } from '../support/scheduling.ts';

function world(recording: boolean) {
  const explanations = new Explanations(recording, { podsMax: 2, attemptsMax: 1, nodesMax: 2 });
  const made = makeScheduler({ explanations });
  made.addNodes(makeNode('a', {}, { unschedulable: true }), makeNode('b'), makeNode('c'), makeNode('d'));
  return { ...made, explanations };
}

test('a placed pod: who was refused, who fits, and which plugin gave what', () => {
  const { addPods, run, explanations, scheduler } = world(true);
  addPods(makePod('p', { requests: { cpu: '1', memory: '1Gi' } }));
  const nodeName = run().get('p');
  const [attempt] = explanations.answer({ name: 'p' }).attempts;
  expect(attempt).toMatchObject({ nodeName, nodesTotal: 4, nodesLookedAt: 4, nodesFitting: 3 });
  expect(attempt?.refusals).toEqual([{ plugin: 'NodeUnschedulable', reason: 'node(s) were unschedulable', nodes: 1 }]);
  expect(attempt?.nodes).toHaveLength(3);
  expect(attempt?.nodes[0]?.node).toBe(nodeName);
  expect(attempt?.nodes[0]?.scores?.map(({ plugin }) => plugin)).toContain('NodeResourcesFit');
  expect(attempt?.nodes[2]).toEqual({
    node: 'a',
    plugin: 'NodeUnschedulable',
    reasons: ['node(s) were unschedulable'],
  });
  scheduler.stop();
});

test('a pod that fits nowhere: the message and the reasons', () => {
  const { addPods, run, explanations, scheduler } = world(true);
  addPods(makePod('p', { requests: { cpu: '9' } }));
  run();
  const [attempt] = explanations.answer({ name: 'p' }).attempts;
  expect(attempt?.nodeName).toBeUndefined();
  expect(attempt?.message).toMatch(/^0\/4 nodes are available: 1 node\(s\) were unschedulable, 3 Insufficient cpu\./);
  expect(attempt?.refusals[0]).toEqual({ plugin: 'NodeResourcesFit', reason: 'Insufficient cpu', nodes: 3 });
  scheduler.stop();
});

test('nothing is recorded while it is off, and old pods make room', () => {
  const { addPods, run, explanations, scheduler } = world(false);
  addPods(makePod('early'));
  run();
  expect(explanations.answer({ name: 'early' })).toEqual({ recording: false, attempts: [] });
  expect(explanations.answer({ record: true }).recording).toBe(true);
  addPods(makePod('one'), makePod('two'), makePod('three'));
  run();
  const recorded = ['one', 'two', 'three'].map((name) => explanations.answer({ name }).attempts.length);
  expect(recorded).toEqual([0, 1, 1]);
  expect(explanations.answer({ record: false, name: 'three' }).attempts).toEqual([]);
  scheduler.stop();
});

test('recording changes no decision', () => {
  const placed = [true, false].map((recording) => {
    const { addPods, run, scheduler } = world(recording);
    for (let i = 0; i < 12; i++) addPods(makePod(`p${i}`, { requests: { cpu: '500m' } }));
    const outcome = [...run()];
    scheduler.stop();
    return outcome;
  });
  expect(placed[0]).toEqual(placed[1]);
});

/** A gang of three pods over nodes that take one each, and what was recorded and counted of its attempt. */
async function attemptGang(nodeCount: number) {
  const explanations = new Explanations(true);
  const metrics = new ActorMetrics();
  const group = {
    metadata: { name: 'gang', namespace: 'default' },
    spec: { schedulingPolicy: { gang: { minCount: 3 } } },
  };
  const { addNodes, addPods, run, scheduler } = makeScheduler({
    explanations,
    metrics,
    featureGates: { GenericWorkload: true, GangScheduling: true },
    objects: { podgroups: [group] },
  });
  for (let i = 0; i < nodeCount; i++) addNodes(makeNode(`n${i}`, {}, {}, { cpu: '1' }));
  const schedulingGroup = { podGroupName: 'gang' };
  addPods(...['a', 'b', 'c'].map((name) => makePod(name, { schedulingGroup, requests: { cpu: '1' } })));
  run();
  // The attempt of a group is not synchronous.
  await expect.poll(() => explanations.answer({ name: 'c' }).attempts.length, { timeout: 60_000 }).toBe(1);
  const results = metrics
    .snapshot()
    .filter(({ name }) => name === 'scheduler_podgroup_schedule_attempts_total')
    .map(({ labels, values }) => [labels['result'], values[0]]);
  scheduler.stop();
  return { of: (name: string) => explanations.answer({ name }).attempts[0]!, results };
}

test('pods of a gang that was placed: each with the nodes that the others had left', async () => {
  const { of, results } = await attemptGang(3);
  expect(new Set(['a', 'b', 'c'].map((name) => of(name).nodeName)).size).toBe(3);
  expect(['a', 'b', 'c'].map((name) => of(name).nodesFitting)).toEqual([3, 2, 1]);
  expect(of('c').refusals).toEqual([{ plugin: 'NodeResourcesFit', reason: 'Insufficient cpu', nodes: 2 }]);
  expect(results).toEqual([['scheduled', 1]]);
});

test('pods of a gang that does not fit as a whole: what they would have got, and what the gang waits for', async () => {
  const { of, results } = await attemptGang(2);
  const waiting = 'waiting for minCount pods from a gang to be scheduled';
  expect(of('a')).toMatchObject({ message: waiting, nodesFitting: 2 });
  expect(of('a').nodeName).toBeUndefined();
  expect(of('a').nodes[0]?.scores?.length).toBeGreaterThan(0);
  expect(of('c').message).toMatch(/^0\/2 nodes are available: 2 Insufficient cpu\./);
  expect(results).toEqual([['unschedulable', 1]]);
});
