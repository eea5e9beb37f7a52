/**
 * The messages between the API server and its clients on the bus: the same requests as over HTTP, with objects as packed
 * msgpack bytes. The API server serves these channels under the address `apiserver`; src/client's bus transport calls them.
 *
 * Objects travel as stored: an object's bytes carry no current `metadata.resourceVersion`; whoever unpacks sets it from the
 * revision beside the bytes. So one encoding serves the store, every watcher and every list.
 */
import { callChannel, streamChannel } from '../runtime/index.ts';

export type ApiVerb = 'get' | 'list' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

export interface ApiTarget {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural, such as `pods`. */
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** Such as `status`, `scale`, `binding`, `eviction`. */
  readonly subresource?: string | undefined;
}

export interface ApiRequest extends ApiTarget {
  readonly verb: ApiVerb;
  /**
   * The query parameters of the HTTP API under the same names: labelSelector, resourceVersion, dryRun, fieldManager, …
   * And `managedFields: 'true'` for an object with its owners, which otherwise stay with the API server.
   */
  readonly query?: Readonly<Record<string, string>> | undefined;
  /** Packed object, DeleteOptions, or patch (a packed value; for JSON patch an array). */
  readonly body?: Uint8Array | undefined;
  /** For writes whose answer nobody looks at: it carries the object's name and revision alone, unless it is a refusal. */
  readonly quiet?: boolean | undefined;
  /** For `patch`: the media type, such as `application/merge-patch+json`. */
  readonly patchType?: string | undefined;
}

export interface ApiResponse {
  /** The HTTP code. From 400 on, `object` is a packed Status. */
  readonly code: number;
  /** The packed object, for all verbs but a successful `list`. */
  readonly object?: Uint8Array | undefined;
  /** Of the object, where a quiet write is answered without it. */
  readonly name?: string | undefined;
  /** Revision of `object`: its resourceVersion. */
  readonly revision?: number | undefined;
  /** Of admission and of decoding. What a kind itself warns of is told over HTTP alone. */
  readonly warnings?: readonly string[] | undefined;
  /** For `list`: the packed items and, at the same indexes, their revisions. */
  readonly items?: readonly Uint8Array[] | undefined;
  readonly revisions?: readonly number[] | undefined;
  readonly listRevision?: number | undefined;
  readonly continue?: string | undefined;
  readonly remainingItemCount?: number | undefined;
}

export interface ApiWatchRequest extends ApiTarget {
  /** labelSelector, fieldSelector, resourceVersion, allowWatchBookmarks, sendInitialEvents, timeoutSeconds, … */
  readonly query?: Readonly<Record<string, string>> | undefined;
}

/** One event: type, revision and the object's packed bytes. An `ERROR` carries a packed Status; a `BOOKMARK` no bytes. */
export type ApiWatchEvent = readonly [
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR',
  revision: number,
  object: Uint8Array | null,
  /** Set on the bookmark that ends the initial events. */
  initialEventsEnd?: boolean,
];

/** A batch: all events of one turn for this watcher, in revision order. */
export type ApiWatchBatch = readonly ApiWatchEvent[];

export const apiChannels = {
  request: callChannel<ApiRequest, ApiResponse>('api.request'),
  /** Requests that have nothing to do with each other but their sender, each with its answer in the same place. */
  batch: callChannel<readonly ApiRequest[], readonly ApiResponse[]>('api.batch'),
  watch: streamChannel<ApiWatchRequest, ApiWatchBatch>('api.watch'),
} as const;

/** A GET below `/kubehive/`, which the API server passes on to the main thread: what only the supervisor knows. */
export interface MainQuery {
  /** What follows `/kubehive/`, such as `actors`. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

export interface MainAnswer {
  /** The HTTP code. */
  readonly code: number;
  /** Sent as JSON; a string is sent as plain text. */
  readonly body: unknown;
}

/** Served by whoever holds the actor system, under the address `main`. A cluster without it has no such paths: 404. */
export const mainChannels = {
  query: callChannel<MainQuery, MainAnswer>('main.query'),
} as const;

/** What composition attaches to each actor as its identity; the API server takes it as the authenticated user. */
export interface ApiIdentity {
  readonly user: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
  /** Field manager and user agent, such as `kube-controller-manager`. */
  readonly userAgent: string;
}

/** What an API server says of itself: where it listens, and its version. */
export interface ApiserverInfo {
  readonly http?: number | undefined;
  readonly https?: number | undefined;
  readonly version: string;
}

/** A serving certificate with its key, and the one that is shown to servers behind this one: PEM. */
export interface RenewedCertificates {
  readonly certPem: string;
  readonly keyPem: string;
  readonly proxyClient?: { readonly certPem: string; readonly keyPem: string };
}

/** What a configuration file has become. `hash` is that of its text, as upstream's metrics show it. */
export interface ConfigurationChange {
  readonly file: 'authentication' | 'authorization' | 'encryption';
  readonly hash: string;
  /** The options that the file is about; absent when `failure` says why they stay as they are. */
  readonly settings?: object;
  readonly failure?: string;
}

export const apiserverChannels = {
  info: callChannel<Record<string, never>, ApiserverInfo>('apiserver.info'),
  /** Gives the server its next certificates: new connections are shown these. */
  renew: callChannel<RenewedCertificates, Record<string, never>>('apiserver.renew'),
  /** Gives the server the next version of a configuration file, or tells it why that cannot be used. */
  configure: callChannel<ConfigurationChange, Record<string, never>>('apiserver.configure'),
} as const;
