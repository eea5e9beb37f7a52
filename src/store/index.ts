/** The public face of the store: its contract, its errors, and the ways to open one. */

export type { CompactionPolicy } from './compaction.ts';
export * from './errors.ts';
export { forwarded } from './forwarded.ts';
export { prefixEnd } from './key-span.ts';
export type { StoreLimits } from './local-options.ts';
export { openStore, type StoreOptions } from './open-store.ts';
export { storeChannels } from './protocol.ts';
export { remoteStore } from './remote.ts';
export { serveStore } from './serve.ts';
export { restoreSnapshot } from './snapshot.ts';
export type * from './types.ts';
