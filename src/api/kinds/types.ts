/**
 * Kinds as data. A served kind is one literal of {@link KindDefinition}: names, scope, schema, subresources, table and, where
 * there is behaviour, a strategy. CustomResourceDefinitions make the same literals at run time; the API server has one path
 * for both.
 */
import type { Conformed } from '../conform.ts';
import type { FieldError } from '../field-errors.ts';
import type { Schema } from '../schema.ts';

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
  /** Set on custom kinds: how their objects are read, where built-in kinds have a definition in the tables. */
  readonly custom?: CustomForm;
  /** Field labels for field selectors beyond metadata.name and metadata.namespace, and how to read them. */
  readonly selectableFields?: SelectableFields;
  /** What a client is told that selects by a field label which the kind does not have, where it is not the usual message. */
  unsupportedField?(label: string): string;
  readonly table?: TableDefinition;
  /** Warning header of every request for this resource, such as `v1 Endpoints is deprecated in v1.33+; …`. */
  readonly deprecationWarning?: string;
}

/** What a CustomResourceDefinition says of the form of one version's objects. */
export interface CustomForm {
  /** For patches, server-side apply and field ownership. */
  readonly schema: Schema;
  /** Takes out what the schema does not name: `strict` names it. Types are not looked at; validation does that. */
  conform(value: unknown): Conformed & { readonly strict: readonly string[]; readonly error?: string | undefined };
  /** The schema for OpenAPI documents. */
  openApi(dialect: 'v2' | 'v3'): Record<string, unknown>;
  /** Where the scale subresource finds its parts. */
  readonly scale?: {
    readonly specReplicasPath: string;
    readonly statusReplicasPath: string;
    readonly labelSelectorPath?: string;
  };
}

/** Field labels by name; each reads its value, as text, from the kind's own form of an object. */
export type SelectableFields = Readonly<Record<string, (object: ApiObject) => string>>;

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
  /** The stored kind's group, when it is not the same (events). */
  readonly storedGroup?: string;
  /** The stored version, such as `v2`. */
  readonly storedVersion: string;
  /** The stored kind, where it need not be served (custom kinds). */
  storedKind?(): KindDefinition;
  toStored(object: ApiObject): ApiObject;
  fromStored(object: ApiObject): ApiObject;
  /**
   * Set where only a webhook can convert (custom kinds): the server has it convert, and the two functions above take only what is
   * in the right version already.
   */
  readonly webhook?: ConversionWebhook;
}

/** Who converts the objects of a CustomResourceDefinition. */
export interface ConversionWebhook {
  readonly clientConfig: {
    readonly url?: string;
    readonly service?: {
      readonly namespace: string;
      readonly name: string;
      readonly path?: string;
      readonly port?: number;
    };
    readonly caBundle?: string;
  };
  /** Versions of ConversionReview that it knows. */
  readonly conversionReviewVersions: readonly string[];
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
  /** Features that are on though they are off by default, by upstream's names of their gates. */
  readonly features?: ReadonlySet<string>;
  /** The API group that the request names, where that is not the stored kind's: events are served by two. */
  readonly requestGroup?: string;
  /** Who writes. CertificateSigningRequests record it. */
  readonly user?: RequestingUser;
  /** Warning header for what is seen only while a new object is prepared. */
  warn?(text: string): void;
}

