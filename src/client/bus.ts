/**
 * The client over the bus: requests and watches go to the API server's actor as packed objects. Used by every component in
 * the same process. An object gets its `metadata.resourceVersion` here, from the revision that travels beside its bytes.
 */
import { Observable } from 'rxjs';
import { StatusError } from '../api/index.ts';
import {
  type Bus,
  type Clock,
  type Counter,
  isBusError,
  type Metrics,
  pack,
  SharingDecoder,
  unpack,
  type WantedMembers,
} from '../runtime/index.ts';
import { type ApiRequest, type ApiResponse, type ApiWatchEvent, apiChannels } from './protocol.ts';
import { requestBatches } from './request-batches.ts';
import {
  deleteBody,
  keyOf,
  listQuery,
  patchMediaType,
  patchQuery,
  targetOf,
  watchQuery,
  writeQuery,
} from './requests.ts';
import type { Client, KubernetesObject, MemberPaths, ObjectList, Resource, WatchEvent, WatchOptions } from './types.ts';

export interface BusClientOptions {
  /** Address of the API server's actor. Default `apiserver`. */
  readonly address?: string;
  /** With it, reads that found the API server down are tried again for up to 3 s. Writes never are. */
  readonly clock?: Clock;
  /** Where its requests are counted, as client-go counts them. */
  readonly metrics?: Metrics;
  /** Default 30 000. */
  readonly deadlineMs?: number;
  /** Decodes what is asked for as `shared`. Default: one of its own. */
  readonly decoder?: SharingDecoder;
  /** Requests of one turn go as one message, and are answered together. For those who make many at once. Default false. */
  readonly batched?: boolean;
}

/** Delays between the attempts of a read. */
const readRetryMs = [20, 80, 300, 1_000, 1_600] as const;

