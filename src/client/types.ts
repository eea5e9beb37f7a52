/**
 * The contracts between the API and everything that uses it: resource tokens, the typed client (Reader and Writer apart),
 * informers and listers. One interface, two transports: the bus (same process) and HTTP (another process).
 */
import type { Observable } from 'rxjs';
import type { ObjectMeta, Status } from '../api/index.ts';

/** The least that every API object has. */
export interface KubernetesObject {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  metadata?: ObjectMeta | undefined;
}

/** A typed name of a resource. The common ones stand in resources.ts; any other is an object literal of this shape. */
export interface Resource<Type extends KubernetesObject = KubernetesObject> {
  readonly group: string;
  readonly version: string;
  /** Plural, such as `pods`. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Phantom member. */
  readonly type?: Type;
}

/**
 * A part of what there is to know of a resource, which the API server knows by name, for clients on the bus: the objects
 * `controlled-by:KIND` (by an owner of that kind, or by nobody), the pods `claiming` volumes or devices; of all objects only
 * changes of their `ownership`; of pods only their `assignment` to nodes, and their end; the Jobs that are `expiring` some time. It spares a thread what it would ignore.
 * It is a hint: clients over HTTP get everything.
 */
export type Interest = `controlled-by:${string}` | 'claiming' | 'ownership' | 'assignment' | 'expiring';

/**
 * Members of objects that somebody reads, such as `metadata` or `spec.nodeName`: over the bus, maps and arrays that are not among them
 * need not be decoded. A hint as well: clients over HTTP get everything.
 */
export type MemberPaths = readonly string[];

export interface ListOptions {
  /** Omitted: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly interest?: Interest | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan' | undefined;
  /** The objects are only read: over the bus they may share parts that are alike, which takes less time and memory. */
  readonly shared?: boolean | undefined;
  /** What is asked for of objects that are `shared`; default: everything. */
  readonly members?: MemberPaths | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WatchOptions extends ListOptions {
  readonly allowWatchBookmarks?: boolean | undefined;
  readonly sendInitialEvents?: boolean | undefined;
  readonly timeoutSeconds?: number | undefined;
}

export interface ObjectList<Type> {
  readonly items: Type[];
  readonly resourceVersion: string;
  readonly continue?: string | undefined;
  readonly remainingItemCount?: number | undefined;
}

export type WatchEvent<Type> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Type }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string; readonly initialEventsEnd: boolean };

