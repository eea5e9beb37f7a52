/**
 * One request on its way through the pipeline, and its answer. Both doors make a Call and turn its Answer into bytes; nothing
 * between the doors knows which one it came through.
 */
import type { TLSSocket } from 'node:tls';
import type { ApiObject, EmptiedList, KindDefinition, SubresourceDefinition } from '../../src/api/index.ts';
import type { AuditRecord } from './audit/event.ts';
import type { Entry } from './cache/entry.ts';
import type { WatchEventType } from './cache/watch-router.ts';
import type { Client, Seat } from './fairness/index.ts';
import type { Exchange } from './streams/exchange.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** Who asks. */
export interface Identity {
  readonly user: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** What a door knows of who asks, before authentication. */
export type Credentials =
  | { readonly type: 'bus'; readonly identity: Identity }
  | {
      readonly type: 'http';
      readonly secure: boolean;
      /** The connection: its client certificate and its other end. */
      readonly socket: TLSSocket;
      /** The same object for all requests of a connection. */
      readonly connection: object;
      /** Path and query as they came. */
      readonly uri: string;
      readonly authorization: string | undefined;
      readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
      /** Names and values in turn, each line as it came. */
      readonly rawHeaders: readonly string[];
    };

/** A body as it came: packed from the bus, text from HTTP. */
export type Body =
  | { readonly form: 'packed'; readonly bytes: Uint8Array }
  | { readonly form: 'json' | 'yaml' | 'protobuf'; readonly bytes: Buffer };

export interface Call {
  readonly door: 'bus' | 'http';
  readonly verb: Verb;
  readonly kind: KindDefinition;
  readonly subresource: SubresourceDefinition | undefined;
  readonly namespace: string | undefined;
  /** From the path; for creates the object's own name, once known. */
  name: string | undefined;
  /** Query parameters; of a repeated one, the first. */
  readonly query: Readonly<Record<string, string>>;
  /** All values of a repeated query parameter, such as exec's `command`. */
  queryAll(name: string): readonly string[];
  body: Body | undefined;
  /** Reads the body, once the user is known and may do what is asked. */
  readonly readBody?: (() => Promise<Body | undefined>) | undefined;
  /** Media type of a patch. */
  readonly patchType: string | undefined;
  /** Path behind a `proxy` subresource. */
  readonly proxyPath: string | undefined;
  readonly credentials: Credentials;
  readonly userAgent: string;
  /** Filled in by authentication, changed by impersonation. */
  user: Identity;
  /** Who really asked, when impersonating. */
  realUser: Identity | undefined;
  readonly auditId: string;
  /** What the audit log will tell of it, where it is to. */
  audit: AuditRecord | undefined;
  /** Who waits for the answer, over HTTP. */
  client: Client | undefined;
  /** Its place among the requests that run, given back at its end. */
  seat: Seat | undefined;
  /** Sent as Warning headers. */
  readonly warnings: string[];
  /** What authentication notes for the audit log, whose record begins later. */
  annotations: Readonly<Record<string, string>> | undefined;
  dryRun: boolean;
  fieldManager: string;
  /** What is to be written, from decode on. */
  object: ApiObject | undefined;
  /** Who will own the fields of `object`, as it is stored. */
  owners: Uint8Array | undefined;
  /** Lists that the body gives as empty and that are stored as none. */
  emptied: readonly EmptiedList[] | undefined;
  /** The current object of an update, patch or delete. */
  previous: Entry | undefined;
  /** Options of a delete, decoded. */
  deleteOptions: DeleteOptionsBody | undefined;
  /** Attempts so far at a write that may lose a race. */
  attempt: number;
  answer: Answer | undefined;
  /** Whether the server made the name up, of a `generateName`: only then another is tried where it is taken. */
  hasGeneratedName?: boolean;
  /** For writes to a subresource of another kind: the decoded body, such as a Binding or a Scale. */
  part: ApiObject | undefined;
  /** Revision that the client named in the object it writes: a lost race is then a conflict, and not tried again. */
  expectedRevision: string | undefined;
}

export interface DeleteOptionsBody {
  gracePeriodSeconds?: number | undefined;
  propagationPolicy?: string | undefined;
  orphanDependents?: boolean | undefined;
  preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined;
  dryRun?: string[] | undefined;
  ignoreStoreReadErrorWithClusterBreakingPotential?: boolean | undefined;
}

/** The receiving end that a door gives to a watch. */
export interface WatchSink {
  /** Events collected until `flush`. */
  event(type: WatchEventType, entry: Entry): void;
  bookmark(revision: number, initialEventsEnd: boolean): void;
  flush(): void;
  /** Ends the stream, with a Status first when something went wrong. */
  end(status?: ApiObject): void;
}

export type Answer =
  /** A stored object. */
  | { readonly type: 'entry'; readonly code: number; readonly entry: Entry; readonly kind: KindDefinition }
  /** Any other object, such as a Status, a Scale or a TokenRequest. */
  | { readonly type: 'object'; readonly code: number; readonly object: ApiObject }
  | {
      readonly type: 'list';
      readonly kind: KindDefinition;
      readonly entries: readonly Entry[];
      readonly revision: number;
      readonly continue?: string | undefined;
      readonly remainingItemCount?: number | undefined;
    }
  /** The door calls `open` with its sink; the returned function ends the watch. */
  | { readonly type: 'watch'; readonly kind: KindDefinition; open(sink: WatchSink): () => void }
  /** Plain bytes, such as logs. `next` returns false when the reader has gone. */
  | {
      readonly type: 'stream';
      readonly contentType: string;
      open(sink: { next(chunk: Uint8Array): void; end(error?: unknown): void }): () => void;
    }
  | { readonly type: 'empty'; readonly code: number }
  /** Takes the HTTP exchange over: exec, port-forward, proxies. A rejection with a StatusError is answered as one. */
  | { readonly type: 'exchange'; serve(exchange: Exchange): void | Promise<void> };

/** Where a call is, as rules of audit and of flow control name it: a namespace counts as being in itself. */
export function namespaceOf({ kind, namespace, name }: Call): string {
  return namespace ?? (kind.plural === 'namespaces' && kind.group === '' ? (name ?? '') : '');
}