/** Rejects with a StatusError for whatever the API server answers, and for a closed link (`ServiceUnavailable`). */
export function createBusClient(bus: Bus, options: BusClientOptions = {}): Client {
  const { address = 'apiserver', clock, deadlineMs, metrics } = options;
  const count = metrics === undefined ? undefined : requestCounter(metrics, address);
  const batched = options.batched === true ? requestBatches(bus, address, deadlineMs) : undefined;
  let sharing: Decode | undefined;
  const decoderFor = (shared: boolean | undefined, members?: MemberPaths): Decode => {
    if (shared !== true) return unpack;
    if (sharing === undefined) {
      const decoder = options.decoder ?? new SharingDecoder();
      sharing = (bytes, wanted) => decoder.decode(bytes, wanted);
    }
    if (members === undefined) return sharing;
    const [read, wanted] = [sharing, wantedMembers(members)];
    return (bytes) => read(bytes, wanted);
  };

  async function send(request: ApiRequest, signal: AbortSignal | undefined): Promise<ApiResponse> {
    try {
      const response = await (batched !== undefined && signal === undefined
        ? batched(request)
        : bus.call(address, apiChannels.request, request, {
            ...(deadlineMs === undefined ? {} : { deadlineMs }),
            ...(signal === undefined ? {} : { signal }),
          }));
      count?.(request.verb, String(response.code));
      if (response.code >= 400) throw statusErrorOf(response.object);
      return response;
    } catch (error) {
      if (isBusError(error)) count?.(request.verb, '<error>');
      throw translate(error);
    }
  }

  async function read(request: ApiRequest, signal: AbortSignal | undefined): Promise<ApiResponse> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await send(request, signal);
      } catch (error) {
        const delayMs = readRetryMs[attempt];
        if (clock === undefined || delayMs === undefined || !isLinkDown(error)) throw error;
        await clock.sleep(delayMs, signal === undefined ? {} : { signal });
      }
    }
  }

  return {
    async get(resource, key, { subresource, signal, ...chosen } = {}) {
      const { resourceVersion, managedFields, labelSelector = '', metricLabelSelector = '' } = chosen;
      const query = {
        ...(labelSelector === '' ? {} : { labelSelector }),
        ...(metricLabelSelector === '' ? {} : { metricLabelSelector }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
        ...(managedFields === true ? { managedFields: 'true' } : {}),
      };
      return objectOf(await read({ verb: 'get', ...targetOf(resource, key, subresource), query }, signal));
    },
    async list(resource, listOptions = {}) {
      const request: ApiRequest = { verb: 'list', ...targetOf(resource, listOptions), query: listQuery(listOptions) };
      return listOf(await read(request, listOptions.signal), decoderFor(listOptions.shared, listOptions.members));
    },
    watch(resource, watchOptions = {}) {
      return watchOver(bus, address, resource, watchOptions, decoderFor(watchOptions.shared, watchOptions.members));
    },
    async create(resource, object, { subresource, signal, quiet, shared, ...write } = {}) {
      const target = targetOf(resource, { namespace: object.metadata?.namespace }, subresource);
      return objectOf(
        await send(
          { verb: 'create', ...target, query: writeQuery(write), body: packed(object, resource), quiet },
          signal,
        ),
        decoderFor(shared),
      );
    },
    async update(resource, object, { subresource, signal, quiet, shared, ...write } = {}) {
      const target = targetOf(resource, keyOf(object), subresource);
      return objectOf(
        await send(
          { verb: 'update', ...target, query: writeQuery(write), body: packed(object, resource), quiet },
          signal,
        ),
        decoderFor(shared),
      );
    },
    async patch(resource, key, type, patch, { subresource, signal, quiet, shared, ...write } = {}) {
      const target = targetOf(resource, key, subresource);
      return objectOf(
        await send(
          {
            verb: 'patch',
            ...target,
            query: patchQuery(write),
            patchType: patchMediaType(type),
            body: pack(patch),
            quiet,
          },
          signal,
        ),
        decoderFor(shared),
      );
    },
    async delete(resource, key, { signal, quiet, ...rest } = {}) {
      const body = pack(deleteBody(rest));
      return objectOf(await send({ verb: 'delete', ...targetOf(resource, key), body, quiet }, signal));
    },
    async deleteCollection(resource, { signal, ...rest } = {}) {
      await send(
        {
          verb: 'deletecollection',
          ...targetOf(resource, rest),
          query: listQuery(rest),
          body: pack(deleteBody(rest)),
        },
        signal,
      );
    },
    async post(resource, key, subresource, body, { signal, ...write } = {}) {
      const target = targetOf(resource, key, subresource);
      return objectOf(await send({ verb: 'create', ...target, query: writeQuery(write), body: pack(body) }, signal));
    },
  };
}

const methods: Readonly<Record<string, string>> = {
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};

/** Counts answers by their code and the HTTP method that upstream's client would have used. */
function requestCounter(metrics: Metrics, host: string): (verb: string, code: string) => void {
  const help = 'Number of HTTP requests, partitioned by status code, method, and host.';
  const counters = new Map<string, Counter>();
  return (verb, code) => {
    const key = `${verb} ${code}`;
    let counter = counters.get(key);
    if (counter === undefined) {
      counter = metrics.counter('rest_client_requests_total', help, { code, host, method: methods[verb] ?? 'GET' });
      counters.set(key, counter);
    }
    counter.add();
  };
}

function packed(object: KubernetesObject, resource: Resource): Uint8Array {
  if (object.kind !== undefined && object.apiVersion !== undefined) return pack(object);
  const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  const type = { apiVersion: object.apiVersion ?? apiVersion, kind: object.kind ?? resource.kind };
  // No spread: what is spread first and then grows gets a hidden class for itself alone.
  return pack(Object.assign({}, object, type));
}

type Decode = (bytes: Uint8Array, wanted?: WantedMembers) => unknown;

/** What paths say: `spec.nodeName` is one member of the spec, `metadata` are all members of the metadata. */
function wantedMembers(paths: MemberPaths): WantedMembers {
  const wanted = new Map<string, Set<string> | undefined>();
  for (const path of paths) {
    const [name = '', member] = path.split('.');
    if (member === undefined) wanted.set(name, undefined);
    else if (!wanted.has(name)) wanted.set(name, new Set([member]));
    else wanted.get(name)?.add(member);
  }
  return wanted;
}

