/**
 * Serves a store on the bus: the server's side of `remoteStore`.
 */
import { catchError, map, type Observable, of } from 'rxjs';
import type { Bus, CallChannel } from '../runtime/index.ts';
import { packError, storeChannels, type WireReply } from './protocol.ts';
import type { Store } from './types.ts';
import { packBatch, packRange, packTxn, unpackTxnRequest, type WireBatch } from './wire.ts';

/** Batches that may wait for a slow watch; one that falls further behind is ended by the bus with `ResourceExhausted`. */
const watchBatchesMax = 16_384;
/** What an event takes beyond its key and value, roughly. */
const eventOverheadBytes = 48;

export function serveStore(bus: Bus, store: Store): void {
  const serve = <Request, Result, Reply>(
    channel: CallChannel<Request, WireReply<Reply>>,
    handle: (request: Request) => Promise<Result>,
    pack: (result: Result) => Reply,
  ): void => {
    bus.serve(channel, (request) => handle(request).then((result) => ({ value: pack(result) }), packError));
  };
  const asItIs = <Value>(value: Value): Value => value;
  serve(storeChannels.txn, (request) => store.txn(unpackTxnRequest(request)), packTxn);
  serve(storeChannels.range, (request) => store.range(request), packRange);
  serve(
    storeChannels.compact,
    (revision) => store.compact(revision),
    () => null,
  );
  serve(storeChannels.leaseGrant, (request) => store.leaseGrant(request), asItIs);
  serve(storeChannels.leaseRevoke, (id) => store.leaseRevoke(id), asItIs);
  serve(storeChannels.leaseKeepAlive, (id) => store.leaseKeepAlive(id), asItIs);
  serve(storeChannels.leaseTimeToLive, (id) => store.leaseTimeToLive(id), asItIs);
  serve(storeChannels.leases, () => store.leases(), asItIs);
  serve(storeChannels.status, () => store.status(), asItIs);
  serve(storeChannels.hash, (revision) => store.hash(revision ?? undefined), asItIs);
  serve(storeChannels.snapshot, (path) => store.snapshot(path), asItIs);
  bus.feed(
    storeChannels.watch,
    (request): Observable<WireReply<WireBatch>> =>
      store.watch(request).pipe(
        map((batch) => ({ value: packBatch(batch) })),
        catchError((error: unknown) => of(packError(error))),
      ),
    { itemsMax: watchBatchesMax, sizeOf: bytesOf },
  );
}

function bytesOf(item: WireReply<WireBatch>): number {
  if ('error' in item) return eventOverheadBytes;
  let bytes = eventOverheadBytes;
  for (const [, kv, prevKv] of item.value.events) {
    bytes += eventOverheadBytes + kv[0].length + kv[1].length + (prevKv === undefined ? 0 : prevKv[1].length);
  }
  return bytes;
}
