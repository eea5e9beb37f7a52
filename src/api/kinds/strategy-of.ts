/**
 * Where generated types meet the registry, which holds strategies of all kinds: the one place that says that an object which was decoded
 * as a kind is of that kind's type.
 */
import type { ApiObject, SelectableFields, Strategy } from './types.ts';

/** A strategy written against the type of its kind, as the registry holds it. */
export function strategyOf<Type>(strategy: Strategy<Type>): Strategy {
  return strategy as unknown as Strategy;
}

/** Field labels written against the type of their kind, as the registry holds them. */
export function selectableFieldsOf<Type>(fields: Readonly<Record<string, (object: Type) => string>>): SelectableFields {
  return fields as unknown as SelectableFields;
}

/** A decoded object as the type of its kind. */
export function typed<Type>(object: ApiObject): Type {
  return object as unknown as Type;
}
