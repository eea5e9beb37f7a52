/**
 * Why a configuration cannot be applied: what its schema does not have, values of the wrong type, list items that repeat a key or
 * lack one. In the words of upstream's typed values, which are not those of decoding.
 */
import { keyText } from './field-set.ts';
import { goKind, goValueText, quote } from './go-text.ts';
import type { Schema } from './schema.ts';
import { itemKey } from './typed-value.ts';

/** One message for all that is wrong; undefined when nothing is. */
export function typedError(value: unknown, schema: Schema): string | undefined {
  const errors: string[] = [];
  check(value, schema, '', errors);
  if (errors.length < 2) return errors[0];
  return ['errors:', ...errors.map((error) => `  ${error}`)].join('\n');
}

/** A value as Go's `%#v` prints it. */
function goSyntax(value: unknown): string {
  switch (goKind(value)) {
    case 'nil':
      return 'interface {}(nil)';
    case 'string':
      return quote(value as string);
    case 'slice':
      return `[]interface {}{${(value as unknown[]).map(goSyntax).join(', ')}}`;
    case 'map': {
      const members = Object.entries(value as object).map(([key, member]) => `${quote(key)}:${goSyntax(member)}`);
      return `map[string]interface {}{${members.join(', ')}}`;
    }
    default:
      return String(value);
  }
}

/** Go's names of the types of decoded values, where they are not the kinds' own. */
const goTypes: Readonly<Record<string, string>> = { map: 'map[string]interface {}', slice: '[]interface {}' };

function check(value: unknown, schema: Schema, path: string, errors: string[]): void {
  if (value === null || value === undefined) return;
  const kind = goKind(value);
  const expect = (wanted: string, fits: boolean): boolean => {
    if (!fits) errors.push(`${path}: expected ${wanted}, got &value.valueUnstructured{Value:${goSyntax(value)}}`);
    return fits;
  };
  const isMap = (): boolean => {
    if (kind !== 'map') errors.push(`${path}: expected map, got &{${goValueText(value)}}`);
    return kind === 'map';
  };
  switch (schema.kind) {
    case 'string':
    case 'bytes':
      expect('string', kind === 'string');
      return;
    case 'boolean':
      expect('boolean', kind === 'bool');
      return;
    case 'int32':
    case 'int64':
    case 'double':
      // Of this one alone upstream tells the value's type.
      if (kind !== 'int64' && kind !== 'float64')
        errors.push(`${path}: expected numeric (int or float), got ${goTypes[kind] ?? kind}`);
      return;
    case 'time':
    case 'microtime':
    case 'quantity':
    case 'intOrString':
      expect('any scalar', kind !== 'map' && kind !== 'slice');
      return;
    case 'array':
      if (kind === 'slice') checkList(value as unknown[], schema, path, errors);
      else errors.push(`${path}: expected list, got &{${goValueText(value)}}`);
      return;
    case 'map':
      if (!isMap()) return;
      for (const [key, member] of Object.entries(value)) check(member, schema.element!, `${path}.${key}`, errors);
      return;
    case 'object':
      if (!isMap()) return;
      for (const [key, member] of Object.entries(value)) {
        const field = schema.object?.fields.get(key);
        if (field !== undefined) check(member, field.schema, `${path}.${key}`, errors);
        else if (schema.object?.preserveUnknown !== true) {
          // What comes after is not looked at.
          errors.push(`${path}.${key}: field not declared in schema`);
          return;
        }
      }
      return;
    default:
      return;
  }
}

function checkList(list: readonly unknown[], schema: Schema, path: string, errors: string[]): void {
  const element = schema.element!;
  if (schema.listType !== 'map' && schema.listType !== 'set') {
    for (const [index, item] of list.entries()) check(item, element, `${path}[${index}]`, errors);
    return;
  }
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    const unfit = unfitItem(schema, item);
    if (unfit !== undefined) {
      errors.push(`${path}: element ${index}: ${unfit}`);
      return;
    }
    const key = itemKey(schema, item) as string;
    if (seen.has(key)) errors.push(`${path}: duplicate entries for key ${keyText(key)}`);
    seen.add(key);
    check(item, element, path + keyText(key), errors);
  }
}

/** Why a list cannot have the item, whatever is in it. */
function unfitItem(schema: Schema, item: unknown): string | undefined {
  const kind = goKind(item);
  if (schema.listType === 'set') {
    if (kind === 'map') return "associative list without keys has an element that's a map type";
    if (kind === 'slice') return 'not supported: associative list with lists as elements';
    return kind === 'nil' ? "associative list without keys has an element that's an explicit null" : undefined;
  }
  if (kind === 'nil') return 'associative list with keys may not have a null element';
  if (kind !== 'map') return 'associative list with keys may not have non-map elements';
  if (itemKey(schema, item) !== undefined) return undefined;
  const keys = (schema.listMapKeys ?? []).map(quote).join(' ');
  return `associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`;
}
