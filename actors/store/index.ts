/**
 * The store actor: the one owner of the data. It opens the store, in memory or in a data directory, and serves it to API servers
 * over the bus; nothing else touches the data. When the log cannot be written any more the actor ends, and its restart opens what
 * is on disk.
 */
import { resolve } from 'node:path';
import { defineActor } from '../../src/runtime/index.ts';
import {
  type CompactionPolicy,
  type Durability,
  openStore,
  type StoreLimits,
  serveStore,
} from '../../src/store/index.ts';
import { measured } from './measured.ts';

/** Plain data. */
export interface StoreActorOptions {
  /** Where the data lies; made when it is not there. Without one, everything is in memory and ends with the actor. */
  readonly directory?: string;
  /** Default: `sync` with a directory, `memory` without. */
  readonly durability?: Durability;
  /** Default: after five minutes, as kube-apiserver does; false turns it off. */
  readonly compaction?: CompactionPolicy | false;
  readonly limits?: StoreLimits;
}

/**
 * Directories that a store of this thread is just letting go of. A crashed actor's store takes a moment to close, and its restart
 * is to wait for that instead of failing.
 */
const closing = new Map<string, Promise<void>>();

export const storeActor = defineActor<StoreActorOptions | undefined>({
  name: 'store',
  module: import.meta.url,
  async start(context, options = {}) {
    const { clock, log, bus, signal } = context;
    const directory = options.directory === undefined ? '' : resolve(options.directory);
    await closing.get(directory);
    const store = await openStore({
      clock,
      activity: context.activity,
      ...options,
      // Requests that arrive in one turn share a commit, and their watch events a message.
      group: 'turn',
      onFailed: (error) => context.fail(error),
    });
    const close = (): Promise<void> => {
      const closed = store.close().finally(() => closing.delete(directory));
      closing.set(directory, closed);
      return closed;
    };
    // After a crash nobody calls stop: the directory must be free again for the restart all the same.
    if (signal.aborted) await close();
    else signal.addEventListener('abort', () => void close(), { once: true });
    const { revision, keys, durability } = await store.status();
    log.info('the store is open', { revision, keys, durability, directory });
    serveStore(bus, measured(store, context));
    return { stop: close };
  },
});