function decode<Type extends KubernetesObject>(bytes: Uint8Array, revision: number | undefined, read: Decode): Type {
  const object = read(bytes) as Type;
  if (revision === undefined) return object;
  const metadata = object.metadata;
  if (metadata === undefined) object.metadata = { resourceVersion: String(revision) };
  else metadata.resourceVersion = String(revision);
  return object;
}

function objectOf<Type extends KubernetesObject>(response: ApiResponse, read: Decode = unpack): Type {
  const { name, object, revision } = response;
  if (object === undefined) {
    return (name === undefined ? {} : { metadata: { name, resourceVersion: String(revision) } }) as Type;
  }
  return decode<Type>(object, revision, read);
}

function listOf<Type extends KubernetesObject>(response: ApiResponse, read: Decode): ObjectList<Type> {
  const { items = [], revisions = [], object } = response;
  if (object !== undefined) return wholeListOf<Type>(object, read);
  return {
    items: items.map((bytes, at) => decode<Type>(bytes, revisions[at], read)),
    resourceVersion: String(response.listRevision ?? ''),
    continue: response.continue,
    remainingItemCount: response.remainingItemCount,
  };
}

/** A list that is made when it is asked for comes as one object. */
function wholeListOf<Type extends KubernetesObject>(bytes: Uint8Array, read: Decode): ObjectList<Type> {
  const { items, metadata } = read(bytes) as {
    items?: Type[] | null;
    metadata?: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  };
  return {
    items: items ?? [],
    resourceVersion: metadata?.resourceVersion ?? '',
    continue: metadata?.continue,
    remainingItemCount: metadata?.remainingItemCount,
  };
}

function watchOver<Type extends KubernetesObject>(
  bus: Bus,
  address: string,
  resource: Resource<Type>,
  options: WatchOptions,
  read: Decode,
): Observable<WatchEvent<Type>> {
  return new Observable((subscriber) => {
    const request = { ...targetOf(resource, options), query: watchQuery(options) };
    const subscription = bus.open(address, apiChannels.watch, request).subscribe({
      next(batch) {
        for (const event of batch) {
          if (subscriber.closed) return;
          if (event[0] === 'ERROR') subscriber.error(statusErrorOf(event[2] ?? undefined));
          else subscriber.next(watchEventOf<Type>(event, read));
        }
      },
      error: (error: unknown) => subscriber.error(translate(error)),
      complete: () => subscriber.complete(),
    });
    const stop = () => subscription.unsubscribe();
    options.signal?.addEventListener('abort', stop, { once: true });
    return () => {
      options.signal?.removeEventListener('abort', stop);
      subscription.unsubscribe();
    };
  });
}

function watchEventOf<Type extends KubernetesObject>(event: ApiWatchEvent, read: Decode): WatchEvent<Type> {
  const [type, revision, bytes, initialEventsEnd = false] = event;
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') {
    return { type, object: decode<Type>(bytes ?? pack({}), revision, read) };
  }
  return { type: 'BOOKMARK', resourceVersion: String(revision), initialEventsEnd };
}

function statusErrorOf(bytes: Uint8Array | undefined): StatusError {
  if (bytes === undefined) return StatusError.internalError('the server answered with an error without a body');
  return StatusError.fromStatus(unpack(bytes) as Parameters<typeof StatusError.fromStatus>[0]);
}

const linkDown = new WeakSet<StatusError>();

/** Whether the error says that the API server could not be reached, in contrast to an answer of its own. */
function isLinkDown(error: unknown): boolean {
  return error instanceof StatusError && linkDown.has(error);
}

function translate(error: unknown): unknown {
  if (!isBusError(error)) return error;
  switch (error.code) {
    case 'ServiceUnavailable':
    case 'NotServed': {
      const unavailable = StatusError.serviceUnavailable(error.message);
      linkDown.add(unavailable);
      return unavailable;
    }
    case 'DeadlineExceeded':
      return StatusError.timeout(error.message);
    case 'ResourceExhausted':
      return StatusError.expired(error.message);
    case 'HandlerFailed':
      return StatusError.internalError(error.message);
    default:
      return error;
  }
}
