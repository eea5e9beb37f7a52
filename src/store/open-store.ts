/** Opens a store: in memory, or in a data directory. */
import { InvalidRequestError } from './errors.ts';
import { openLevelLog } from './level-log.ts';
import type { LocalStoreOptions } from './local-options.ts';
import { openLocalStore } from './local-store.ts';
import { MemoryLog } from './memory-log.ts';
import type { Durability, Store } from './types.ts';

export interface StoreOptions extends LocalStoreOptions {
  /** Where the data lies; made when it is not there. Without one, everything is in memory and gone at the end. */
  readonly directory?: string;
  /** Default: `sync` with a directory, `memory` without. */
  readonly durability?: Durability;
}

/**
 * Opens a store in this thread.
 *
 *     const store = await openStore({ clock: new RealClock() });
 *     await store.txn({ success: [{ type: 'put', key: '/a', value: bytes }] });
 *
 * Fails with `InUse` when the directory is another store's, with `Corrupt` when it is not a store's, and with `InvalidRequest`
 * for a durability that the rest contradicts.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { directory, ...rest } = options;
  const durability = options.durability ?? (directory === undefined ? 'memory' : 'sync');
  if (directory === undefined) {
    if (durability !== 'memory') throw new InvalidRequestError(`durability ${durability} needs a data directory`);
    return openLocalStore(new MemoryLog(), rest);
  }
  if (durability === 'memory') {
    throw new InvalidRequestError(
      `durability memory keeps nothing in the data directory ${directory}: choose os or sync`,
    );
  }
  return openLocalStore(await openLevelLog(directory, durability), rest);
}
