/**
 * A process with a store is killed at random moments while it writes, again and again on the same directory. Afterwards nothing
 * that was acknowledged is missing, no transaction is there in part, and the index is what the log says.
 * `KUBEHIVE_SEED` replays a run's choices, `KUBEHIVE_CRASH_ROUNDS` makes it longer.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom, VirtualClock } from '../../src/runtime/index.ts';
import { openStore, type Store } from '../../src/store/index.ts';
import { openLevelLog } from '../../src/store/level-log.ts';
import { text } from './store-contract.ts';

const rounds = Number(process.env['KUBEHIVE_CRASH_ROUNDS'] ?? 200);
const seed = Number(process.env['KUBEHIVE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const root = fileURLToPath(new URL('../../', import.meta.url));
const directories: string[] = [];
let child = '';

/** The child as one file: it starts in a quarter of the time that its modules one by one would take. */
beforeAll(async () => {
  await mkdir(join(root, '.kubehive'), { recursive: true });
  const directory = await mkdtemp(join(root, '.kubehive', 'crash-child-'));
  directories.push(directory);
  child = join(directory, 'child.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('./crash-child.ts', import.meta.url))],
    outfile: child,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['level', 'piscina', 'msgpackr'],
  });
});
afterAll(() => Promise.all(directories.map((each) => rm(each, { recursive: true, force: true }))));

/** The last acknowledged change of a slot. */
interface Acknowledged {
  readonly number: number;
  readonly revision: number;
  readonly isDelete: boolean;
}

/** What was acknowledged over all rounds on one directory. */
class Ledger {
  readonly slots = new Map<string, Acknowledged>();
  readonly numbers = new Map<number, Acknowledged>();
  readonly granted = new Set<number>();
  readonly revoked = new Set<number>();
  nextNumber = 0;
  revision = 0;
  acknowledged = 0;

  read(output: string): void {
    // The last line may be cut off: then nobody has read it as an acknowledgement.
    for (const line of output.slice(0, output.lastIndexOf('\n') + 1).split('\n')) {
      const [what, number, revision, slot, how] = line.split(' ');
      if (what === 'granted') this.granted.add(Number(number));
      if (what === 'revoked') this.revoked.add(Number(number));
      if (what !== 'ack') continue;
      const ack = { number: Number(number), revision: Number(revision), isDelete: how === 'delete' };
      this.acknowledged++;
      this.revision = Math.max(this.revision, ack.revision);
      this.nextNumber = Math.max(this.nextNumber, ack.number + 1);
      if (ack.revision > (this.slots.get(slot!)?.revision ?? 0)) this.slots.set(slot!, ack);
      if (ack.revision > (this.numbers.get(ack.number % 50)?.revision ?? 0)) this.numbers.set(ack.number % 50, ack);
    }
  }
}

/** Runs a child and kills it after `killMs`, counted from the moment its store is open or (`early`) from its start. */
function runChild(
  directory: string,
  durability: string,
  first: number,
  childSeed: number,
  killMs: number,
  early: boolean,
) {
  return new Promise<{ output: string; signal: string | null; errors: string }>((resolve) => {
    const args = [child, directory, durability, String(first), String(childSeed)];
    const process_ = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    const killLater = (): Promise<void> => delay(killMs).then(() => void process_.kill('SIGKILL'));
    if (early) void killLater();
    process_.stdout.on('data', (chunk: Buffer) => {
      const isFirst = output === '';
      output += chunk.toString();
      if (isFirst && !early) void killLater();
    });
    process_.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    process_.on('close', (_, signal) => resolve({ output, signal, errors }));
  });
}

