/**
 * Descriptions of fields, for the columns of tables that show them. The texts are read from the generated file when the first
 * description is asked for: most processes never print a table.
 */
import { readGenerated } from '../schema.ts';

let docs: Record<string, Record<string, string>> | undefined;

/**
 * The description of one field as upstream's types carry it, without the list of enum values that the schema adds; empty when there is none.
 * `definition` is its full name in the schema tables.
 */
export function fieldDoc(definition: string, field: string): string {
  docs ??= JSON.parse(readGenerated('docs.json')) as Record<string, Record<string, string>>;
  const text = docs[definition]?.[field] ?? '';
  const enumeration = text.indexOf('\n\nPossible enum values:');
  return enumeration < 0 ? text : text.slice(0, enumeration);
}
