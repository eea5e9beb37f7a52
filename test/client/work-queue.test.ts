import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WorkQueue } from '../../src/client/index.ts';
import { type Probe, startProbe } from './probe.ts';

describe('WorkQueue', () => {
  let probe: Probe;
  let queue: WorkQueue;
  let handled: [key: string, atMs: number][];
  let startedMs: number;
  const record = (key: string) => handled.push([key, probe.context.clock.monotonic() - startedMs]);

  beforeEach(async () => {
    probe = await startProbe();
    const { clock, metrics, activity } = probe.context;
    queue = new WorkQueue({ name: 'test', clock, metrics, activity });
    handled = [];
    startedMs = clock.monotonic();
  });
  afterEach(() => probe.system.stop());

  it('handles keys in order, each once however often it was added before', async () => {
    queue.run(1, async (key) => void record(key));
    for (const key of ['b', 'a', 'b', 'b']) queue.add(key);
    expect(queue.length).toBe(2);
    await probe.system.settled();
    expect(handled.map(([key]) => key)).toEqual(['b', 'a']);
  });

  it('never handles a key twice at once, and handles it again when it was added meanwhile', async () => {
    let running = 0;
    let most = 0;
    queue.run(4, async (key) => {
      record(key);
      most = Math.max(most, ++running);
      await probe.context.clock.sleep(100);
      running--;
    });
    queue.add('a');
    probe.context.clock.after(50, () => queue.add('a'));
    await probe.system.settled();
    expect(handled).toEqual([
      ['a', 0],
      ['a', 100],
    ]);
    expect(most).toBe(1);
  });

  it('handles as many keys at once as it has workers', async () => {
    queue.run(2, async (key) => {
      record(key);
      await probe.context.clock.sleep(10);
    });
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await probe.system.settled();
    expect(handled).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', 10],
    ]);
  });

  it('brings a failing key back after 5 ms, doubling, until it is forgotten', async () => {
    queue.run(1, async (key) => {
      record(key);
      if (handled.length < 4) queue.addRateLimited(key);
      else queue.forget(key);
    });
    queue.add('a');
    await probe.system.settled();
    expect(handled.map(([, atMs]) => atMs)).toEqual([0, 5, 15, 35]);
    expect(queue.retries('a')).toBe(0);
  });

  it('keeps the earliest of several delays', async () => {
    queue.run(1, async (key) => void record(key));
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 10);
    queue.addAfter('a', 500);
    await probe.system.settled();
    expect(handled).toEqual([['a', 10]]);
  });

  it('does not keep settled() waiting for a background delay', async () => {
    queue.run(1, async (key) => void record(key));
    queue.addAfter('a', 60_000, { background: true });
    await probe.system.settled();
    expect(handled).toEqual([]);
    await probe.system.advance(60_000);
    await probe.system.settled();
    expect(handled).toEqual([['a', 60_000]]);
  });

  it('drops what is queued when it is stopped, and lets settled() resolve', async () => {
    queue.add('a');
    queue.addAfter('b', 10);
    queue.stop();
    queue.run(1, async (key) => void record(key));
    queue.add('c');
    await probe.system.settled();
    expect(handled).toEqual([]);
  });

  it('says in its metrics how long the keys in work have been so', async () => {
    queue.run(2, async (key) => {
      await probe.context.clock.sleep(key === 'slow' ? 5_000 : 3_000);
    });
    queue.add('slow');
    queue.add('quick');
    await probe.system.advance(2_000);
    const metric = (name: string) =>
      Number(new RegExp(`^workqueue_${name}\\{name="test"\\} (.*)$`, 'm').exec(probe.context.metrics.text())?.[1]);
    expect(metric('unfinished_work_seconds')).toBeCloseTo(4, 1);
    expect(metric('longest_running_processor_seconds')).toBeCloseTo(2, 1);
    await probe.system.settled();
    expect(metric('unfinished_work_seconds')).toBe(0);
    expect(metric('adds_total')).toBe(2);
  });
});
