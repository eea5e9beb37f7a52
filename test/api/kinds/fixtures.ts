/** Short ways to run an object through the strategy of its kind, as the API server does before it validates and stores it. */
import {
  type ApiObject,
  createKindRegistry,
  type KindDefinition,
  prepareForCreate,
  prepareForUpdate,
  type StrategyContext,
} from '../../../src/api/kinds/index.ts';

export const registry = createKindRegistry();

export const context: StrategyContext = {
  now: '2026-01-01T00:00:00Z',
  nowMs: Date.parse('2026-01-01T00:00:00Z'),
  uuid: () => '00000000-0000-0000-0000-000000000001',
  suffix: (length) => 'x'.repeat(length),
  dryRun: false,
  user: { name: 'jane', uid: '7', groups: ['dev'], extra: { scopes: ['a'] } },
};

export function kindOf(group: string, plural: string, version = 'v1'): KindDefinition {
  return registry.byResource(group, version, plural)!;
}

/** An object of the kind named `x`, with the uid that a new one gets. */
export function objectOf(kind: KindDefinition, fields: Record<string, unknown>): ApiObject {
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  return {
    apiVersion,
    kind: kind.kind,
    ...fields,
    metadata: { name: 'x', uid: 'u', ...(fields['metadata'] as object) },
  };
}

export function created(kind: KindDefinition, fields: Record<string, unknown>): ApiObject {
  const object = objectOf(kind, structuredClone(fields));
  kind.strategy?.defaults?.(object);
  prepareForCreate(kind, object, context);
  return object;
}

/** `previous` was created with its fields; then `fields` are written over it whole. */
export function updated(
  kind: KindDefinition,
  previous: Record<string, unknown>,
  fields: Record<string, unknown>,
): ApiObject {
  const before = created(kind, previous);
  const object = objectOf(kind, structuredClone(fields));
  kind.strategy?.defaults?.(object);
  prepareForUpdate(kind, object, before, context);
  return object;
}

export function warningsOf(kind: KindDefinition, fields: Record<string, unknown>): string[] {
  const object = objectOf(kind, structuredClone(fields));
  kind.strategy?.defaults?.(object);
  return kind.strategy?.warnings?.(object, undefined) ?? [];
}
