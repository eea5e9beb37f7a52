// The child of crash.test.ts: writes to a store as fast as it can and says on standard output what was acknowledged, until it is
// killed. Arguments: the built store module, the built runtime module, the directory, the durability, the first number, the seed.
import { writeSync } from 'node:fs';

const [storeModule, runtimeModule, directory, durability, first, seed] = process.argv.slice(2);
const { openStore } = await import(storeModule);
const { RealClock, seededRandom } = await import(runtimeModule);
const random = seededRandom(Number(seed), 'crash-child');
const clock = new RealClock();
const say = (line) => writeSync(1, `${line}\n`);

const store = await openStore({ clock, directory, durability, compaction: { intervalMs: 0, recordsMax: 400 } });
say('open');
let number = Number(first);

/** Each transaction writes its number to both keys of a slot, or deletes both; so the two are always equal. */
async function write() {
  const mine = number++;
  const slot = random.integer(20);
  const keys = [`/slot/${slot}/left`, `/slot/${slot}/right`];
  const isDelete = random.integer(5) === 0;
  const value = Buffer.from(`${mine} ${'x'.repeat(random.integer(3000))}`);
  const success = keys.map((key) => (isDelete ? { type: 'delete', key } : { type: 'put', key, value }));
  const { revision } = await store.txn({ success: [...success, { type: 'put', key: `/number/${mine % 50}`, value }] });
  say(`ack ${mine} ${revision} ${slot} ${isDelete ? 'delete' : 'put'}`);
}

async function lease() {
  const { id } = await store.leaseGrant({ ttlSeconds: 1000 });
  await store.txn({ success: [{ type: 'put', key: `/leased/${id % 10}`, value: Buffer.from('x'), lease: id }] });
  if (random.integer(2) === 0) return say(`granted ${id}`);
  await store.leaseRevoke(id);
  say(`revoked ${id}`);
}

async function work(step) {
  for (;;) await step();
}
for (let worker = 0; worker < 8; worker++) work(write);
work(lease);
