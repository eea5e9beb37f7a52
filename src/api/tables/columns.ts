/** The parts that tables are made of: columns with lazy descriptions, and how several kinds show labels, selectors and containers. */
import type { LabelSelector, ObjectMeta } from '../generated/types.ts';
import type { ColumnDefinition, Conversion, TableDefinition } from '../kinds/types.ts';
import { labelSelectorOf, SelectorError } from '../selectors.ts';
import { since } from './durations.ts';
import { fieldDoc } from './field-docs.ts';

/** A text, or the field of a definition whose description it is: `['io.k8s.api.core.v1.PodStatus', 'podIP']`. */
export type Description = string | readonly [definition: string, field: string];

export const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** A column whose description is looked up when it is read. */
export function column(
  name: string,
  type: 'string' | 'integer' | 'boolean' | 'date',
  description: Description,
  priority = 0,
  format = '',
): ColumnDefinition {
  return {
    name,
    type,
    format,
    get description() {
      return typeof description === 'string' ? description : fieldDoc(description[0], description[1]);
    },
    priority,
  };
}

export const nameColumn = column('Name', 'string', [OBJECT_META, 'name'], 0, 'name');
export const ageColumn = column('Age', 'string', [OBJECT_META, 'creationTimestamp']);
/** Of the default table, which shows the time itself; clients make an age of it. */
export const createdAtColumn = column('Created At', 'date', [OBJECT_META, 'creationTimestamp']);

/** The columns that all workloads with a pod template end with in wide output. */
export const containerColumns: readonly ColumnDefinition[] = [
  column('Containers', 'string', 'Names of each container in the template.', 1),
  column('Images', 'string', 'Images referenced by each container in the template.', 1),
];

export interface RowContext {
  readonly nowMs: number;
}

/** A table written against the generated type of its kind. */
export interface TypedTable<Type> {
  readonly columns: readonly ColumnDefinition[];
  row(object: Type, context: RowContext): unknown[];
  conditions?(object: Type): ReturnType<NonNullable<TableDefinition['conditions']>>;
  compare?(a: Type, b: Type): number;
}

/** A table as the registry holds it. An object that was decoded as a kind is of that kind's type. */
export function tableOf<Type>(table: TypedTable<Type>): TableDefinition {
  return table as unknown as TableDefinition;
}

/** The table of a kind that is stored in another form: rows are made of that form. */
export function throughStored(table: TableDefinition, conversion: Conversion): TableDefinition {
  return { ...table, row: (object, context) => table.row(conversion.toStored(object), context) };
}

type Named = { readonly metadata?: ObjectMeta | undefined };

export function nameOf(object: Named): string {
  return object.metadata?.name ?? '';
}

export function ageOf(object: Named, { nowMs }: RowContext): string {
  return since(object.metadata?.creationTimestamp, nowMs);
}

export function isTerminating(object: Named): boolean {
  return object.metadata?.deletionTimestamp !== undefined;
}

/** `a=b,c=d`, sorted; `<none>` without any. @see apimachinery/pkg/labels/labels.go FormatLabels */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '<none>' : pairs.sort().join(',');
}

/** The text of a selector; `<none>` for one that is missing or selects everything, `<error>` for one that makes no sense. */
export function formatSelector(selector: LabelSelector | undefined): string {
  return selectorText(selector, '<error>') || '<none>';
}

/** The text of a selector, which may be empty, or `invalid` for one that makes no sense. */
export function selectorText(selector: LabelSelector | undefined, invalid: string): string {
  try {
    return labelSelectorOf(selector).toString();
  } catch (error) {
    if (error instanceof SelectorError) return invalid;
    throw error;
  }
}

/** Names and images of containers, as two cells. */
export function containerCells(
  containers: readonly { readonly name?: string; readonly image?: string | undefined }[] | undefined,
): [names: string, images: string] {
  const list = containers ?? [];
  return [list.map(({ name = '' }) => name).join(','), list.map(({ image = '' }) => image).join(',')];
}

/** The first three of a list and how many more there are. */
export function firstThree(list: readonly string[], empty: string): string {
  if (list.length === 0) return empty;
  const text = list.slice(0, 3).join(',');
  return list.length > 3 ? `${text} + ${list.length - 3} more...` : text || empty;
}

/** For kinds whose table is a name and an age. */
export const nameAndAge: TableDefinition = tableOf<Named>({
  columns: [nameColumn, ageColumn],
  row: (object, context) => [nameOf(object), ageOf(object, context)],
});

/** For kinds without a table of their own: the name and the time of creation. */
export const defaultTable: TableDefinition = tableOf<Named>({
  columns: [nameColumn, createdAtColumn],
  row: (object) => [nameOf(object), object.metadata?.creationTimestamp ?? null],
});
