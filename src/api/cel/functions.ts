/**
 * Functions are rows: a signature as text and what it does. `string->contains(string): bool` is a method of strings, `size(list(A)): int`
 * a function; capital letters stand for any type.
 * @see cel-go common/decls/decls.go
 */
import {
  boolType,
  bytesType,
  type CelType,
  doubleType,
  durationType,
  dynType,
  intType,
  listOf,
  mapOf,
  nullType,
  opaque,
  optionalOf,
  stringType,
  type TypeVariable,
  timestampType,
  typeOf,
  uintType,
} from './types.ts';
import {
  CelList,
  CelMap,
  Duration,
  Opaque,
  Optional,
  StructValue,
  Timestamp,
  TypeValue,
  typeNameOf,
  Uint,
} from './values.ts';

export type Implementation = (...args: unknown[]) => unknown;

export interface Overload {
  readonly name: string;
  readonly method: boolean;
  /** A method's receiver comes first. */
  readonly parameters: readonly CelType[];
  readonly result: CelType;
  readonly run: Implementation;
}

export type Row = readonly [signature: string, run: Implementation];

/** A row; the argument types of `run` are those of the signature. */
export function row<Args extends unknown[]>(signature: string, run: (...args: Args) => unknown): Row {
  return [signature, run as unknown as Implementation];
}

const opaqueNames: Readonly<Record<string, string>> = {
  Quantity: 'kubernetes.Quantity',
  URL: 'kubernetes.URL',
  Semver: 'kubernetes.Semver',
  Format: 'kubernetes.NamedFormat',
  IP: 'net.IP',
  CIDR: 'net.CIDR',
  Authorizer: 'kubernetes.authorization.Authorizer',
  PathCheck: 'kubernetes.authorization.PathCheck',
  GroupCheck: 'kubernetes.authorization.GroupCheck',
  ResourceCheck: 'kubernetes.authorization.ResourceCheck',
  Decision: 'kubernetes.authorization.Decision',
};

const simpleTypes: Readonly<Record<string, CelType>> = {
  bool: boolType,
  int: intType,
  uint: uintType,
  double: doubleType,
  string: stringType,
  bytes: bytesType,
  null: nullType,
  timestamp: timestampType,
  duration: durationType,
  dyn: dynType,
  type: typeOf(undefined),
  ...Object.fromEntries(Object.entries(opaqueNames).map(([short, name]) => [short, opaque(name)])),
};

/** Reads a type of a signature. Its letters become `variables`. */
function parseType(text: string, variables: Map<string, TypeVariable>): CelType {
  const known = simpleTypes[text];
  if (known !== undefined) return known;
  if (/^[A-Z]$/.test(text)) {
    let variable = variables.get(text);
    if (variable === undefined) {
      variable = { kind: 'variable', name: text, bound: undefined };
      variables.set(text, variable);
    }
    return variable;
  }
  const [, outer, inner = ''] = /^(\w+)\((.*)\)$/.exec(text) ?? [];
  const parameters = splitTypes(inner).map((part) => parseType(part, variables));
  const [first = dynType, second = dynType] = parameters;
  if (outer === 'list') return listOf(first);
  if (outer === 'map') return mapOf(first, second);
  if (outer === 'optional') return optionalOf(first);
  throw new Error(`no type is written ${text}`);
}

function splitTypes(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    const character = text[at];
    if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (character === undefined || (character === ',' && depth === 0)) {
      const part = text.slice(from, at).trim();
      if (part !== '') parts.push(part);
      from = at + 1;
    }
  }
  return parts;
}

function parseRow([signature, run]: Row): Overload {
  const [, receiver, name = '', parameters = '', result = ''] =
    /^(?:(.+)->)?([^\s(]+)\((.*)\): (.+)$/.exec(signature) ?? [];
  const variables = new Map<string, TypeVariable>();
  const all = [...(receiver === undefined ? [] : [receiver]), ...splitTypes(parameters)];
  return {
    name,
    method: receiver !== undefined,
    parameters: all.map((text) => parseType(text, variables)),
    result: parseType(result, variables),
    run,
  };
}

/** Overloads by name. Rows are read when their name is first asked for. */
export class FunctionTable {
  readonly #rows = new Map<string, Row[]>();
  readonly #read = new Map<string, readonly Overload[]>();

  constructor(libraries: readonly (readonly Row[])[]) {
    for (const row of libraries.flat()) {
      const name = /(?:->|^)([^\s(]+)\(/.exec(row[0].replace(/^.*->/, ''))?.[1] ?? '';
      const rows = this.#rows.get(name);
      if (rows === undefined) this.#rows.set(name, [row]);
      else rows.push(row);
    }
  }

  /** Undefined when nothing has that name. */
  overloads(name: string): readonly Overload[] | undefined {
    let overloads = this.#read.get(name);
    if (overloads === undefined) {
      overloads = this.#rows.get(name)?.map(parseRow);
      if (overloads !== undefined) this.#read.set(name, overloads);
    }
    return overloads;
  }
}

/** Whether a value may be passed for a parameter, as far as its outermost type says. */
export function matches(value: unknown, type: CelType): boolean {
  switch (type.kind) {
    case 'dyn':
    case 'variable':
    case 'error':
      return true;
    case 'bool':
      return typeof value === 'boolean';
    case 'int':
      return typeof value === 'bigint';
    case 'uint':
      return value instanceof Uint;
    case 'double':
      return typeof value === 'number';
    case 'string':
      return typeof value === 'string';
    case 'bytes':
      return value instanceof Uint8Array;
    case 'null':
      return value === null;
    case 'timestamp':
      return value instanceof Timestamp;
    case 'duration':
      return value instanceof Duration;
    case 'list':
      return value instanceof CelList;
    case 'map':
      return value instanceof CelMap && !(value instanceof StructValue);
    case 'struct':
      return value instanceof CelMap;
    case 'type':
      return value instanceof TypeValue;
    case 'opaque':
      if (type.name === 'optional_type') return value instanceof Optional;
      return value instanceof Opaque && typeNameOf(value) === type.name;
  }
}
