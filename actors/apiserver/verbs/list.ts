/**
 * Lists a kind: from its cache for the newest state (and for anything not older than a revision), from the store's history for
 * an exact revision and for the further pages of a list, which show what the first page showed.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 */
import { type ApiObject, StatusError } from '../../../src/api/index.ts';
import { isStoreError, type KeyValue } from '../../../src/store/index.ts';
import { Entry } from '../cache/entry.ts';
import type { KindCache } from '../cache/kind-cache.ts';
import { reasonUnreadable } from '../cache/unreadable.ts';
import type { Call } from '../call.ts';
import type { Server } from '../server.ts';
import { type ContinueToken, decodeContinue, encodeContinue } from './continue-token.ts';
import { catchUp, parseResourceVersion, waitFor } from './get.ts';
import { type ListOptions, listOptionsOf } from './list-options.ts';
import { type Selection, selectionOf } from './selection.ts';

export function listObjects(call: Call, server: Server): void | Promise<void> {
  const options = listOptionsOf(call);
  const selection = selectionOf(call);
  if (options.continue !== '') {
    if (options.resourceVersion !== '' && options.resourceVersion !== '0') {
      throw StatusError.badRequest('specifying resource version is not allowed when using continue');
    }
    const token = decodeContinue(options.continue);
    return token.revision < 0
      ? fromCache(call, server, options, selection, token.start)
      : fromHistory(call, server, options, selection, token);
  }
  if (options.resourceVersion !== '' && options.resourceVersion !== '0') {
    const wanted = parseResourceVersion(options.resourceVersion, (text) =>
      StatusError.badRequest(`invalid resource version: ${text}`),
    );
    if (wanted > server.caches.revision) {
      return waitFor(server, wanted).then(() => atVersion(call, server, options, selection, wanted));
    }
    return atVersion(call, server, options, selection, wanted);
  }
  if (server.options.sharedStore && options.resourceVersion !== '0') {
    return catchUp(server).then(() => fromCache(call, server, options, selection, ''));
  }
  fromCache(call, server, options, selection, '');
}

function atVersion(
  call: Call,
  server: Server,
  options: ListOptions,
  selection: Selection,
  wanted: number,
): void | Promise<void> {
  // A limit with a bare resourceVersion means exactly that version, as upstream reads it.
  const exact = options.match === 'Exact' || (options.match === '' && options.limit > 0);
  if (exact && wanted !== server.caches.revision) {
    return fromHistory(call, server, options, selection, { revision: wanted, start: '' });
  }
  fromCache(call, server, options, selection, '');
}

/** Where a list's keys lie: the kind's prefix, or that of a namespace. */
function prefixOf(call: Call, cache: KindCache): string {
  return cache.namespaced && call.namespace !== undefined ? `${cache.prefix}${call.namespace}/` : cache.prefix;
}

function fromCache(call: Call, server: Server, options: ListOptions, selection: Selection, start: string): void {
  const cache = server.cacheOf(call.kind);
  const { revision } = server.caches;
  const prefix = prefixOf(call, cache);
  const candidates = candidatesOf(call, cache, selection);
  const { matches } = selection;
  if (options.limit === 0 && start === '') {
    answer(call, matches === undefined ? candidates : candidates.filter(matches), revision);
    return;
  }
  const page: Entry[] = [];
  let index = start === '' ? 0 : lowerBound(candidates, prefix + start);
  for (; index < candidates.length && (options.limit === 0 || page.length < options.limit); index++) {
    const entry = candidates[index] as Entry;
    if (matches === undefined || matches(entry)) page.push(entry);
  }
  const rest = candidates.length - index;
  if (rest === 0) {
    answer(call, page, revision);
    return;
  }
  const last = (candidates[index - 1] as Entry).key;
  answer(call, page, revision, {
    continue: encodeContinue({ revision, start: `${last.slice(prefix.length)}\0` }),
    // What is left is only known when nothing is filtered.
    remainingItemCount: matches === undefined ? rest : undefined,
  });
}

