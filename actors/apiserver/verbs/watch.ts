/**
 * Watches a kind from its cache: the current state as ADDED events where the request asks for it, then every change. A watch
 * that starts in the past replays the changes that the cache still has; one that starts before those is refused as expired.
 * @see staging/src/k8s.io/apiserver/pkg/storage/cacher/cacher.go
 */
import { StatusError } from '../../../src/api/index.ts';
import type { Entry } from '../cache/entry.ts';
import type { KindCache } from '../cache/kind-cache.ts';
import { eventOf, type WatchEventType, type Watcher, type WatchInterest } from '../cache/watch-router.ts';
import type { Call, WatchSink } from '../call.ts';
import { plainError, tooLargeResourceVersion } from '../failures.ts';
import type { Server } from '../server.ts';
import { parseResourceVersion } from './get.ts';
import { type ListOptions, listOptionsOf } from './list-options.ts';
import { selectionOf } from './selection.ts';

/** Initial events handed over at once: a watcher's buffer must hold them. */
const INITIAL_BATCH = 500;

export function watchObjects(call: Call, server: Server): void {
  const options = listOptionsOf(call);
  const selection = selectionOf(call);
  const start =
    options.resourceVersion === '' || options.resourceVersion === '0'
      ? undefined
      : parseResourceVersion(options.resourceVersion, plainError);
  const cache = server.cacheOf(call.kind);
  const name = selection.name ?? call.name;
  const namespace = cache.namespaced ? call.namespace : undefined;
  const { matches, minds } = selection;
  const interest: WatchInterest = {
    namespace,
    name,
    indexed: selection.indexed,
    selector: selection.text,
    minds,
    matches: (entry) =>
      (namespace === undefined || entry.namespace === namespace) &&
      (name === undefined || entry.name === name) &&
      (matches === undefined || matches(entry)),
  };
  call.answer = {
    type: 'watch',
    kind: call.kind,
    open: (sink) => openWatch(server, cache, interest, options, start, sink),
  };
}

function openWatch(
  server: Server,
  cache: KindCache,
  interest: WatchInterest,
  options: ListOptions,
  start: number | undefined,
  sink: WatchSink,
): () => void {
  let remove: (() => void) | undefined;
  let ended = false;
  const watcher: Watcher = {
    deliver: (type: WatchEventType, entry: Entry) => sink.event(type, entry),
    flush: () => sink.flush(),
    end: () => sink.end(),
    bookmark(revision) {
      if (!options.allowWatchBookmarks) return;
      sink.bookmark(revision, false);
      sink.flush();
    },
  };
  const begin = () => {
    if (ended) return;
    if (start !== undefined && options.sendInitialEvents !== true && start < cache.changes.floor) {
      ended = true;
      sink.end(expired(start, cache.changes.floor).toStatus() as never);
      return;
    }
    server.metrics.watchers.add(1);
    remove = cache.router.add(interest, watcher);
    sendStart(server, cache, interest, options, start, sink);
  };
  const { timeoutSeconds } = options;
  const timer =
    timeoutSeconds === undefined || timeoutSeconds <= 0
      ? undefined
      : server.context.clock.after(timeoutSeconds * 1000, () => sink.end(), { background: true });
  if (start === undefined || start <= server.caches.revision) begin();
  else waitForStart(server, start, begin, sink);
  return () => {
    ended = true;
    timer?.cancel();
    if (remove === undefined) return;
    remove();
    remove = undefined;
    server.metrics.watchers.add(-1);
  };
}

/** A start in the future: the watch begins when the caches get there, and is refused when they do not in time. */
function waitForStart(server: Server, start: number, begin: () => void, sink: WatchSink): void {
  void server.caches.waitFor(start, 3000).then((reached) => {
    if (reached) begin();
    else sink.end(tooLargeResourceVersion(start, server.caches.revision).toStatus() as never);
  });
}

function sendStart(
  server: Server,
  cache: KindCache,
  interest: WatchInterest,
  options: ListOptions,
  start: number | undefined,
  sink: WatchSink,
): void {
  const wantsState = options.sendInitialEvents ?? start === undefined;
  if (wantsState) {
    let batch = 0;
    for (const entry of stateOf(cache, interest)) {
      sink.event('ADDED', entry);
      if (++batch % INITIAL_BATCH === 0) sink.flush();
    }
    if (options.sendInitialEvents === true && options.allowWatchBookmarks) sink.bookmark(server.caches.revision, true);
  } else if (start !== undefined) {
    for (const change of cache.changes.since(start)) {
      const event = eventOf(change, interest);
      if (event !== undefined) sink.event(event[0], event[1]);
    }
  }
  sink.flush();
}

function stateOf(cache: KindCache, interest: WatchInterest): Entry[] {
  if (interest.name !== undefined && (interest.namespace !== undefined || !cache.namespaced)) {
    const entry = cache.get(cache.keyOf(interest.namespace, interest.name));
    return entry !== undefined && interest.matches(entry) ? [entry] : [];
  }
  const candidates =
    interest.indexed === undefined ? cache.list(interest.namespace) : cache.listIndexed(interest.indexed);
  return candidates.filter(interest.matches);
}

/** @see staging/src/k8s.io/apiserver/pkg/storage/cacher/watch_cache.go getAllEventsSinceLocked */
function expired(wanted: number, oldest: number): StatusError {
  return StatusError.expired(`too old resource version: ${wanted} (${oldest})`);
}
