/** What every store does, whatever it stands on: the suite is run over each implementation. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type {
  KeyValue,
  Operation,
  OperationResult,
  Store,
  StoreOptions,
  TxnResult,
  WatchBatch,
  WatchRequest,
} from '../../src/store/index.ts';

/** One store under test, with the means to move its time. */
export interface StoreUnderTest {
  readonly store: Store;
  advance(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export type OpenStoreUnderTest = (options?: Pick<StoreOptions, 'compaction' | 'limits'>) => Promise<StoreUnderTest>;

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array): string => new TextDecoder().decode(value);
export const put = (key: string, value: string, more: { lease?: number; prevKv?: boolean } = {}): Operation => ({
  type: 'put',
  key,
  value: bytes(value),
  ...more,
});

/** Writes one key; returns the revision. */
export async function write(store: Store, key: string, value: string, lease?: number): Promise<number> {
  const result = await store.txn({ success: [put(key, value, lease === undefined ? {} : { lease })] });
  return result.revision;
}

/** Deletes one key; returns the revision. */
export async function remove(store: Store, key: string): Promise<number> {
  return (await store.txn({ success: [{ type: 'delete', key }] })).revision;
}

const plain = (kv: KeyValue): unknown => [
  kv.key,
  text(kv.value),
  kv.createRevision,
  kv.modRevision,
  kv.version,
  kv.lease,
];

/** What a watch has received so far, and how it ended. */
export interface Watched {
  readonly batches: WatchBatch[];
  readonly error: unknown;
  /** `put /a=1@5` or `delete /a@6`, with ` was 0` when the previous value came along. */
  readonly lines: string[];
  until(isDone: (watched: Watched) => boolean): Promise<void>;
  cancel(): void;
}

export function watched(store: Store, request: WatchRequest): Watched {
  const state = {
    batches: [] as WatchBatch[],
    error: undefined as unknown,
    get lines(): string[] {
      return state.batches.flatMap((batch) =>
        batch.events.map(({ type, kv, prevKv }) => {
          const now =
            type === 'put' ? `put ${kv.key}=${text(kv.value)}@${kv.modRevision}` : `delete ${kv.key}@${kv.modRevision}`;
          return prevKv === undefined ? now : `${now} was ${text(prevKv.value)}`;
        }),
      );
    },
    async until(isDone: (watched: Watched) => boolean): Promise<void> {
      for (let tries = 0; !isDone(state); tries++) {
        if (tries > 2000)
          throw new Error(`the watch never got there: ${JSON.stringify(state.lines)} ${String(state.error)}`);
        await delay(1);
      }
    },
    cancel: () => subscription.unsubscribe(),
  };
  const subscription = store.watch(request).subscribe({
    next: (batch) => state.batches.push(batch),
    error: (error: unknown) => {
      state.error = error;
    },
  });
  return state;
}

export function describeStore(name: string, open: OpenStoreUnderTest): void {
  describe(name, () => {
    let under: StoreUnderTest;
    let store: Store;
    beforeEach(async () => {
      under = await open();
      store = under.store;
    });
    afterEach(() => under.stop());

    describe('transactions', () => {
      test('a new store is at revision 1, and the first write makes 2', async () => {
        expect((await store.status()).revision).toBe(1);
        expect(await write(store, '/a', 'x')).toBe(2);
        expect((await store.status()).revision).toBe(2);
      });

      test('a put sets the create revision once, and counts versions until the key is deleted', async () => {
        await write(store, '/a', '1');
        await write(store, '/a', '2');
        await write(store, '/b', 'b');
        const before = await store.range({ key: '/a' });
        expect(before.kvs.map(plain)).toEqual([['/a', '2', 2, 3, 2, 0]]);
        await remove(store, '/a');
        await write(store, '/a', '3');
        expect((await store.range({ key: '/a' })).kvs.map(plain)).toEqual([['/a', '3', 6, 6, 1, 0]]);
      });

      test('a lost race is a value and brings the current object', async () => {
        const first = await write(store, '/a', 'first');
        const request = {
          compare: [{ key: '/a', target: 'mod', operator: '=', operand: first } as const],
          success: [put('/a', 'mine')],
          failure: [{ type: 'range', key: '/a' } as const],
        };
        expect(await store.txn(request)).toEqual({ succeeded: true, revision: 3, results: [{ type: 'put' }] });
        const lost = await store.txn(request);
        expect(lost.succeeded).toBe(false);
        expect(lost.revision).toBe(3);
        const [found] = lost.results as [OperationResult & { type: 'range' }];
        expect(found.kvs.map(plain)).toEqual([['/a', 'mine', 2, 3, 2, 0]]);
      });

      test('only one of many creations of a key wins', async () => {
        const create = (owner: number): Promise<TxnResult> =>
          store.txn({
            compare: [{ key: '/leader', target: 'create', operator: '=', operand: 0 }],
            success: [put('/leader', String(owner))],
          });
        const results = await Promise.all(Array.from({ length: 20 }, (_, owner) => create(owner)));
        expect(results.filter((result) => result.succeeded)).toHaveLength(1);
        expect((await store.range({ key: '/leader' })).kvs[0]!.version).toBe(1);
      });

      test('all writes of a transaction share a revision, and one that changes nothing takes none', async () => {
        const result = await store.txn({ success: [put('/a', '1'), put('/b', '2'), { type: 'delete', key: '/none' }] });
        expect(result).toEqual({
          succeeded: true,
          revision: 2,
          results: [{ type: 'put' }, { type: 'put' }, { type: 'delete', deleted: 0 }],
        });
        expect((await store.range({ prefix: '/' })).kvs.map((kv) => kv.modRevision)).toEqual([2, 2]);
        expect((await store.txn({ success: [{ type: 'delete', prefix: '/zzz' }] })).revision).toBe(2);
        expect((await store.txn({})).succeeded).toBe(true);
        expect((await store.status()).revision).toBe(2);
      });

      test('ranges in a transaction see the writes before them', async () => {
        await write(store, '/a', 'old');
        const { results } = await store.txn({
          success: [
            { type: 'range', key: '/a' },
            put('/a', 'new', { prevKv: true }),
            put('/b', 'b'),
            { type: 'range', prefix: '/' },
          ],
        });
        expect(results[0]).toMatchObject({ type: 'range', count: 1 });
        expect(text((results[1] as { prevKv: KeyValue }).prevKv.value)).toBe('old');
        expect((results[3] as OperationResult & { type: 'range' }).kvs.map((kv) => text(kv.value))).toEqual([
          'new',
          'b',
        ]);
      });

      test('a delete of a prefix takes what is there and returns it when asked', async () => {
        await store.txn({ success: [put('/p/a', '1'), put('/p/b', '2'), put('/q', '3')] });
        const { results, revision } = await store.txn({ success: [{ type: 'delete', prefix: '/p/', prevKv: true }] });
        const [deleted] = results as [OperationResult & { type: 'delete' }];
        expect(deleted.deleted).toBe(2);
        expect(deleted.prevKvs?.map(plain)).toEqual([
          ['/p/a', '1', 2, 2, 1, 0],
          ['/p/b', '2', 2, 2, 1, 0],
        ]);
        expect(revision).toBe(3);
        expect((await store.range({ prefix: '/' })).kvs.map((kv) => kv.key)).toEqual(['/q']);
      });

      test.each([
        ['mod', '=', 3, true],
        ['mod', '<', 3, false],
        ['mod', '>', 2, true],
        ['mod', '!=', 3, false],
        ['create', '=', 2, true],
        ['version', '=', 2, true],
        ['version', '<', 2, false],
        ['lease', '=', 0, true],
      ] as const)('compares %s %s %d', async (target, operator, operand, expected) => {
        await write(store, '/a', '1');
        await write(store, '/a', '2');
        expect((await store.txn({ compare: [{ key: '/a', target, operator, operand }] })).succeeded).toBe(expected);
      });

      test('compares values as bytes, and never holds for the value of a missing key', async () => {
        await write(store, '/a', 'm');
        const holds = async (key: string, operator: '=' | '!=' | '<' | '>', operand: string): Promise<boolean> =>
          (await store.txn({ compare: [{ key, target: 'value', operator, operand: bytes(operand) }] })).succeeded;
        expect(await holds('/a', '=', 'm')).toBe(true);
        expect(await holds('/a', '<', 'n')).toBe(true);
        expect(await holds('/a', '>', 'n')).toBe(false);
        expect(await holds('/none', '!=', 'm')).toBe(false);
        expect(await holds('/none', '=', '')).toBe(false);
      });

      test('a compare over a prefix must hold for each key', async () => {
        await store.txn({ success: [put('/p/a', '1'), put('/p/b', '1')] });
        const compare = { prefix: '/p/', target: 'version', operator: '=', operand: 1 } as const;
        expect((await store.txn({ compare: [compare] })).succeeded).toBe(true);
        await write(store, '/p/b', '2');
        expect((await store.txn({ compare: [compare] })).succeeded).toBe(false);
        expect((await store.txn({ compare: [{ ...compare, prefix: '/none/', operand: 0 }] })).succeeded).toBe(true);
      });

      test('refuses requests that make no sense, and does nothing of them', async () => {
        const refusal = (request: Parameters<Store['txn']>[0]): Promise<string> =>
          store.txn(request).then(
            () => 'accepted',
            (error: Error & { code: string }) => `${error.code}: ${error.message}`,
          );
        expect(await refusal({ success: [put('', 'x')] })).toBe('InvalidRequest: etcdserver: key is not provided');
        expect(await refusal({ success: [put('/a', '1'), put('/a', '2')] })).toBe(
          'InvalidRequest: etcdserver: duplicate key given in txn request',
        );
        expect(await refusal({ success: [put('/p/a', '1'), { type: 'delete', prefix: '/p/' }] })).toBe(
          'InvalidRequest: etcdserver: duplicate key given in txn request',
        );
        expect(await refusal({ failure: [put('/a', '1'), put('/b', '2'), put('/a', '2')] })).toBe(
          'InvalidRequest: etcdserver: duplicate key given in txn request',
        );
        expect(await refusal({ success: Array.from({ length: 129 }, (_, n) => put(`/${n}`, '')) })).toBe(
          'InvalidRequest: etcdserver: too many operations in txn request',
        );
        expect(await refusal({ success: [put('/big', 'x'.repeat(1.6 * 1024 * 1024))] })).toBe(
          'RequestTooLarge: etcdserver: request is too large',
        );
        expect(await refusal({ success: [put('/a', '1'), { type: 'range', key: '/a', revision: 99 }] })).toBe(
          'FutureRevision: mvcc: required revision is a future revision',
        );
        expect(await refusal({ success: [put('/a', '1'), put('/b', '1', { lease: 77 })] })).toBe(
          'LeaseNotFound: requested lease not found',
        );
        expect(await refusal({ success: [{ type: 'poke', key: '/a' } as never] })).toMatch(/^InvalidRequest/);
        expect(await refusal({ compare: [{ key: '/a', target: 'mood', operator: '=', operand: 1 } as never] })).toMatch(
          /^InvalidRequest/,
        );
        expect(await store.status()).toMatchObject({ revision: 1, keys: 0 });
      });

      test('keys that look like members of an object are keys like any other', async () => {
        for (const key of ['__proto__', 'constructor', 'toString']) await write(store, key, key);
        expect((await store.range({ prefix: '' })).kvs.map((kv) => kv.key)).toEqual([
          '__proto__',
          'constructor',
          'toString',
        ]);
      });
    });

    describe('ranges', () => {
      test('a prefix is read in key order, with limit, count and more, and goes on from a start key', async () => {
        await Promise.all(['/p/c', '/p/a', '/q', '/p/b', '/o'].map((key) => write(store, key, key)));
        const first = await store.range({ prefix: '/p/', limit: 2 });
        expect(first.kvs.map((kv) => kv.key)).toEqual(['/p/a', '/p/b']);
        expect([first.count, first.more]).toEqual([3, true]);
        const rest = await store.range({ prefix: '/p/', startKey: '/p/b\0', limit: 2, revision: first.revision });
        expect(rest.kvs.map((kv) => kv.key)).toEqual(['/p/c']);
        expect([rest.count, rest.more]).toEqual([1, false]);
        expect((await store.range({ startKey: '/p/b', endKey: '/q' })).kvs.map((kv) => kv.key)).toEqual([
          '/p/b',
          '/p/c',
        ]);
        expect((await store.range({ prefix: '/p/', startKey: '/z' })).count).toBe(0);
        expect((await store.range({ prefix: '/p/', startKey: '/a' })).count).toBe(3);
      });

      test('a past revision is read as it was', async () => {
        await write(store, '/a', '1');
        const then = await write(store, '/b', '1');
        await write(store, '/a', '2');
        await remove(store, '/b');
        await write(store, '/c', '1');
        const past = await store.range({ prefix: '/', revision: then });
        expect(past.kvs.map((kv) => `${kv.key}=${text(kv.value)}`)).toEqual(['/a=1', '/b=1']);
        expect([past.count, past.revision]).toEqual([2, 6]);
        expect((await store.range({ prefix: '/', revision: then, countOnly: true })).count).toBe(2);
        expect((await store.range({ prefix: '/', countOnly: true })).count).toBe(2);
      });

      test('keys only leaves values out, count only leaves keys out', async () => {
        await write(store, '/a', 'value');
        const [kv] = (await store.range({ key: '/a', keysOnly: true })).kvs;
        expect([kv!.key, kv!.value.length, kv!.modRevision]).toEqual(['/a', 0, 2]);
        expect(await store.range({ prefix: '', countOnly: true })).toEqual({
          revision: 2,
          kvs: [],
          count: 1,
          more: false,
        });
      });

      test('sorts by any target and bounds revisions', async () => {
        await write(store, '/a', 'z');
        await write(store, '/b', 'y');
        await write(store, '/c', 'x');
        await write(store, '/a', 'w');
        const keys = async (more: object): Promise<string> =>
          (await store.range({ prefix: '/', ...more })).kvs.map((kv) => kv.key).join(' ');
        expect(await keys({ sort: { by: 'key', order: 'descend' } })).toBe('/c /b /a');
        expect(await keys({ sort: { by: 'mod' } })).toBe('/b /c /a');
        expect(await keys({ sort: { by: 'create', order: 'descend' }, limit: 1 })).toBe('/c');
        expect(await keys({ sort: { by: 'version', order: 'descend' } })).toBe('/a /b /c');
        expect(await keys({ sort: { by: 'value' } })).toBe('/a /c /b');
        expect(await keys({ minModRevision: 4 })).toBe('/a /c');
        expect(await keys({ maxModRevision: 3 })).toBe('/b');
        expect(await keys({ minCreateRevision: 3, maxCreateRevision: 3 })).toBe('/b');
        expect(await store.range({ prefix: '/', minModRevision: 4, limit: 1 })).toMatchObject({ count: 3, more: true });
      });

      test('a future revision is an error that names the newest', async () => {
        await expect(store.range({ key: '/a', revision: 2 })).rejects.toMatchObject({
          code: 'FutureRevision',
          details: { revision: 1 },
        });
        await expect(store.range({ key: '/a', revision: -1 })).rejects.toMatchObject({ code: 'InvalidRequest' });
        await expect(store.range({} as never)).rejects.toMatchObject({ code: 'InvalidRequest' });
      });
    });

    describe('watches', () => {
      test('a watch tells changes of its keys and no others', async () => {
        const prefix = watched(store, { prefix: '/p/' });
        const key = watched(store, { key: '/p/b' });
        const span = watched(store, { startKey: '/p/b', endKey: '/q' });
        await write(store, '/p/a', '1');
        await write(store, '/p/b', '2');
        await write(store, '/o', '3');
        await remove(store, '/p/b');
        await prefix.until(({ lines }) => lines.length === 3);
        await key.until(({ lines }) => lines.length === 2);
        expect(prefix.lines).toEqual(['put /p/a=1@2', 'put /p/b=2@3', 'delete /p/b@5']);
        expect(key.lines).toEqual(['put /p/b=2@3', 'delete /p/b@5']);
        expect(span.lines).toEqual(key.lines);
        const [deleted] = key.batches.at(-1)!.events;
        expect(plain(deleted!.kv)).toEqual(['/p/b', '', 0, 5, 0, 0]);
      });

      test('events have been told when the promise of their transaction resolves', async () => {
        const all = watched(store, { prefix: '' });
        for (let n = 0; n < 5; n++) {
          const { revision } = await store.txn({ success: [put('/a', String(n)), put('/b', String(n))] });
          expect(all.batches.at(-1)).toMatchObject({ revision });
          expect(all.lines).toHaveLength((n + 1) * 2);
        }
        const { revision } = await store.range({ key: '/a' });
        expect(all.batches.at(-1)!.revision).toBe(revision);
      });

      test('a watch from the past reads history and goes on live, without gap or duplicate', async () => {
        for (let n = 0; n < 50; n++) await write(store, `/p/${n % 7}`, String(n));
        const past = watched(store, { prefix: '/p/', startRevision: 12 });
        const writes = Array.from({ length: 50 }, (_, n) => write(store, `/p/${n % 7}`, String(50 + n)));
        await Promise.all(writes);
        await past.until(({ lines }) => lines.length >= 90);
        expect(past.lines).toEqual(
          Array.from({ length: 90 }, (_, n) => `put /p/${(n + 10 < 50 ? n + 10 : n - 40) % 7}=${n + 10}@${n + 12}`),
        );
      });

      test('all events of a revision come in one batch, also from history', async () => {
        await store.txn({ success: Array.from({ length: 100 }, (_, n) => put(`/p/${n}`, 'x')) });
        for (let n = 0; n < 20; n++)
          await store.txn({ success: Array.from({ length: 90 }, (_, m) => put(`/p/${m}`, `${n}`)) });
        const past = watched(store, { prefix: '/p/', startRevision: 2 });
        await past.until(({ lines }) => lines.length === 1900);
        const batchOf = new Map<number, number>();
        past.batches.forEach((batch, index) => {
          for (const { kv } of batch.events) {
            expect(batchOf.get(kv.modRevision) ?? index).toBe(index);
            batchOf.set(kv.modRevision, index);
          }
        });
      });

      test('a start in the future leaves out what comes before', async () => {
        const later = watched(store, { prefix: '', startRevision: 4 });
        for (let n = 2; n < 6; n++) await write(store, '/a', String(n));
        await later.until(({ lines }) => lines.length === 2);
        expect(later.lines).toEqual(['put /a=4@4', 'put /a=5@5']);
      });

      test('previous values come along when asked, live and from history', async () => {
        const live = watched(store, { key: '/a', prevKv: true });
        await write(store, '/a', '1');
        await write(store, '/a', '2');
        await remove(store, '/a');
        await write(store, '/a', '3');
        const expected = ['put /a=1@2', 'put /a=2@3 was 1', 'delete /a@4 was 2', 'put /a=3@5'];
        await live.until(({ lines }) => lines.length === 4);
        expect(live.lines).toEqual(expected);
        const past = watched(store, { key: '/a', prevKv: true, startRevision: 2 });
        await past.until(({ lines }) => lines.length === 4);
        expect(past.lines).toEqual(expected);
      });

      test('filters leave puts or deletes out', async () => {
        const puts = watched(store, { prefix: '', filters: ['noDelete'] });
        const deletes = watched(store, { prefix: '', filters: ['noPut'] });
        await write(store, '/a', '1');
        await remove(store, '/a');
        await deletes.until(({ lines }) => lines.length === 1);
        expect(puts.lines).toEqual(['put /a=1@2']);
        expect(deletes.lines).toEqual(['delete /a@3']);
      });

      test('progress marks tell how far a quiet watch has come', async () => {
        const quiet = watched(store, { prefix: '/quiet/', progressIntervalMs: 1000 });
        await under.advance(10);
        await write(store, '/other', '1');
        await under.advance(1001);
        await quiet.until(({ batches }) => batches.length >= 1);
        expect(quiet.batches).toEqual([{ revision: 2, events: [], progress: true }]);
        await write(store, '/quiet/a', '1');
        await under.advance(1000);
        expect(quiet.batches).toHaveLength(2);
        await under.advance(1000);
        await quiet.until(({ batches }) => batches.length >= 3);
        expect(quiet.batches[2]).toEqual({ revision: 3, events: [], progress: true });
      });

      test('a cancelled watch hears nothing more and leaves nothing behind', async () => {
        const one = watched(store, { prefix: '/p/' });
        const two = watched(store, { key: '/p/a', progressIntervalMs: 100 });
        await write(store, '/p/a', '1');
        await one.until(({ lines }) => lines.length === 1);
        one.cancel();
        two.cancel();
        await write(store, '/p/a', '2');
        expect(one.lines).toHaveLength(1);
        expect((await store.status()).watchers).toBe(0);
      });
    });

    describe('compaction', () => {
      test('drops history below the revision and nothing that is in force at it', async () => {
        await write(store, '/a', '1');
        await write(store, '/a', '2');
        await write(store, '/b', '1');
        await remove(store, '/b');
        await write(store, '/c', '1');
        await store.compact(5);
        const at = async (revision: number): Promise<string[]> =>
          (await store.range({ prefix: '', revision })).kvs.map((kv) => `${kv.key}=${text(kv.value)}`);
        expect(await at(5)).toEqual(['/a=2']);
        expect(await at(6)).toEqual(['/a=2', '/c=1']);
        await expect(at(4)).rejects.toMatchObject({ code: 'Compacted', compactRevision: 5 });
        expect(await store.status()).toMatchObject({ compactRevision: 5, keys: 2, revision: 6 });
      });

      test('a watch from a compacted revision ends with the error, one from the compact revision goes on', async () => {
        await write(store, '/a', '1');
        await remove(store, '/a');
        await write(store, '/a', '2');
        await store.compact(3);
        const old = watched(store, { prefix: '', startRevision: 2 });
        await old.until(({ error }) => error !== undefined);
        expect(old.error).toMatchObject({ code: 'Compacted', compactRevision: 3 });
        expect(old.batches).toEqual([]);
        const good = watched(store, { prefix: '', startRevision: 3 });
        await good.until(({ lines }) => lines.length === 2);
        expect(good.lines).toEqual(['delete /a@3', 'put /a=2@4']);
      });

      test('refuses what is compacted already and what does not exist yet', async () => {
        await write(store, '/a', '1');
        await store.compact(2);
        await expect(store.compact(2)).rejects.toMatchObject({ code: 'Compacted' });
        await expect(store.compact(1)).rejects.toMatchObject({ code: 'Compacted' });
        await expect(store.compact(3)).rejects.toMatchObject({ code: 'FutureRevision' });
        await expect(store.compact(Number.NaN)).rejects.toMatchObject({ code: 'InvalidRequest' });
      });

      test('frees what nobody can read', async () => {
        for (let n = 0; n < 3000; n++) void write(store, `/k/${n % 10}`, 'x'.repeat(100));
        await write(store, '/end', '');
        const before = await store.status();
        await store.compact(before.revision);
        await store.hash();
        const after = await store.status();
        expect(before.bytes).toBeGreaterThan(300_000);
        expect(after.bytes).toBeLessThan(1500);
        expect(after.historyRecords).toBe(1);
        expect(after.keys).toBe(11);
      });

      test('happens by age by itself: history of one interval stays', async () => {
        await under.stop();
        under = await open({ compaction: { intervalMs: 1000 } });
        store = under.store;
        await write(store, '/a', '1');
        await write(store, '/a', '2');
        await under.advance(1001);
        await write(store, '/a', '3');
        expect((await store.range({ key: '/a', revision: 2 })).kvs).toHaveLength(1);
        await under.advance(1000);
        expect((await store.status()).compactRevision).toBe(3);
        expect((await store.range({ key: '/a', revision: 3 })).kvs).toHaveLength(1);
      });

      test('happens by size by itself', async () => {
        await under.stop();
        under = await open({ compaction: { intervalMs: 0, recordsMax: 100 } });
        store = under.store;
        for (let n = 0; n < 1000; n++) {
          await write(store, `/k/${n % 10}`, 'x');
          // The sweep goes on between turns.
          if (n % 10 === 0) await under.advance(0);
        }
        const status = await store.status();
        expect(status.compactRevision).toBeGreaterThan(800);
        expect(status.historyRecords).toBeLessThan(200);
        expect(status.keys).toBe(10);
      });
    });

    describe('leases', () => {
      test('keys go with their lease when it is not kept alive', async () => {
        const lease = await store.leaseGrant({ ttlSeconds: 10 });
        await store.txn({
          success: [put('/a', '1', { lease: lease.id }), put('/b', '1', { lease: lease.id }), put('/c', '1')],
        });
        expect((await store.range({ key: '/a' })).kvs[0]!.lease).toBe(lease.id);
        const all = watched(store, { prefix: '' });
        await under.advance(6000);
        expect(await store.leaseKeepAlive(lease.id)).toEqual(lease);
        await under.advance(6000);
        expect(await store.leaseTimeToLive(lease.id)).toEqual({ ...lease, remainingSeconds: 4, keys: ['/a', '/b'] });
        await under.advance(5000);
        await all.until(({ lines }) => lines.length === 2);
        expect(all.lines).toEqual(['delete /a@3', 'delete /b@3']);
        expect((await store.range({ prefix: '' })).kvs.map((kv) => kv.key)).toEqual(['/c']);
        await expect(store.leaseKeepAlive(lease.id)).rejects.toMatchObject({ code: 'LeaseNotFound' });
        await expect(store.leaseTimeToLive(lease.id)).rejects.toMatchObject({ code: 'LeaseNotFound' });
      });

      test('a key follows its newest put: bound, bound elsewhere, unbound, deleted', async () => {
        const one = await store.leaseGrant({ ttlSeconds: 100 });
        const two = await store.leaseGrant({ ttlSeconds: 100 });
        const keysOf = async (id: number): Promise<readonly string[]> => (await store.leaseTimeToLive(id)).keys;
        await write(store, '/a', '1', one.id);
        await write(store, '/a', '2', two.id);
        expect([await keysOf(one.id), await keysOf(two.id)]).toEqual([[], ['/a']]);
        await write(store, '/a', '3');
        expect(await keysOf(two.id)).toEqual([]);
        await write(store, '/a', '4', one.id);
        await remove(store, '/a');
        expect(await keysOf(one.id)).toEqual([]);
      });

      test('revoking deletes the keys in one revision', async () => {
        const lease = await store.leaseGrant({ ttlSeconds: 100, id: 42 });
        expect(lease).toEqual({ id: 42, ttlSeconds: 100 });
        await write(store, '/b', '1', 42);
        await write(store, '/a', '1', 42);
        expect(await store.leaseRevoke(42)).toEqual({ revision: 4 });
        expect((await store.range({ prefix: '' })).count).toBe(0);
        await expect(store.leaseRevoke(42)).rejects.toMatchObject({ code: 'LeaseNotFound', details: { lease: 42 } });
        await expect(store.leaseRevoke(42)).rejects.toThrow('requested lease not found');
      });

      test('ids are unique, also against chosen ones, and bad requests are refused', async () => {
        await store.leaseGrant({ ttlSeconds: 1, id: 7 });
        await expect(store.leaseGrant({ ttlSeconds: 1, id: 7 })).rejects.toMatchObject({ code: 'LeaseExists' });
        await expect(store.leaseGrant({ ttlSeconds: 0 })).rejects.toMatchObject({ code: 'InvalidRequest' });
        await expect(store.leaseGrant({ ttlSeconds: Number.NaN })).rejects.toMatchObject({ code: 'InvalidRequest' });
        const next = await store.leaseGrant({ ttlSeconds: 5 });
        expect(next.id).toBe(8);
        expect(await store.leases()).toEqual([{ id: 7, ttlSeconds: 1 }, next]);
      });
    });

    test('the hash tells contents apart and does not depend on how they came about in time', async () => {
      const empty = await store.hash();
      await write(store, '/a', '1');
      const one = await store.hash();
      await write(store, '/a', '2');
      const two = await store.hash();
      expect(new Set([empty.hash, one.hash, two.hash]).size).toBe(3);
      expect((await store.hash(2)).hash).toBe(one.hash);
      await expect(store.hash(9)).rejects.toMatchObject({ code: 'FutureRevision' });
    });

    test('everything after close fails with Closed, and watches end with it', async () => {
      const watch = watched(store, { prefix: '' });
      const pending = write(store, '/a', '1');
      await under.stop();
      expect(await pending).toBe(2);
      await watch.until(({ error }) => error !== undefined);
      expect(watch.error).toMatchObject({ code: 'Closed' });
      for (const use of [
        () => store.txn({}),
        () => store.range({ key: '/a' }),
        () => store.compact(2),
        () => store.leaseGrant({ ttlSeconds: 1 }),
        () => store.leaseKeepAlive(1),
        () => store.leases(),
        () => store.status(),
        () => store.hash(),
      ]) {
        await expect(use()).rejects.toMatchObject({ code: 'Closed' });
      }
      const late = watched(store, { prefix: '' });
      await late.until(({ error }) => error !== undefined);
      expect(late.error).toMatchObject({ code: 'Closed' });
      await store.close();
    });
  });
}
