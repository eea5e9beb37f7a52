/**
 * The table of a custom kind: the name, then the printer columns of its version, or the age when it has none.
 * @see apiextensions-apiserver/pkg/registry/customresource/tableconvertor/tableconvertor.go
 */
import { quote } from '../go-text.ts';
import { type JsonPath, parseJsonPath } from '../jsonpath.ts';
import type { ApiObject, ColumnDefinition, TableDefinition } from '../kinds/types.ts';
import { nameColumn } from '../tables/columns.ts';
import { since } from '../tables/durations.ts';
import { fieldDoc } from '../tables/field-docs.ts';

/** A printer column as definitions have it. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** Made when the kind is registered; descriptions and paths are read when somebody asks for a table. */
export function customTable(given: readonly PrinterColumn[] | undefined): TableDefinition {
  let columns: readonly ColumnDefinition[] | undefined;
  let readers: readonly { read: JsonPath | undefined; type: string }[] | undefined;
  const printed = (): readonly PrinterColumn[] => (given === undefined || given.length === 0 ? ageOnly() : given);
  return {
    get columns() {
      columns ??= [nameColumn, ...printed().map(columnOf)];
      return columns;
    },
    row(object, { nowMs }) {
      readers ??= printed().map(({ jsonPath, type }) => ({ read: pathOf(jsonPath), type }));
      return [object.metadata.name, ...readers.map(({ read, type }) => cellOf(object, read, type, nowMs))];
    },
  };
}

function ageOnly(): readonly PrinterColumn[] {
  const description = fieldDoc(META, 'creationTimestamp');
  return [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description }];
}

function columnOf({ name, type, format, description, jsonPath, priority }: PrinterColumn): ColumnDefinition {
  const text = description || `Custom resource definition column (in JSONPath format): ${jsonPath}`;
  return { name, type, ...(format ? { format } : {}), description: text, priority: priority ?? 0 };
}

/** A path that cannot be read leaves its column empty: validation has let it through in an earlier release. */
function pathOf(text: string): JsonPath | undefined {
  try {
    return parseJsonPath(text);
  } catch {
    return undefined;
  }
}

function cellOf(object: ApiObject, read: JsonPath | undefined, type: string, nowMs: number): unknown {
  const found = read?.(object) ?? [];
  const first = found[0];
  if (first === undefined || first === null) return null;
  switch (type) {
    case 'integer':
      if (typeof first === 'number') return Math.trunc(first);
      return typeof first === 'string' && /^[-+]?\d+$/.test(first) ? Number(first) : null;
    case 'number':
      if (typeof first === 'number') return first;
      return typeof first === 'string' && first.trim() !== '' && Number.isFinite(Number(first)) ? Number(first) : null;
    case 'boolean':
      return typeof first === 'boolean' ? first : null;
    case 'string':
      return found.length > 1 ? found.map(textOf).join(' ') : textOf(first);
    case 'date':
      if (typeof first !== 'string') return null;
      return Number.isNaN(Date.parse(first)) ? '<invalid>' : since(first, nowMs);
    default:
      return null;
  }
}

/** Lists and maps print as JSON. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value)
    ? `[${value.map((item) => (typeof item === 'string' ? quote(item) : textOf(item))).join(',')}]`
    : JSON.stringify(value);
}
