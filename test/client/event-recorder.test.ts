/** Events as components record them, in a real server under virtual time: counts, series, both API groups, and their end. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apiserverActor } from '../../actors/apiserver/index.ts';
import { storeActor } from '../../actors/store/index.ts';
import {
  type Client,
  coreEvents,
  createBusClient,
  createEventRecorder,
  createSeriesRecorder,
  EventSink,
  events,
} from '../../src/client/index.ts';
import { type Probe, startProbe } from './probe.ts';

let probe: Probe;
let client: Client;
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', uid: 'one', resourceVersion: '7' },
};

beforeEach(async () => {
  probe = await startProbe();
  await probe.system.start({ definition: storeActor });
  await probe.system.start({ definition: apiserverActor, options: { eventTtlSeconds: 1800 } });
  client = createBusClient(
    probe.system.connect('recorder', { user: 'recorder', groups: ['system:masters'], userAgent: 'recorder' }).bus,
  );
});
afterEach(() => probe.system.stop());

const core = async () => (await client.list(coreEvents, { namespace: 'default' })).items;
const isolated = async () => (await client.list(events, { namespace: 'default' })).items;

describe('an event recorder', () => {
  it('counts what repeats, keeps when it began, and combines what is similar', async () => {
    const recorder = createEventRecorder(client, probe.context, { component: 'tester', host: 'node-1' });
    for (let at = 0; at < 3; at++) {
      recorder.event(pod, 'Warning', 'Failed', 'no luck');
      await probe.system.advance(60_000);
    }
    const [event, ...others] = await core();
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      involvedObject: {
        kind: 'Pod',
        namespace: 'default',
        name: 'web',
        uid: 'one',
        apiVersion: 'v1',
        resourceVersion: '7',
      },
      reason: 'Failed',
      message: 'no luck',
      source: { component: 'tester', host: 'node-1' },
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:02:00Z',
      count: 3,
      type: 'Warning',
      reportingComponent: 'tester',
      reportingInstance: 'node-1',
    });
    expect(event?.metadata?.name).toMatch(/^web\.[0-9a-f]+$/);
    for (let at = 0; at < 11; at++) recorder.event(pod, 'Warning', 'Other', `cause ${at}`);
    await probe.system.settled();
    const combined = (await core()).filter(({ message }) => message?.startsWith('(combined'));
    expect(combined.map(({ message, count }) => [message, count])).toEqual([
      ['(combined from similar events): cause 10', 2],
    ]);
  });

  it('shows its events in both API groups, and they end with their lease', async () => {
    createEventRecorder(client, probe.context, { component: 'tester' }).event(pod, 'Normal', 'Begun', 'at last');
    await probe.system.settled();
    expect(await isolated()).toMatchObject([
      {
        apiVersion: 'events.k8s.io/v1',
        regarding: { kind: 'Pod', name: 'web' },
        note: 'at last',
        deprecatedCount: 1,
        deprecatedSource: { component: 'tester' },
        reportingController: 'tester',
      },
    ]);
    await probe.system.advance(1_790_000);
    expect(await core()).toHaveLength(1);
    await probe.system.advance(90_000);
    expect([await core(), await isolated()]).toEqual([[], []]);
  });

  it('makes a series of what repeats, and writes the end of it', async () => {
    const recorder = createSeriesRecorder(client, probe.context, { component: 'scheduler', host: 'a' });
    const tell = () => recorder.event(pod, 'Warning', 'FailedScheduling', 'no room', { action: 'Scheduling' });
    tell();
    await probe.system.settled();
    expect((await isolated())[0]).not.toHaveProperty('series');
    await probe.system.advance(10_000);
    tell();
    await probe.system.advance(10_000);
    expect((await isolated())[0]?.series).toEqual({ count: 2, lastObservedTime: '2026-01-01T00:00:10.000000Z' });
    tell();
    await probe.system.settled();
    // The third is told of when the series is over, six minutes after the last.
    expect((await isolated())[0]?.series?.count).toBe(2);
    await probe.system.advance(900_000);
    expect((await isolated())[0]?.series).toEqual({ count: 3, lastObservedTime: '2026-01-01T00:00:20.000000Z' });
    tell();
    await probe.system.settled();
    expect(await isolated()).toHaveLength(2);
    expect((await core())[0]).toMatchObject({
      message: 'no room',
      reportingComponent: 'scheduler',
      action: 'Scheduling',
    });
  });

  it('writes through a sink that it shares with others, all of them together so many at a time', async () => {
    const sink = new EventSink(probe.context, { writesMax: 2 });
    let open = 0;
    let most = 0;
    const slow: Client = {
      ...client,
      create: async (...request) => {
        most = Math.max(most, ++open);
        return await client.create(...request).finally(() => open--);
      },
    };
    for (const host of ['a', 'b', 'c']) {
      createEventRecorder(slow, probe.context, { component: 'kubelet', host, sink }).event(pod, 'Normal', host, 'told');
    }
    await probe.system.settled();
    expect(most).toBe(2);
    expect((await core()).map(({ reason }) => reason).sort()).toEqual(['a', 'b', 'c']);
  });

  it('writes so many at once and so many a second, in their order, when it is told so', async () => {
    const pace = { perSecond: 10, burst: 3 };
    const recorder = createSeriesRecorder(client, probe.context, { component: 'scheduler', pace, queueMax: 20 });
    for (let at = 0; at < 40; at++) recorder.event(pod, 'Normal', 'Scheduled', `number ${at}`);
    const notes = async () => (await isolated()).map(({ note }) => Number(note?.split(' ')[1])).sort((a, b) => a - b);
    await probe.system.settled();
    expect(await notes()).toEqual([0, 1, 2]);
    await probe.system.advance(1_000);
    const soon = (await notes()).length;
    expect(soon).toBeGreaterThan(10);
    expect(soon).toBeLessThanOrEqual(13);
    // What did not fit into the queue is gone for good.
    await probe.system.advance(60_000);
    expect(await notes()).toEqual(Array.from({ length: 23 }, (_, at) => at));
  });

  it('begins a new event when the object has changed, or there is another thing to say', async () => {
    const recorder = createSeriesRecorder(client, probe.context, { component: 'scheduler' });
    const tell = (resourceVersion: string, note: string) => {
      const changed = { ...pod, metadata: { ...pod.metadata, resourceVersion } };
      recorder.event(changed, 'Warning', 'FailedScheduling', note, { action: 'Scheduling' });
    };
    tell('1', 'no claim');
    tell('2', 'no claim');
    tell('2', 'no volume');
    tell('2', 'no volume');
    await probe.system.settled();
    const told = (await isolated()).map(({ note, series }) => `${note} ${series?.count ?? 1}`);
    expect(told.sort()).toEqual(['no claim 1', 'no claim 1', 'no volume 2']);
  });

  it('writes a series anew whose event is gone', async () => {
    const recorder = createSeriesRecorder(client, probe.context, { component: 'scheduler' });
    const tell = () => recorder.event(pod, 'Warning', 'FailedScheduling', 'no room', { action: 'Scheduling' });
    tell();
    tell();
    await probe.system.settled();
    const [event] = await isolated();
    await client.delete(events, { namespace: 'default', name: event?.metadata?.name ?? '' });
    tell();
    await probe.system.advance(900_000);
    expect(await isolated()).toMatchObject([
      { metadata: { name: event?.metadata?.name }, note: 'no room', series: { count: 3 } },
    ]);
  });
});
