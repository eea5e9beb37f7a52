/** Random transactions, ranges, watches, compactions and reopenings: the store does what a naive model does. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { VirtualClock } from '../../src/runtime/index.ts';
import { isStoreError, type Operation, openStore, type Store, type StoreOptions } from '../../src/store/index.ts';
import { put, text, type Watched, watched } from './store-contract.ts';
import { StoreModel } from './store-model.ts';

const keys = ['/a', '/a/1', '/a/2', '/a/2/x', '/a0', '/b/1', '/b/2', '/c'];
const prefixes = ['', '/', '/a', '/a/', '/a/2', '/b/', '/zzz'];
const key = fc.constantFrom(...keys);
const prefix = fc.constantFrom(...prefixes);
/** A point between the compact revision (or a little before) and the newest (or a little after). */
const when = fc.integer({ min: 0, max: 1000 }).map((thousandths) => thousandths / 1000);

const command = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('txn' as const),
      writes: fc.uniqueArray(fc.record({ key, value: fc.option(fc.string({ maxLength: 40 }), { nil: undefined }) }), {
        selector: (write) => write.key,
        maxLength: 4,
      }),
      guard: fc.option(fc.record({ key, isRight: fc.boolean() }), { nil: undefined }),
      isAwaited: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('deletePrefix' as const), prefix: fc.constantFrom('/a/', '/b/', '/zzz') }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('range' as const), prefix, when, limit: fc.nat({ max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('watch' as const), prefix, when }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), when }) },
  { weight: 2, arbitrary: fc.constant({ do: 'turn' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reopen' as const }) },
);
type Command = typeof command extends fc.Arbitrary<infer Value> ? Value : never;

interface Started {
  readonly watch: Watched;
  readonly prefix: string;
  readonly startRevision: number;
  /** What it has to have been told by the time it was ended by a reopening. */
  endRevision: number | undefined;
}

class Run {
  readonly model = new StoreModel();
  store: Store;
  readonly #open: () => Promise<Store>;
  readonly #canReopen: boolean;
  readonly #pending: Promise<unknown>[] = [];
  readonly #watches: Started[] = [];

  constructor(store: Store, open: () => Promise<Store>, canReopen: boolean) {
    this.store = store;
    this.#open = open;
    this.#canReopen = canReopen;
  }

  async step(command: Command): Promise<void> {
    switch (command.do) {
      case 'txn':
        return this.#txn(command);
      case 'deletePrefix': {
        const gone = [...this.model.at(this.model.revision).keys()].filter((each) => each.startsWith(command.prefix));
        const revision = this.model.commit(gone.map((each) => ({ key: each, value: undefined })));
        const result = await this.store.txn({ success: [{ type: 'delete', prefix: command.prefix }] });
        expect(result).toEqual({ succeeded: true, revision, results: [{ type: 'delete', deleted: gone.length }] });
        return;
      }
      case 'range':
        return this.#range(command);
      case 'watch': {
        const startRevision = Math.max(1, this.#revisionAt(command.when));
        const watch = watched(this.store, { prefix: command.prefix, startRevision });
        this.#watches.push({ watch, prefix: command.prefix, startRevision, endRevision: undefined });
        return;
      }
      case 'compact':
        return this.#compact(command.when);
      case 'turn':
        return setImmediate();
      case 'reopen':
        if (this.#canReopen) await this.#reopen();
    }
  }

  async finish(): Promise<void> {
    await Promise.all(this.#pending);
    for (const started of this.#watches) await this.#check(started);
    const { hash, compactRevision } = await this.store.hash();
    expect(compactRevision).toBe(this.model.compactRevision);
    if (!this.#canReopen) return;
    await this.#reopen();
    expect((await this.store.hash()).hash).toBe(hash);
  }

  async #txn(command: Command & { do: 'txn' }): Promise<void> {
    const { writes, guard } = command;
    const state = this.model.at(this.model.revision);
    const modRevision = guard === undefined ? 0 : (state.get(guard.key)?.modRevision ?? 0);
    const succeeded = guard === undefined || guard.isRight;
    const revision = succeeded ? this.model.commit(writes) : this.model.revision;
    const success = writes.map(
      ({ key: each, value }): Operation => (value === undefined ? { type: 'delete', key: each } : put(each, value)),
    );
    const done = this.store
      .txn({
        compare:
          guard === undefined
            ? []
            : [
                {
                  key: guard.key,
                  target: 'mod',
                  operator: '=',
                  operand: guard.isRight ? modRevision : modRevision + 1,
                },
              ],
        success,
        failure: [{ type: 'range', prefix: '' }],
      })
      .then((result) => {
        expect([result.succeeded, result.revision]).toEqual([succeeded, revision]);
        if (!succeeded) expect((result.results[0] as { count: number }).count).toBe(state.size);
      });
    this.#pending.push(done);
    if (command.isAwaited) await done;
  }

  async #range({ prefix: wanted, when: at, limit }: Command & { do: 'range' }): Promise<void> {
    await Promise.all(this.#pending);
    const revision = this.#revisionAt(at);
    const result = await this.store
      .range({ prefix: wanted, limit, revision })
      .catch((error: unknown) => (isStoreError(error) ? error.code : Promise.reject(error)));
    if (revision > this.model.revision) expect(result).toBe('FutureRevision');
    else if (revision > 0 && revision < this.model.compactRevision) expect(result).toBe('Compacted');
    else {
      const all = [...this.model.at(revision || this.model.revision)].filter(([each]) => each.startsWith(wanted));
      const kvs = (limit > 0 ? all.slice(0, limit) : all).map(([each, { value, ...rest }]) => ({
        key: each,
        value,
        ...rest,
        lease: 0,
      }));
      if (typeof result === 'string') throw new Error(`range at ${revision} failed with ${result}`);
      const found = { ...result, kvs: result.kvs.map((kv) => ({ ...kv, value: text(kv.value) })) };
      expect(found).toEqual({ revision: this.model.revision, kvs, count: all.length, more: kvs.length < all.length });
    }
  }

  async #compact(at: number): Promise<void> {
    await Promise.all(this.#pending);
    const revision = this.#revisionAt(at);
    const result = await this.store.compact(revision).then(
      () => 'done',
      (error: unknown) => (isStoreError(error) ? error.code : Promise.reject(error)),
    );
    if (revision <= this.model.compactRevision) expect(result).toBe('Compacted');
    else if (revision > this.model.revision) expect(result).toBe('FutureRevision');
    else {
      expect(result).toBe('done');
      this.model.compactRevision = revision;
    }
  }

  async #reopen(): Promise<void> {
    await Promise.all(this.#pending);
    for (const started of this.#watches) started.endRevision ??= this.model.revision;
    await this.store.close();
    this.store = await this.#open();
    expect(await this.store.status()).toMatchObject({
      revision: this.model.revision,
      compactRevision: this.model.compactRevision,
      keys: this.model.at(this.model.revision).size,
    });
  }

  /** Every event, once and in order; or a prefix of them and an error that says why there are no more. */
  async #check({ watch, prefix: wanted, startRevision, endRevision }: Started): Promise<void> {
    const expected = this.model.lines(wanted, startRevision);
    if (endRevision === undefined) {
      await watch.until(({ lines, error }) => error !== undefined || lines.length >= expected.length);
    }
    expect(watch.lines).toEqual(expected.slice(0, watch.lines.length));
    if (watch.lines.length < expected.length || watch.error !== undefined) {
      expect(isStoreError(watch.error) && watch.error.code).toBeOneOf(['Compacted', 'Closed']);
    }
    watch.cancel();
  }

  #revisionAt(at: number): number {
    const low = Math.max(0, this.model.compactRevision - 2);
    return low + Math.round(at * (this.model.revision + 1 - low));
  }
}

async function check(commands: readonly Command[], options: Omit<StoreOptions, 'clock'>): Promise<void> {
  const clock = new VirtualClock();
  const open = (): Promise<Store> => openStore({ clock, compaction: false, ...options });
  const run = new Run(await open(), open, options.directory !== undefined);
  try {
    for (const each of commands) await run.step(each);
    await run.finish();
  } finally {
    await run.store.close();
  }
}

const runsMemory = 300;
const runsLevel = 60;

test('in memory', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 60, size: 'max' }), (commands) => check(commands, {})),
    { numRuns: runsMemory },
  );
});

test('over LevelDB, with next to no cache, through reopenings', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 60, size: 'max' }), async (commands) => {
      const directory = await mkdtemp(join(tmpdir(), 'kubehive-store-'));
      try {
        await check(commands, { directory, durability: 'os', limits: { cacheBytesMax: 50 } });
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    }),
    { numRuns: runsLevel },
  );
});
