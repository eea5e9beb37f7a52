/**
 * The messages that mutations are made of: `Object{spec: Object.spec{…}}` with any fields, and `JSONPatch{op: …, path: …}`.
 * @see k8s.io/apiserver/pkg/cel/mutation
 */
import type { MessageType } from './environment.ts';
import { jsonOf } from './json-values.ts';
import { type CelType, dynType, type StructFieldType, type StructType, stringType } from './types.ts';
import { CelError, CelList, StructValue } from './values.ts';

/** Any name is a field, of any type. */
class AnyField extends Map<string, StructFieldType> {
  override get(name: string): StructFieldType {
    return { type: dynType, member: name };
  }
}

const struct = (name: string, fields: ReadonlyMap<string, StructFieldType> = new AnyField()): StructType => ({
  kind: 'struct',
  name,
  fields,
});

const PATCH = 'JSONPatch';
const ROOT = 'Object';
const patchFields: Readonly<Record<string, CelType>> = {
  op: stringType,
  path: stringType,
  from: stringType,
  value: dynType,
};
const patchType = struct(
  PATCH,
  new Map(Object.entries(patchFields).map(([member, type]) => [member, { type, member }])),
);

/** For an environment's `message`. */
export function mutationMessage(typeName: string): MessageType | undefined {
  if (typeName === PATCH) return { type: patchType, field: (name) => patchFields[name] };
  if (typeName !== ROOT && !typeName.startsWith(`${ROOT}.`)) return undefined;
  return { type: struct(typeName), field: () => dynType };
}

/** Whether expressions of that type may be what a mutation evaluates to. */
export function isMutationType(type: CelType, use: 'applyConfiguration' | 'jsonPatch'): boolean {
  if (use === 'applyConfiguration') return type.kind === 'struct' && type.name === ROOT;
  return type.kind === 'list' && type.element.kind === 'struct' && type.element.name === PATCH;
}

/** The configuration that an expression made. @throws CelError when a message stands where its name does not say */
export function configurationOf(value: unknown): Record<string, unknown> {
  if (!(value instanceof StructValue) || value.typeName !== ROOT)
    throw new CelError('the expression did not make an Object');
  checkNames(value, ROOT);
  return jsonOf(value) as Record<string, unknown>;
}

function checkNames(value: unknown, path: string): void {
  if (value instanceof CelList) for (const item of value) checkNames(item, path);
  if (!(value instanceof StructValue)) return;
  if (value.typeName !== path) {
    const problem = `type mismatch: unexpected type name "${value.typeName}", expected "${path}", which matches field name path from root Object type`;
    throw new CelError(problem);
  }
  for (const [name, member] of value.fields) checkNames(member, `${path}.${name}`);
}

/** The operations that an expression made. @throws CelError */
export function patchOperationsOf(value: unknown): Record<string, unknown>[] {
  if (!(value instanceof CelList)) throw new CelError('the expression did not make a list of JSONPatch');
  return [...value].map((operation) => {
    if (!(operation instanceof StructValue) || operation.typeName !== PATCH)
      throw new CelError('the expression did not make a list of JSONPatch');
    const { value: given } = Object.fromEntries(operation.fields);
    if (given instanceof StructValue) checkNames(given, given.typeName);
    return jsonOf(operation) as Record<string, unknown>;
  });
}
