/**
 * Objects as tables and as bare metadata: what `kubectl get` and metadata informers ask for.
 * @see staging/src/k8s.io/apiserver/pkg/endpoints/handlers/response.go
 */
import {
  type ApiObject,
  type ColumnDefinition,
  defaultTable,
  type KindDefinition,
  type TableDefinition,
  tableOfKind,
} from '../../../src/api/index.ts';
import type { Entry } from '../cache/entry.ts';
import { goJsonText } from './text.ts';

/** What rows carry beside their cells. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

interface ListMetadata {
  readonly resourceVersion?: string;
  readonly continue?: string | undefined;
  readonly remainingItemCount?: number | undefined;
}

/** What a row is made of. */
type Rowed = Pick<Entry, 'object' | 'whole'>;

/** The entries, in the kind's own form, as a table. */
export function tableOf(
  kind: KindDefinition,
  entries: readonly Rowed[],
  metadata: ListMetadata,
  include: IncludeObject,
  version: string,
  nowMs: number,
): ApiObject {
  const table = tableOfKind(kind);
  const { compare } = table;
  const ordered = compare === undefined ? entries : [...entries].sort((a, b) => compare(a.object, b.object));
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${version}`,
    metadata: metadata as ApiObject['metadata'],
    columnDefinitions: table.columns.map(columnOf),
    // Upstream's default table of nothing has no rows at all.
    rows:
      ordered.length === 0 && table === defaultTable
        ? null
        : ordered.map((entry) => rowOf(table, entry, include, version, nowMs)),
  };
}

/**
 * The JSON of a table of cached entries whose rows carry metadata or nothing: put together from the texts that the entries keep, so that
 * a long list costs its cells.
 */
export function tableBytes(
  kind: KindDefinition,
  entries: readonly Entry[],
  metadata: ListMetadata,
  include: Exclude<IncludeObject, 'Object'>,
  version: string,
  nowMs: number,
): Buffer {
  const table = tableOfKind(kind);
  const { compare } = table;
  const ordered = compare === undefined ? entries : [...entries].sort((a, b) => compare(a.object, b.object));
  const { rows: _rows, ...head } = tableOf(kind, [], metadata, include, version, nowMs);
  const parts: Uint8Array[] = [];
  let text = `${goJsonText(head).slice(0, -1)},"rows":[`;
  const carried =
    include === 'None'
      ? ',"object":null}'
      : `,"object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${version}","metadata":`;
  const context = { nowMs };
  ordered.forEach((entry, index) => {
    const { object } = entry;
    const conditions = table.conditions?.(object) ?? [];
    if (index > 0) text += ',';
    text += `{"cells":${goJsonText(table.row(object, context))}`;
    if (conditions.length > 0) text += `,"conditions":${goJsonText(conditions)}`;
    text += carried;
    if (include === 'None') return;
    parts.push(Buffer.from(text), entry.metadataJson);
    text = '}}';
  });
  parts.push(Buffer.from(`${text}]}\n`));
  return Buffer.concat(parts);
}

function columnOf({ name, type, format, description, priority }: ColumnDefinition) {
  return { name, type, format: format ?? '', description, priority: priority ?? 0 };
}

function rowOf(table: TableDefinition, entry: Rowed, include: IncludeObject, version: string, nowMs: number) {
  const { object } = entry;
  const conditions = table.conditions?.(object);
  return {
    cells: table.row(object, { nowMs }),
    ...(conditions === undefined || conditions.length === 0 ? {} : { conditions }),
    object: include === 'Object' ? entry.whole : include === 'None' ? null : metadataOf(entry.whole, version),
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
