/**
 * The child of crash.test.ts, bundled by it: writes to a store as fast as it can and says on standard output what was
 * acknowledged, until it is killed. Arguments: the directory, the durability, the first number, the seed.
 */
import { writeSync } from 'node:fs';
import { RealClock, seededRandom } from '../../src/runtime/index.ts';
import { type Durability, type Operation, openStore } from '../../src/store/index.ts';

const [directory = '', durability, first, seed] = process.argv.slice(2);
const random = seededRandom(Number(seed), 'crash-child');
const clock = new RealClock();
const say = (line: string): unknown => writeSync(1, `${line}\n`);

const store = await openStore({
  clock,
  directory,
  durability: durability as Durability,
  compaction: { intervalMs: 0, recordsMax: 400 },
});
say('open');
let number = Number(first);

/** Each transaction writes its number to both keys of a slot, or deletes both; so the two are always equal. */
async function write(): Promise<void> {
  const mine = number++;
  const slot = random.integer(20);
  const keys = [`/slot/${slot}/left`, `/slot/${slot}/right`];
  const isDelete = random.integer(5) === 0;
  const value = Buffer.from(`${mine} ${'x'.repeat(random.integer(random.integer(10) === 0 ? 20_000 : 400))}`);
  const success = keys.map((key): Operation => (isDelete ? { type: 'delete', key } : { type: 'put', key, value }));
  const { revision } = await store.txn({ success: [...success, { type: 'put', key: `/number/${mine % 50}`, value }] });
  say(`ack ${mine} ${revision} ${slot} ${isDelete ? 'delete' : 'put'}`);
}

async function lease(): Promise<void> {
  const { id } = await store.leaseGrant({ ttlSeconds: 1000 });
  await store.txn({ success: [{ type: 'put', key: `/leased/${id % 10}`, value: Buffer.from('x'), lease: id }] });
  if (random.integer(2) === 0) {
    say(`granted ${id}`);
    return;
  }
  await store.leaseRevoke(id);
  say(`revoked ${id}`);
}

async function work(step: () => Promise<void>): Promise<never> {
  for (;;) await step();
}
for (let worker = 0; worker < 8; worker++) void work(write);
void work(lease);
