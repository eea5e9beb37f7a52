/**
 * Objects as tables and as bare metadata: what `kubectl get` and metadata informers ask for.
 * @see staging/src/k8s.io/apiserver/pkg/endpoints/handlers/response.go
 */
import type { ApiObject, ColumnDefinition, KindDefinition, TableDefinition } from '../../../src/api/index.ts';
import type { Entry } from '../cache/entry.ts';

/** What rows carry beside their cells. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

interface ListMetadata {
  readonly resourceVersion?: string;
  readonly continue?: string | undefined;
  readonly remainingItemCount?: number | undefined;
}

const DEFAULT_TABLE: TableDefinition = {
  columns: [
    {
      name: 'Name',
      type: 'string',
      format: 'name',
      description:
        'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names',
    },
    {
      name: 'Created At',
      type: 'date',
      description:
        'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata',
    },
  ],
  row: (object) => [object.metadata.name, object.metadata['creationTimestamp']],
};

export function tableOf(
  kind: KindDefinition,
  entries: readonly Entry[],
  metadata: ListMetadata,
  include: IncludeObject,
  version: string,
  nowMs: number,
): ApiObject {
  const table = kind.table ?? DEFAULT_TABLE;
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${version}`,
    metadata: metadata as ApiObject['metadata'],
    columnDefinitions: table.columns.map(columnOf),
    rows: entries.map((entry) => rowOf(kind, table, entry, include, version, nowMs)),
  };
}

function columnOf({ name, type, format, description, priority }: ColumnDefinition) {
  return { name, type, format: format ?? '', description, priority: priority ?? 0 };
}

function rowOf(
  kind: KindDefinition,
  table: TableDefinition,
  entry: Entry,
  include: IncludeObject,
  version: string,
  nowMs: number,
) {
  const { object } = entry.view(kind);
  const conditions = table.conditions?.(object);
  return {
    cells: table.row(object, { nowMs }),
    ...(conditions === undefined || conditions.length === 0 ? {} : { conditions }),
    object: include === 'Object' ? object : include === 'None' ? null : metadataOf(object, version),
  };
}

/** An object as its metadata alone. */
export function metadataOf(object: ApiObject, version: string): ApiObject {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

/** The columns without rows, for a watch's later events: clients keep those of the first. */
export function rowsOnly(table: ApiObject): ApiObject {
  return { ...table, columnDefinitions: null };
}
