/**
 * What the rows of the built-in kinds have in common: the group and version that a file is about, upstream's naming rules for
 * plural, singular, definition and storage prefix, and the subresources that many kinds share.
 */
import type { KindDefinition, SubresourceDefinition } from './types.ts';

/** A row as the group files write it: what follows from the kind's name is left out. */
export type KindRow = Omit<
  KindDefinition,
  'group' | 'version' | 'kind' | 'plural' | 'singular' | 'definition' | 'storagePrefix' | 'namespaced'
> & {
  readonly plural: string;
  /** Default: the kind in lower case. */
  readonly singular?: string;
  /** Default true. */
  readonly namespaced?: boolean;
  /** Default: `/registry/` and the plural. */
  readonly storagePrefix?: string;
  readonly definition?: string;
};

/** The status subresource as all kinds that have one serve it. */
export const STATUS: SubresourceDefinition = { name: 'status', verbs: ['get', 'patch', 'update'] };

/** The scale subresource, served as autoscaling/v1 Scale whatever the parent's group is. */
export const SCALE: SubresourceDefinition = {
  name: 'scale',
  verbs: ['get', 'patch', 'update'],
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  definition: 'io.k8s.api.autoscaling.v1.Scale',
};

/** Verbs of the virtual kinds that answer a question and store nothing, such as TokenReview. */
export const CREATE_ONLY: readonly string[] = ['create'];

/**
 * Returns the function that makes the rows of one group and version.
 * `definitions` is the prefix of their names in the schema tables, such as `io.k8s.api.apps.v1`.
 */
export function rowsOf(
  group: string,
  version: string,
  definitions: string,
): (kind: string, row: KindRow) => KindDefinition {
  return (kind, row) => ({
    ...row,
    group,
    version,
    kind,
    singular: row.singular ?? kind.toLowerCase(),
    namespaced: row.namespaced ?? true,
    definition: row.definition ?? `${definitions}.${kind}`,
    storagePrefix: row.storagePrefix ?? `/registry/${row.plural}`,
  });
}
