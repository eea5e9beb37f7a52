/**
 * The store of another actor, used over the bus as if it were here. Order is kept: when a reply arrives, the events up to its
 * revision were sent before it on the same link. Calls fail with a BusError (`ServiceUnavailable`) when that actor is down.
 */
import { Observable } from 'rxjs';
import type { Bus, CallChannel } from '../runtime/index.ts';
import { StoreClosedError } from './errors.ts';
import { storeChannels, unpackReply, type WireReply } from './protocol.ts';
import type { Lease, Store, WatchBatch, WatchRequest } from './types.ts';
import { packTxnRequest, unpackBatch, unpackRange, unpackTxn } from './wire.ts';

/** Reading everything takes longer than the bus lets a call take by itself. */
const wholeReadDeadlineMs = 600_000;

/** Values that it returns are views of the message they came in: copy what is kept for long. */
export function remoteStore(bus: Bus, address: string): Store {
  let isClosed = false;
  let pendingCalls = 0;
  let onQuiet: (() => void) | undefined;
  const call = async <Request, Reply>(
    channel: CallChannel<Request, WireReply<Reply>>,
    request: Request,
    deadlineMs?: number,
  ): Promise<Reply> => {
    if (isClosed) throw new StoreClosedError();
    const options = deadlineMs === undefined ? undefined : { deadlineMs };
    pendingCalls++;
    try {
      return unpackReply(await bus.call(address, channel, request, options));
    } finally {
      if (--pendingCalls === 0) onQuiet?.();
    }
  };
  const closers = new Set<() => void>();
  return {
    txn: async (request) => unpackTxn(await call(storeChannels.txn, packTxnRequest(request))),
    range: async (request) => unpackRange(await call(storeChannels.range, request)),
    watch: (request) => watchOver(bus, address, request, closers, () => isClosed),
    compact: async (revision) => {
      await call(storeChannels.compact, revision);
    },
    leaseGrant: (request): Promise<Lease> => call(storeChannels.leaseGrant, request),
    leaseRevoke: (id) => call(storeChannels.leaseRevoke, id),
    leaseKeepAlive: (id) => call(storeChannels.leaseKeepAlive, id),
    leaseTimeToLive: (id) => call(storeChannels.leaseTimeToLive, id),
    leases: () => call(storeChannels.leases, null),
    status: () => call(storeChannels.status, null),
    hash: (revision) => call(storeChannels.hash, revision ?? null, wholeReadDeadlineMs),
    snapshot: (path) => call(storeChannels.snapshot, path, wholeReadDeadlineMs),
    /** Ends this view of the store, when its pending calls are done; the store itself goes on. */
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      if (pendingCalls > 0) await new Promise<void>((resolve) => (onQuiet = resolve));
      for (const end of [...closers]) end();
    },
  };
}

function watchOver(
  bus: Bus,
  address: string,
  request: WatchRequest,
  closers: Set<() => void>,
  isClosed: () => boolean,
): Observable<WatchBatch> {
  return new Observable((subscriber) => {
    if (isClosed()) {
      subscriber.error(new StoreClosedError());
      return undefined;
    }
    const end = (): void => subscriber.error(new StoreClosedError());
    closers.add(end);
    const subscription = bus.open(address, storeChannels.watch, request).subscribe({
      next: (item) => {
        if ('error' in item) subscriber.error(errorOf(item));
        else subscriber.next(unpackBatch(item.value));
      },
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.error(new StoreClosedError()),
    });
    return () => {
      closers.delete(end);
      subscription.unsubscribe();
    };
  });
}

function errorOf(reply: WireReply<unknown>): unknown {
  try {
    return unpackReply(reply);
  } catch (error) {
    return error;
  }
}
