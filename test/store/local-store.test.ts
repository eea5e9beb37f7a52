/** The contract of the store over both logs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from '../../src/runtime/index.ts';
import { openStore } from '../../src/store/index.ts';
import { describeStore } from './store-contract.ts';

describeStore('the store in memory', async (options = {}) => {
  const clock = new VirtualClock();
  const store = await openStore({ clock, ...options });
  return { store, advance: (ms) => clock.advance(ms), stop: () => store.close() };
});

describeStore('the store over LevelDB', async (options = {}) => {
  const clock = new VirtualClock();
  const directory = await mkdtemp(join(tmpdir(), 'kubehive-store-'));
  const store = await openStore({ clock, directory, durability: 'os', ...options });
  const stop = async (): Promise<void> => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  };
  return { store, advance: (ms) => clock.advance(ms), stop };
});
