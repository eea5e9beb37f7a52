/** The scheduling queue under a virtual clock: order, back-off, gates, and what moves a waiting pod. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '../../src/runtime/index.ts';
import {
  Action,
  type EventRegistration,
  events,
  makePodInfo,
  NodeTable,
  type PodInfo,
  SchedulingQueue,
  unresolvable,
  type Verdict,
} from '../../src/scheduling/index.ts';
import { makePod, type PodShape } from '../support/scheduling.ts';

const table = new NodeTable();
const infoOf = (name: string, shape: PodShape = {}): PodInfo => makePodInfo(makePod(name, shape), table.index);
const none = new Set<string>();
const fit = new Set(['Fit']);

let clock: VirtualClock;
let queue: SchedulingQueue;
let registrations: Record<string, EventRegistration[]>;
let gate: (info: PodInfo) => Verdict | undefined;

beforeEach(() => {
  clock = new VirtualClock();
  registrations = {
    Fit: [{ resource: 'AssignedPod', action: Action.Delete }],
    Picky: [
      { resource: 'Node', action: Action.Add, hint: (_info, _previous, current) => current?.metadata?.name === 'good' },
    ],
  };
  gate = () => undefined;
  queue = new SchedulingQueue({
    clock,
    less: (a, b) => a.info.priority > b.info.priority,
    preEnqueue: (info) => gate(info),
    registrations: (_info, plugin) => registrations[plugin],
    initialBackoffMs: 1000,
    maxBackoffMs: 10_000,
    onReady: () => {},
  });
});

afterEach(() => queue.close());

const popName = () => queue.pop()?.info.name;
const deletion = () => queue.move(events.assignedPodDelete, makePod('gone'), undefined);

test('higher priority first, ties in the order of arrival', () => {
  queue.add(infoOf('a'));
  queue.add(infoOf('b'));
  queue.add(infoOf('urgent', { priority: 10 }));
  queue.add(infoOf('c'));
  expect([popName(), popName(), popName(), popName(), popName()]).toEqual(['urgent', 'a', 'b', 'c', undefined]);
});

test('a rejected pod waits for an event that its plugin registered', () => {
  queue.add(infoOf('p'));
  queue.addUnschedulable(queue.pop()!, fit, none);
  expect(queue.sizes()).toMatchObject({ active: 0, backoff: 0, unschedulable: 1 });
  queue.move(events.nodeAdd, undefined, makePod('n'));
  expect(queue.sizes().unschedulable).toBe(1);
  deletion();
  expect(queue.sizes()).toMatchObject({ backoff: 1, unschedulable: 0 });
});

test('a hint decides by the object', () => {
  queue.add(infoOf('p'));
  queue.addUnschedulable(queue.pop()!, new Set(['Picky']), none);
  queue.move(events.nodeAdd, undefined, { metadata: { name: 'bad' } });
  expect(queue.ready).toBe(false);
  queue.move(events.nodeAdd, undefined, { metadata: { name: 'good' } });
  expect(queue.ready).toBe(true);
});

test('of an event that helps only those who name a claim, nobody else is asked', () => {
  const asked: string[] = [];
  registrations['Devices'] = [
    {
      resource: 'ResourceClaim',
      action: Action.Add | Action.Update,
      claimKey: (_previous, current) =>
        current?.metadata?.name === 'any' ? undefined : `default/${current?.metadata?.name}`,
      hint: (info) => asked.push(info.name) > 0,
    },
  ];
  for (const name of ['a', 'b', 'c']) {
    queue.add(infoOf(name, { resourceClaims: [{ name: 'd', resourceClaimName: `of-${name}` }] }));
    queue.addUnschedulable(queue.pop()!, new Set(['Devices']), none);
  }
  const claimEvent = { resource: 'ResourceClaim', action: Action.Update, label: 'ResourceClaimUpdate' } as const;
  queue.move(claimEvent, undefined, { metadata: { name: 'of-nobody' } });
  expect(asked).toEqual([]);
  queue.move(claimEvent, undefined, { metadata: { name: 'of-b' } });
  expect(asked).toEqual(['b']);
  expect(queue.sizes()).toMatchObject({ backoff: 1, unschedulable: 2 });
  queue.move(claimEvent, undefined, { metadata: { name: 'any' } });
  expect(asked).toEqual(['b', 'a', 'c']);
});

test('an idle scheduler cuts back-off short, but not after errors', () => {
  queue.add(infoOf('p'));
  queue.addUnschedulable(queue.pop()!, fit, none);
  deletion();
  expect(popName()).toBe('p');
  queue.done('uid-default-p');

  queue.add(infoOf('q'));
  queue.addUnschedulable(queue.pop()!, none, none);
  expect(queue.sizes().backoff).toBe(1);
  expect(queue.ready).toBe(false);
});

test('back-off after errors doubles up to its limit', () => {
  queue.add(infoOf('p'));
  const delays: number[] = [];
  for (let i = 0; i < 6; i++) {
    const pod = queue.pop()!;
    queue.addUnschedulable(pod, none, none);
    delays.push(pod.backoffUntilMs - clock.now());
    queue.activate(pod.info.uid);
  }
  expect(delays).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
});

test('events that come while a pod is attempted are not missed', () => {
  queue.add(infoOf('p'));
  const pod = queue.pop()!;
  deletion();
  queue.addUnschedulable(pod, fit, none);
  expect(queue.sizes()).toMatchObject({ unschedulable: 0, backoff: 1 });
});

test('events from before the attempt do not count', () => {
  queue.add(infoOf('other'));
  queue.add(infoOf('p'));
  const other = queue.pop()!;
  deletion();
  const pod = queue.pop()!;
  queue.addUnschedulable(pod, fit, none);
  expect(queue.sizes().unschedulable).toBe(1);
  queue.addUnschedulable(other, fit, none);
  expect(queue.sizes()).toMatchObject({ unschedulable: 1, backoff: 1 });
});

test('a pod that waits for something outside goes to active at once', () => {
  queue.add(infoOf('p'));
  queue.addUnschedulable(queue.pop()!, none, fit);
  deletion();
  expect(queue.sizes()).toMatchObject({ active: 1, backoff: 0 });
});

test('a gated pod is let in only by an event of the gating plugin', () => {
  registrations['Gate'] = [{ resource: 'TargetPod', action: Action.UpdatePodSchedulingGatesEliminated }];
  gate = () => ({ ...unresolvable('gated'), plugin: 'Gate' });
  queue.add(infoOf('p'));
  expect(queue.sizes()).toMatchObject({ active: 0, gated: 1 });
  gate = () => undefined;
  deletion();
  expect(queue.sizes().gated).toBe(1);
  const event = { resource: 'TargetPod', action: Action.UpdatePodSchedulingGatesEliminated, label: 'x' } as const;
  queue.update(infoOf('p'), makePod('p'), [event]);
  expect(queue.sizes()).toMatchObject({ active: 1, gated: 0 });
});

test('a gate is asked again in the end, even when nothing happens', async () => {
  gate = () => ({ ...unresolvable('gated'), plugin: 'Gate' });
  queue.add(infoOf('p'));
  gate = () => undefined;
  await clock.advance(299_000);
  expect(queue.sizes().gated).toBe(1);
  await clock.advance(60_000);
  expect(queue.sizes()).toMatchObject({ active: 1, gated: 0 });
});

test('a deleted pod is nowhere, also while it is attempted', () => {
  queue.add(infoOf('a'));
  queue.add(infoOf('b'));
  queue.delete('uid-default-b');
  expect([popName(), popName()]).toEqual(['a', undefined]);
  queue.delete('uid-default-a');
  expect(queue.get('uid-default-a')).toBeUndefined();
});

test('tells which queue each pod enters, and why', async () => {
  const told: string[] = [];
  const clock = new VirtualClock();
  const telling = new SchedulingQueue({
    clock,
    less: () => false,
    preEnqueue: (info) => (info.name === 'gated' ? { ...unresolvable('no'), plugin: 'Gate' } : undefined),
    registrations: () => [{ resource: 'Node', action: Action.Add }],
    initialBackoffMs: 1000,
    maxBackoffMs: 10_000,
    onReady: () => {},
    onIncoming: (queue, event) => told.push(`${queue} ${event}`),
  });
  telling.add(infoOf('gated'));
  telling.add(infoOf('p'));
  telling.addUnschedulable(telling.pop()!, fit, none);
  telling.move(events.nodeAdd, undefined, undefined);
  await clock.advance(1500);
  telling.addUnschedulable(telling.pop()!, none, none);
  expect(told).toEqual([
    'gated UnscheduledPodAdd',
    'active UnscheduledPodAdd',
    'unschedulable ScheduleAttemptFailure',
    'gated NodeAdd',
    'backoff NodeAdd',
    'active BackoffComplete',
    'backoff ScheduleAttemptFailure',
  ]);
  telling.close();
});
