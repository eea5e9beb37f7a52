/** Evaluates an expression over a few variables, and shows the result as plain data: integers as bigints, errors as their texts. */
import {
  CelList,
  CelMap,
  type CelType,
  compile,
  dynType,
  intType,
  listOf,
  readJson,
  stringType,
} from '../../../src/api/cel/index.ts';

const types: Record<string, CelType> = { self: dynType, text: stringType, count: intType, names: listOf(stringType) };

const self = { a: 1, b: 'x', list: [1, 2, 3], map: { k: 'v', l: 'w' }, nothing: null, fraction: 1.5, 'odd-name': true };

export function evaluate(source: string, costMax?: number): unknown {
  const program = compile(source, { variables: types });
  const { value } = program.evaluate(
    {
      self: readJson(self, dynType),
      text: 'hello',
      count: 3n,
      names: readJson(['x', 'y'], listOf(stringType)),
    },
    costMax,
  );
  return shown(value);
}

function shown(value: unknown): unknown {
  if (value instanceof Error) return `error: ${value.message}`;
  if (value instanceof CelList) return [...value].map(shown);
  if (value instanceof CelMap)
    return Object.fromEntries([...value.keys()].map((key) => [String(key), shown(value.get(key))]));
  if (typeof value === 'object' && value !== null && 'value' in value) return shown(value.value);
  return value;
}