export interface RequestingUser {
  readonly name: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/**
 * Behaviour of a kind, in upstream's order: decode → defaults → (create) prepareForCreate → validate, or (update)
 * prepareForUpdate → validateUpdate. Functions change `object` in place and never touch `previous`. All parts are optional.
 * `Type` is the generated type that a strategy is written against; {@link strategyOf} makes it one of many.
 * @see kubernetes/pkg/registry/<group>/<kind>/strategy.go
 */
export interface Strategy<Type = ApiObject> {
  /**
   * Sets defaults of the versioned type, in place. Runs on decode, also for stored objects on update. What the object shares with
   * `live`, the current one, has its defaults already.
   */
  defaults?(object: Type, live?: Type): void;
  prepareForCreate?(object: Type, context: StrategyContext): void;
  /** Whether validation compiles or runs expressions: `loadExpressions` is awaited before. */
  usesExpressions?(object: Type): boolean;
  validate?(object: Type, context: StrategyContext): FieldError[];
  prepareForUpdate?(object: Type, previous: Type, context: StrategyContext): void;
  validateUpdate?(object: Type, previous: Type, context: StrategyContext): FieldError[];
  /**
   * What the kind's own part of an update looks at in metadata after the general part has: all of it, or what an update may not change.
   * Upstream repeats what it finds as often. Default: the changes.
   */
  readonly metadataOnUpdate?: readonly ('whole' | 'changes')[];
  /** Warning headers for what a client wrote. */
  warnings?(object: Type, previous: Type | undefined): string[];
  /**
   * The status subresource: everything but status and metadata is taken from `previous`, and of metadata what
   * {@link StatusStrategy.keptMetadata} names.
   */
  readonly status?: StatusStrategy<Type>;
  /** Subresources other than status that update the kind itself (`resize`, `ephemeralcontainers`, `approval`, …), by name. */
  readonly subresources?: Readonly<Record<string, SubresourceStrategy<Type>>>;
  /** PUT to a name that does not exist creates it (leases, events, …). */
  readonly allowCreateOnUpdate?: boolean;
  /** PUT without resourceVersion is allowed. Default true. */
  readonly allowUnconditionalUpdate?: boolean;
  /** Default grace period of a delete in seconds; undefined: the kind is deleted at once. Pods: 30, or what their spec says. */
  gracePeriodSeconds?(object: Type, requested: number | undefined): number | undefined;
  /** Finalizers of its own (namespaces: spec.finalizers) that keep a deleted object. */
  hasFinalizers?(object: Type): boolean;
  /** Default propagation when a DELETE names none: `background`, or `orphan` for kinds that upstream treats so. */
  readonly defaultPropagation?: 'background' | 'orphan';
  /** Warning header of a delete that names no propagation and so leaves dependents behind. */
  readonly orphanWarning?: string;
  /**
   * Whether metadata.generation is kept: 1 on create, one more whenever this says that the desired state changed.
   * `true`: when `spec` differs. Default: true when the kind has a status subresource, as custom kinds have it.
   */
  readonly generation?: boolean | ((object: Type, previous: Type) => boolean);
  /** The status of a new object: what a client sent is dropped. Default for kinds with a status subresource: `{}`. */
  initialStatus?(object: Type): unknown;
  /** The status that a client sends on create is kept (nodes, reviews). */
  readonly keepStatusOnCreate?: boolean;
  /** Name rule for metadata.name; default DNS-1123 subdomain. Returns upstream's messages. */
  validateName?(name: string, prefix: boolean): string[];
}

/** How one subresource changes its object, in the order of {@link Strategy}. */
export interface SubresourceStrategy<Type = ApiObject> {
  prepareForUpdate?(object: Type, previous: Type, context: StrategyContext): void;
  validateUpdate?(object: Type, previous: Type, context: StrategyContext): FieldError[];
}

export interface StatusStrategy<Type = ApiObject> extends SubresourceStrategy<Type> {
  /**
   * Metadata that an update of status cannot change. Default: labels, annotations, finalizers and ownerReferences, as upstream's newer
   * kinds; many older ones keep less. `all`: everything but managedFields, as custom kinds.
   */
  readonly keptMetadata?: readonly MetadataField[] | 'all';
}

/** The parts of metadata that a client may change on an object that exists. */
export type MetadataField = 'labels' | 'annotations' | 'finalizers' | 'ownerReferences';

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
  /** One cell a column, also those of wide output. Reads the kind's own form of an object, not the stored one. */
  row(object: ApiObject, context: { readonly nowMs: number }): unknown[];
  /** Conditions of a row, such as a completed pod's. */
  conditions?(object: ApiObject): readonly { type: string; status: string; reason: string; message: string }[];
  /** The order of rows of a list, when it is not the objects' own. */
  compare?(a: ApiObject, b: ApiObject): number;
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
