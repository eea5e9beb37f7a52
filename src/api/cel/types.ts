/**
 * The types of expressions. Types made from a schema carry beside the type how large its values get (for cost estimates) and how
 * they are spelled in objects (for reading them), so that one tree serves the checker, the estimate and the evaluator.
 * @see cel-go common/types/types.go, k8s.io/apiserver/pkg/cel/types.go
 */

export type SimpleKind =
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null'
  | 'timestamp'
  | 'duration'
  | 'dyn'
  | 'error';

/** How large values of a type get; of types that come from a schema. */
interface Sized {
  /** Characters, bytes, items or entries. */
  readonly elementsMax?: number;
  /** Bytes of the shortest JSON. */
  readonly bytesMin?: number;
}

export interface SimpleType extends Sized {
  readonly kind: SimpleKind;
}

export interface ListType extends Sized {
  readonly kind: 'list';
  readonly element: CelType;
  /** `set` and `map` lists compare and add as upstream's. */
  readonly listType?: string | undefined;
  readonly listMapKeys?: readonly string[] | undefined;
}

export interface MapType extends Sized {
  readonly kind: 'map';
  readonly key: CelType;
  readonly value: CelType;
}

export interface StructType extends Sized {
  readonly kind: 'struct';
  readonly name: string;
  /** By the names that expressions use. */
  readonly fields: ReadonlyMap<string, StructFieldType>;
}

export interface StructFieldType {
  readonly type: CelType;
  /** The member's name in objects. */
  readonly member: string;
}

export interface OpaqueType extends Sized {
  readonly kind: 'opaque';
  readonly name: string;
  readonly parameters: readonly CelType[];
}

export interface TypeType extends Sized {
  readonly kind: 'type';
  readonly of: CelType | undefined;
}

/** A type that the checker finds out: bound once something is assigned. */
export interface TypeVariable extends Sized {
  readonly kind: 'variable';
  readonly name: string;
  bound: CelType | undefined;
}

export type CelType = SimpleType | ListType | MapType | StructType | OpaqueType | TypeType | TypeVariable;

const simple = (kind: SimpleKind): SimpleType => ({ kind });
export const boolType = simple('bool');
export const intType = simple('int');
export const uintType = simple('uint');
export const doubleType = simple('double');
export const stringType = simple('string');
export const bytesType = simple('bytes');
export const nullType = simple('null');
export const timestampType = simple('timestamp');
export const durationType = simple('duration');
export const dynType = simple('dyn');
export const errorType = simple('error');

export const listOf = (element: CelType): ListType => ({ kind: 'list', element });
export const mapOf = (key: CelType, value: CelType): MapType => ({ kind: 'map', key, value });
export const opaque = (name: string, ...parameters: CelType[]): OpaqueType => ({ kind: 'opaque', name, parameters });
export const optionalOf = (value: CelType): OpaqueType => opaque('optional_type', value);
export const typeOf = (of: CelType | undefined): TypeType => ({ kind: 'type', of });

/** What a variable stands for, if that is known. */
export function resolved(type: CelType): CelType {
  let current = type;
  while (current.kind === 'variable' && current.bound !== undefined) current = current.bound;
  return current;
}

/** The type as upstream's messages print it. */
export function typeText(given: CelType): string {
  const type = resolved(given);
  switch (type.kind) {
    case 'list':
      return `list(${typeText(type.element)})`;
    case 'map':
      return `map(${typeText(type.key)}, ${typeText(type.value)})`;
    case 'struct':
      return type.name;
    case 'opaque':
      return type.parameters.length === 0 ? type.name : `${type.name}(${type.parameters.map(typeText).join(', ')})`;
    case 'type':
      return type.of === undefined ? 'type' : `type(${typeText(type.of)})`;
    case 'variable':
      return type.name;
    case 'error':
      return '!error!';
    default:
      return type.kind;
  }
}

/** Equal, with nothing left to be found out. */
export function sameType(left: CelType, right: CelType): boolean {
  const [a, b] = [resolved(left), resolved(right)];
  if (a === b) return true;
  if (a.kind === 'list' && b.kind === 'list') return sameType(a.element, b.element);
  if (a.kind === 'map' && b.kind === 'map') return sameType(a.key, b.key) && sameType(a.value, b.value);
  if (a.kind === 'struct' && b.kind === 'struct') return a.name === b.name;
  if (a.kind === 'opaque' && b.kind === 'opaque') {
    return a.name === b.name && a.parameters.every((parameter, at) => sameType(parameter, b.parameters[at] as CelType));
  }
  if (a.kind === 'variable' || b.kind === 'variable') return false;
  return a.kind === b.kind;
}

/** The type with variables replaced by what they stand for; those that stayed open are `dyn`. */
export function settled(given: CelType): CelType {
  const type = resolved(given);
  switch (type.kind) {
    case 'variable':
      return dynType;
    case 'list': {
      const element = settled(type.element);
      return element === type.element ? type : { ...type, element };
    }
    case 'map': {
      const [key, value] = [settled(type.key), settled(type.value)];
      return key === type.key && value === type.value ? type : { ...type, key, value };
    }
    case 'opaque': {
      if (type.parameters.length === 0) return type;
      return { ...type, parameters: type.parameters.map(settled) };
    }
    default:
      return type;
  }
}

export const isDyn = (type: CelType): boolean => {
  const { kind } = resolved(type);
  return kind === 'dyn' || kind === 'error';
};