/** The entries that a list has to look at, in key order. */
function candidatesOf(call: Call, cache: KindCache, selection: Selection): Entry[] {
  if (selection.name !== undefined && (call.namespace !== undefined || !cache.namespaced)) {
    const entry = cache.get(cache.keyOf(call.namespace, selection.name));
    return entry === undefined ? [] : [entry];
  }
  if (selection.indexed === undefined) return cache.list(call.namespace);
  const indexed = cache.listIndexed(selection.indexed);
  return call.namespace === undefined ? indexed : indexed.filter((entry) => entry.namespace === call.namespace);
}

function lowerBound(entries: readonly Entry[], key: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle] as Entry).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Reads a page as of a revision. The store's bytes are decoded only where the cache has moved on. */
async function fromHistory(
  call: Call,
  server: Server,
  options: ListOptions,
  selection: Selection,
  token: ContinueToken,
): Promise<void> {
  const cache = server.cacheOf(call.kind);
  const prefix = prefixOf(call, cache);
  const page: Entry[] = [];
  let startKey = token.start === '' ? undefined : prefix + token.start;
  for (;;) {
    const wanted = options.limit === 0 ? 0 : options.limit - page.length;
    const result = await rangeOf(server, prefix, startKey, token, wanted, selection);
    for (const kv of result.kvs) {
      const entry = entryOf(cache, kv);
      if (selection.matches === undefined || selection.matches(entry)) page.push(entry);
    }
    const last = result.kvs[result.kvs.length - 1];
    if (!result.more || last === undefined) return answer(call, page, token.revision);
    startKey = `${last.key}\0`;
    if (options.limit > 0 && page.length >= options.limit) {
      return answer(call, page, token.revision, {
        continue: encodeContinue({ revision: token.revision, start: startKey.slice(prefix.length) }),
        remainingItemCount: selection.matches === undefined ? result.count - result.kvs.length : undefined,
      });
    }
  }
}

async function rangeOf(
  server: Server,
  prefix: string,
  startKey: string | undefined,
  token: ContinueToken,
  limit: number,
  selection: Selection,
): ReturnType<Server['store']['range']> {
  try {
    return await server.store.range({
      prefix,
      ...(startKey === undefined ? {} : { startKey }),
      revision: token.revision,
      limit,
    });
  } catch (error) {
    if (!isStoreError(error, 'Compacted')) throw error;
    void selection;
    throw expired(token, startKey, prefix);
  }
}

/** The page's revision was compacted away: the client may start over, or go on inconsistently with the token given here. */
function expired(token: ContinueToken, startKey: string | undefined, prefix: string): StatusError {
  if (startKey === undefined) {
    return StatusError.expired('The resourceVersion for the provided list is too old.');
  }
  const error = StatusError.expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  );
  const { status } = error;
  status.metadata = { continue: encodeContinue({ revision: -1, start: startKey.slice(prefix.length) || token.start }) };
  return error;
}

function entryOf(cache: KindCache, kv: KeyValue): Entry {
  const current = cache.get(kv.key);
  if (current?.revision === kv.modRevision) return current;
  const reason = reasonUnreadable(kv.value);
  if (reason !== undefined)
    throw StatusError.internalError(`unable to transform key ${JSON.stringify(kv.key)}: ${reason}`);
  return new Entry(cache.placeOf(kv.key), kv.modRevision, kv.value.slice());
}

function answer(
  call: Call,
  entries: readonly Entry[],
  revision: number,
  more: { readonly continue?: string; readonly remainingItemCount?: number | undefined } = {},
): void {
  call.answer = { type: 'list', kind: call.kind, entries, revision, ...more };
}

/** The kind's list as an object, for answers that are not written from cached bytes. */
export function listKindOf(kind: { readonly kind: string; readonly listKind?: string }): string {
  return kind.listKind ?? `${kind.kind}List`;
}

export type ListObject = ApiObject & { items: ApiObject[] };
