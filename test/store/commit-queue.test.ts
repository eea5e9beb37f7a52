/** Group commit over a log that the test holds up and breaks. */
import { expect, test } from 'vitest';
import { VirtualClock } from '../../src/runtime/index.ts';
import { openLocalStore } from '../../src/store/local-store.ts';
import type { Log, LogBatch } from '../../src/store/log.ts';
import { MemoryLog } from '../../src/store/memory-log.ts';
import { put, watched, write } from './store-contract.ts';

/** A memory log that takes its time: each append waits until it is let go, or told to fail. */
class SlowLog extends MemoryLog implements Log {
  readonly sizes: number[] = [];
  #waiting: (() => void)[] = [];
  failure: Error | undefined;

  override append(batch: LogBatch): never {
    this.sizes.push(batch.records.length);
    const done = new Promise<void>((resolve, reject) => {
      this.#waiting.push(() => {
        if (this.failure !== undefined) return reject(this.failure);
        super.append(batch);
        resolve();
      });
    });
    return done as never;
  }

  letGo(): Promise<void> {
    for (const each of this.#waiting.splice(0)) each();
    return new Promise((resolve) => setImmediate(resolve));
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('writes of a turn share a batch, and so do those that arrive while the log is busy', async () => {
  const log = new SlowLog();
  const store = await openLocalStore(log, { clock: new VirtualClock(), group: 'turn' });
  const done: number[] = [];
  const start = (n: number): void => void write(store, `/${n}`, '').then(() => done.push(n));
  for (let n = 0; n < 3; n++) start(n);
  await turn();
  expect(log.sizes).toEqual([3]);
  for (let n = 3; n < 8; n++) start(n);
  await turn();
  expect([log.sizes, done]).toEqual([[3], []]);
  await log.letGo();
  expect([log.sizes, done]).toEqual([
    [3, 5],
    [0, 1, 2],
  ]);
  await log.letGo();
  expect(done).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('readers and watches see nothing that is not durable, while transactions build on it', async () => {
  const log = new SlowLog();
  const store = await openLocalStore(log, { clock: new VirtualClock() });
  const watch = watched(store, { prefix: '' });
  const first = write(store, '/a', '1');
  const race = store.txn({
    compare: [{ key: '/a', target: 'create', operator: '=', operand: 0 }],
    success: [put('/a', '2')],
    failure: [{ type: 'range', key: '/a' }],
  });
  let lost = false;
  void race.then(() => {
    lost = true;
  });
  await turn();
  expect(await store.range({ key: '/a' })).toMatchObject({ revision: 1, count: 0 });
  await expect(store.range({ key: '/a', revision: 2 })).rejects.toMatchObject({ code: 'FutureRevision' });
  expect([watch.lines, lost, (await store.status()).pendingTxns]).toEqual([[], false, 2]);
  await log.letGo();
  expect(await first).toBe(2);
  expect(await race).toMatchObject({ succeeded: false, revision: 2, results: [{ count: 1 }] });
  expect(watch.lines).toEqual(['put /a=1@2']);
});

test('a log that fails ends the store: nobody is told that his write was kept', async () => {
  const log = new SlowLog();
  const failures: unknown[] = [];
  const store = await openLocalStore(log, { clock: new VirtualClock(), onFailed: (error) => failures.push(error) });
  const watch = watched(store, { prefix: '' });
  const first = write(store, '/a', '1');
  await turn();
  const second = write(store, '/b', '1');
  log.failure = new Error('no space left on device');
  const refused = Promise.allSettled([first, second]);
  await log.letGo();
  for (const outcome of await refused) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'Failed' } });
  }
  expect(failures).toMatchObject([
    { code: 'Failed', message: 'the log could not be written: no space left on device' },
  ]);
  expect(watch.error).toMatchObject({ code: 'Failed' });
  expect(watch.lines).toEqual([]);
  await expect(write(store, '/c', '1')).rejects.toMatchObject({ code: 'Failed' });
  await expect(store.range({ key: '/a' })).rejects.toMatchObject({ code: 'Failed' });
  await store.close();
});

test('more waiting writes than the bound are refused, and accepted again when the log has caught up', async () => {
  const log = new SlowLog();
  const store = await openLocalStore(log, { clock: new VirtualClock(), limits: { pendingBytesMax: 1000 } });
  const accepted = [1, 2, 3].map((n) => write(store, `/${n}`, 'x'.repeat(400)));
  await expect(write(store, '/4', '')).rejects.toMatchObject({ code: 'Overloaded' });
  await turn();
  await log.letGo();
  expect(await Promise.all(accepted)).toEqual([2, 3, 4]);
  const later = write(store, '/4', '');
  await turn();
  await log.letGo();
  expect(await later).toBe(5);
});