/** Everything in force, found by reading the raw log in the plainest way. */
async function rebuild(directory: string): Promise<Map<string, string>> {
  const log = await openLevelLog(directory, 'os');
  const state = new Map<string, string>();
  await log.scan((records) => {
    for (const record of records) {
      if (record.isDelete) state.delete(record.key);
      else {
        const { createRevision, revision, version, lease } = record;
        state.set(record.key, JSON.stringify([createRevision, revision, version, lease, text(record.value!)]));
      }
    }
  });
  await log.close();
  return new Map([...state].sort(([left], [right]) => (left < right ? -1 : 1)));
}

async function contents(store: Store): Promise<Map<string, string>> {
  const { kvs } = await store.range({ prefix: '' });
  return new Map(
    kvs.map((kv) => [
      kv.key,
      JSON.stringify([kv.createRevision, kv.modRevision, kv.version, kv.lease, text(kv.value)]),
    ]),
  );
}

async function verify(directory: string, ledger: Ledger): Promise<void> {
  const rebuilt = await rebuild(directory);
  const store = await openStore({ clock: new VirtualClock(), directory, durability: 'os', compaction: false });
  try {
    expect(await contents(store)).toEqual(rebuilt);
    const { revision } = await store.status();
    expect(revision).toBeGreaterThanOrEqual(ledger.revision);
    const at = async (key: string) => (await store.range({ key })).kvs[0];
    const numberOf = (value: Uint8Array): number => Number(text(value).split(' ')[0]);
    for (let slot = 0; slot < 20; slot++) {
      const [left, right] = [await at(`/slot/${slot}/left`), await at(`/slot/${slot}/right`)];
      expect(left && [left.modRevision, text(left.value)]).toEqual(right && [right.modRevision, text(right.value)]);
      const last = ledger.slots.get(String(slot));
      if (last === undefined || left === undefined) continue;
      // A later transaction that was not acknowledged may have made it; an older state may not come back.
      expect(left.modRevision).toBeGreaterThanOrEqual(last.isDelete ? last.revision + 1 : last.revision);
      if (left.modRevision === last.revision) expect(numberOf(left.value)).toBe(last.number);
    }
    for (const [place, last] of ledger.numbers) {
      const found = await at(`/number/${place}`);
      expect(found!.modRevision).toBeGreaterThanOrEqual(last.revision);
      if (found!.modRevision === last.revision) expect(numberOf(found!.value)).toBe(last.number);
    }
    const leases = new Set((await store.leases()).map((lease) => lease.id));
    for (const id of ledger.granted) expect(leases).toContain(id);
    for (const id of ledger.revoked) expect(leases).not.toContain(id);
    ledger.nextNumber = Math.max(
      ledger.nextNumber,
      ...(await store.range({ prefix: '/number/' })).kvs.map((kv) => numberOf(kv.value) + 1),
    );
  } finally {
    await store.close();
  }
}

async function lane(durability: string, laneSeed: number, count: number): Promise<Ledger> {
  const random = seededRandom(laneSeed, durability);
  const directory = await mkdtemp(join(tmpdir(), 'kubehive-crash-'));
  directories.push(directory);
  const ledger = new Ledger();
  for (let round = 0; round < count; round++) {
    const early = random.integer(10) === 0;
    const killMs = early ? 50 + random.integer(150) : random.integer(40);
    const { output, signal, errors } = await runChild(
      directory,
      durability,
      ledger.nextNumber,
      random.integer(2 ** 31),
      killMs,
      early,
    );
    expect([signal, errors]).toEqual(['SIGKILL', '']);
    ledger.read(output);
    await verify(directory, ledger);
  }
  return ledger;
}

test(`nothing acknowledged is lost in ${rounds} kills (seed ${seed})`, {
  timeout: rounds * 1500 + 30_000,
}, async () => {
  console.log(`crash test: KUBEHIVE_SEED=${seed}, ${rounds} rounds`);
  const ledgers = await Promise.all([
    lane('sync', seed, Math.ceil(rounds / 2)),
    lane('os', seed + 1, Math.floor(rounds / 2)),
  ]);
  for (const ledger of ledgers) expect(ledger.acknowledged).toBeGreaterThan(rounds);
});