export interface WriteOptions {
  readonly dryRun?: boolean | undefined;
  readonly fieldManager?: string | undefined;
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore' | undefined;
  /** Such as `status`, `scale`, `binding`, `eviction`. */
  readonly subresource?: string | undefined;
  /** Nobody looks at the answer: over the bus it carries name and resourceVersion alone, or nothing for events. */
  readonly quiet?: boolean | undefined;
  /** The answer is only read; see {@link ListOptions.shared}. */
  readonly shared?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PatchOptions extends WriteOptions {
  /** For apply patches: take over fields owned by others. */
  readonly force?: boolean | undefined;
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' | undefined;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined;
  readonly dryRun?: boolean | undefined;
  /** As {@link WriteOptions.quiet}. */
  readonly quiet?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Which object: its name, and its namespace for namespaced kinds. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface GetOptions {
  readonly resourceVersion?: string;
  readonly subresource?: string;
  /** For the few APIs whose single answers are chosen by labels: those of custom metrics. */
  readonly labelSelector?: string;
  readonly metricLabelSelector?: string;
  /** With `metadata.managedFields`, which answers over the bus otherwise leave out. */
  readonly managedFields?: boolean;
  readonly signal?: AbortSignal;
}

/** Every method rejects with a StatusError (src/api) when the API answers with one. */
export interface Reader {
  get<Type extends KubernetesObject>(resource: Resource<Type>, key: ObjectKey, options?: GetOptions): Promise<Type>;
  list<Type extends KubernetesObject>(resource: Resource<Type>, options?: ListOptions): Promise<ObjectList<Type>>;
  /** Cold. Completes when the server ends the watch; errors with a StatusError (410 `Expired` included). */
  watch<Type extends KubernetesObject>(resource: Resource<Type>, options?: WatchOptions): Observable<WatchEvent<Type>>;
}

export interface Writer {
  /** The namespace is taken from the object's metadata. */
  create<Type extends KubernetesObject>(resource: Resource<Type>, object: Type, options?: WriteOptions): Promise<Type>;
  update<Type extends KubernetesObject>(resource: Resource<Type>, object: Type, options?: WriteOptions): Promise<Type>;
  patch<Type extends KubernetesObject>(
    resource: Resource<Type>,
    key: ObjectKey,
    type: PatchType,
    patch: unknown,
    options?: PatchOptions,
  ): Promise<Type>;
  delete<Type extends KubernetesObject>(
    resource: Resource<Type>,
    key: ObjectKey,
    options?: DeleteOptions,
  ): Promise<Type | Status>;
  deleteCollection<Type extends KubernetesObject>(
    resource: Resource<Type>,
    options?: ListOptions & DeleteOptions,
  ): Promise<void>;
  /** POSTs `body` to a subresource whose body is of another kind: binding, eviction, token. Resolves with the answer. */
  post<Type extends KubernetesObject>(
    resource: Resource<Type>,
    key: ObjectKey,
    subresource: string,
    body: KubernetesObject,
    options?: WriteOptions,
  ): Promise<KubernetesObject>;
}

export interface Client extends Reader, Writer {}

export type Change<Type> =
  | { readonly type: 'added'; readonly object: Type; readonly initial: boolean }
  | { readonly type: 'updated'; readonly object: Type; readonly previous: Type }
  | { readonly type: 'deleted'; readonly object: Type };

/** Reads from an informer's cache. Objects are shared by all readers and must not be changed: copy what you change. */
export interface Lister<Type> {
  get(namespace: string | undefined, name: string): Type | undefined;
  /** All, or those of one namespace. */
  list(namespace?: string): Type[];
  /** Objects that the index function filed under `value`; see {@link Informer.addIndex}. */
  byIndex(index: string, value: string): Type[];
}

export interface Informer<Type extends KubernetesObject> {
  readonly resource: Resource<Type>;
  readonly lister: Lister<Type>;
  /** Hot; a new subscriber first gets an `added` (initial) for each object that is already cached. */
  readonly changes$: Observable<Change<Type>>;
  readonly hasSynced: boolean;
  synced(): Promise<void>;
  /** Files objects under the values that `valuesOf` gives. The same name twice is ignored. */
  addIndex(name: string, valuesOf: (object: Type) => readonly string[]): void;
}

export interface InformerOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly interest?: Interest;
  readonly members?: MemberPaths;
}

/** Parts of a resource that are followed while they are wanted. */
export interface Parts<Type extends KubernetesObject> {
  /** What is known of the parts that are followed. Of a part that nobody wants it may hold nothing. */
  readonly lister: Lister<Type>;
  /**
   * Resolves when all objects of the part are in the lister; they are kept up to date from then on. Rejects when it is dropped
   * before, which whoever does not wait need not hear of.
   */
  want(part: string): Promise<void>;
  /** The part is not needed any more: its objects may leave the lister, and nobody is told. */
  drop(part: string): void;
  /** Files objects under the values that `valuesOf` gives. The same name twice is ignored. */
  addIndex(name: string, valuesOf: (object: Type) => readonly string[]): void;
}

/** Informers of one client: the same resource and options give the same informer. Relists after a 410 or a closed link, with back-off. */
export interface Informers {
  informer<Type extends KubernetesObject>(resource: Resource<Type>, options?: InformerOptions): Informer<Type>;
  /** Resolves when all informers asked for so far have synced. */
  synced(): Promise<void>;
}
