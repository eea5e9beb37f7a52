/**
 * Kinds as data. A served kind is one literal of {@link KindDefinition}: names, scope, schema, subresources, table and, where
 * there is behaviour, a strategy. CustomResourceDefinitions make the same literals at run time; the API server has one path
 * for both.
 */
import type { FieldError } from '../field-errors.ts';

/** An API object as decoded data. Strategies narrow it to the generated types. */
export type ApiObject = {
  apiVersion: string;
  kind: string;
  metadata: Record<string, unknown> & { name?: string; namespace?: string };
  [field: string]: unknown;
};

export interface KindDefinition {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Defaults to `${kind}List`. */
  readonly listKind?: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly namespaced: boolean;
  /** Name of its definition in the schema tables, such as `io.k8s.api.core.v1.Pod`. */
  readonly definition: string;
  /** Verbs that the resource has; default: create delete deletecollection get list patch update watch. */
  readonly verbs?: readonly string[];
  readonly subresources?: readonly SubresourceDefinition[];
  /**
   * Key prefix in the store, upstream's: `/registry/pods`, `/registry/services/specs`, `/registry/minions`. Several versions of a kind share it.
   */
  readonly storagePrefix: string;
  /** Set on versions that are not stored: objects are converted to and from the stored version. */
  readonly conversion?: Conversion;
  readonly strategy?: Strategy;
  /** Field labels for field selectors beyond metadata.name and metadata.namespace, and how to read them. */
  readonly selectableFields?: Readonly<Record<string, (object: ApiObject) => string>>;
  readonly table?: TableDefinition;
}

export interface SubresourceDefinition {
  /** `status`, `scale`, `binding`, `eviction`, `log`, `exec`, … */
  readonly name: string;
  readonly verbs: readonly string[];
  /** Kind of the body when it differs from the parent's, with its group and version. */
  readonly kind?: string;
  readonly group?: string;
  readonly version?: string;
  readonly definition?: string;
}

export interface Conversion {
  /** The stored version, such as `v2`. */
  readonly storedVersion: string;
  toStored(object: ApiObject): ApiObject;
  fromStored(object: ApiObject): ApiObject;
}

/** What strategies may ask of the server: time and chance, and the cluster's settings. */
export interface StrategyContext {
  /** Current time, RFC 3339 in seconds. */
  readonly now: string;
  readonly nowMs: number;
  uuid(): string;
  /** `length` characters of the suffix alphabet. */
  suffix(length: number): string;
  readonly dryRun: boolean;
}

/**
 * Behaviour of a kind, in upstream's order: decode → defaults → (create) prepareForCreate → validate, or (update)
 * prepareForUpdate → validateUpdate. Functions change `object` in place and never touch `previous`. All parts are optional.
 * @see kubernetes/pkg/registry/<group>/<kind>/strategy.go
 */
export interface Strategy {
  /** Sets defaults of the versioned type, in place. Runs on decode, also for stored objects on update. */
  defaults?(object: ApiObject): void;
  prepareForCreate?(object: ApiObject, context: StrategyContext): void;
  validate?(object: ApiObject, context: StrategyContext): FieldError[];
  prepareForUpdate?(object: ApiObject, previous: ApiObject, context: StrategyContext): void;
  validateUpdate?(object: ApiObject, previous: ApiObject, context: StrategyContext): FieldError[];
  /** Warning headers for what a client wrote. */
  warnings?(object: ApiObject, previous: ApiObject | undefined): string[];
  /** The status subresource: by default everything but status and metadata's managedFields is taken from `previous`. */
  readonly status?: {
    prepareForUpdate?(object: ApiObject, previous: ApiObject, context: StrategyContext): void;
    validateUpdate?(object: ApiObject, previous: ApiObject, context: StrategyContext): FieldError[];
  };
  /** PUT to a name that does not exist creates it (leases, events, …). */
  readonly allowCreateOnUpdate?: boolean;
  /** PUT without resourceVersion is allowed. Default true. */
  readonly allowUnconditionalUpdate?: boolean;
  /** Default grace period of a delete in seconds; undefined: the kind is deleted at once. Pods: 30, or what their spec says. */
  gracePeriodSeconds?(object: ApiObject, requested: number | undefined): number | undefined;
  /** Finalizers of its own (namespaces: spec.finalizers) that keep a deleted object. */
  hasFinalizers?(object: ApiObject): boolean;
  /** Default propagation when a DELETE names none: `background`, or `orphan` for kinds that upstream treats so. */
  readonly defaultPropagation?: 'background' | 'orphan';
  /** Metadata generation counts spec changes. Default: true when the kind has a status subresource. */
  readonly generation?: boolean;
  /** Name rule for metadata.name; default DNS-1123 subdomain. Returns upstream's messages. */
  validateName?(name: string, prefix: boolean): string[];
}

export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description: string;
  /** 0: always; 1: with `-o wide`. */
  readonly priority?: number;
}

export interface TableDefinition {
  readonly columns: readonly ColumnDefinition[];
  /** One cell a column. */
  row(object: ApiObject, context: { readonly nowMs: number }): unknown[];
  /** Conditions of a row, such as a completed pod's. */
  conditions?(object: ApiObject): readonly { type: string; status: string; reason: string; message: string }[];
}

/** All served kinds, looked up by resource or kind. Built-ins are there from the start; custom ones come and go. */
export interface KindRegistry {
  byResource(group: string, version: string, plural: string): KindDefinition | undefined;
  byKind(group: string, version: string, kind: string): KindDefinition | undefined;
  /** The version of a group that discovery prefers. */
  preferredVersion(group: string): string | undefined;
  all(): readonly KindDefinition[];
  add(kind: KindDefinition): void;
  remove(group: string, version: string, plural: string): void;
  /** Grows by one on every change, for caches of what is generated from the kinds. */
  readonly generation: number;
}
