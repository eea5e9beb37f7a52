/**
 * What every kind has done to its objects before validation: status is reset or kept, generation counts changes of the desired
 * state, and then the kind's own strategy has its say. The API server calls these for built-in and custom kinds alike.
 *
 *     create:            decode → defaults → prepareForCreate  → validate
 *     update:            decode → defaults → prepareForUpdate  → validateUpdate
 *     update of /status: decode → defaults → prepareForStatusUpdate → status.validateUpdate
 *     other subresource: decode → defaults → prepareForSubresourceUpdate → its validateUpdate
 */
import { semanticEqual } from './semantic-equality.ts';
import type { ApiObject, KindDefinition, MetadataField, StrategyContext } from './types.ts';

/** Readies a new object, in place. The name (generateName included) and the uid are set before this is called. */
export function prepareForCreate(kind: KindDefinition, object: ApiObject, context: StrategyContext): void {
  const strategy = kind.strategy;
  if (hasStatus(kind) && strategy?.keepStatusOnCreate !== true) {
    object.status = strategy?.initialStatus === undefined ? {} : strategy.initialStatus(object);
  }
  if (countsGeneration(kind)) object.metadata.generation = 1;
  strategy?.prepareForCreate?.(object, context);
}

/** Readies a changed object, in place; `previous` is what is stored. */
export function prepareForUpdate(
  kind: KindDefinition,
  object: ApiObject,
  previous: ApiObject,
  context: StrategyContext,
): void {
  keepGeneration(object, previous);
  if (hasStatus(kind)) keepField(object, previous, 'status');
  kind.strategy?.prepareForUpdate?.(object, previous, context);
  countGeneration(kind, object, previous);
}

/** Readies an object whose status subresource is written, in place: everything else is as it was. */
export function prepareForStatusUpdate(
  kind: KindDefinition,
  object: ApiObject,
  previous: ApiObject,
  context: StrategyContext,
): void {
  keepGeneration(object, previous);
  for (const field in object) if (!isKeptOnStatusUpdate(field)) keepField(object, previous, field);
  for (const field in previous)
    if (!isKeptOnStatusUpdate(field) && !(field in object)) keepField(object, previous, field);
  keepMetadata(kind, object, previous);
  kind.strategy?.status?.prepareForUpdate?.(object, previous, context);
}

/** Readies an object that is written through a subresource such as `resize`, in place. */
export function prepareForSubresourceUpdate(
  kind: KindDefinition,
  subresource: string,
  object: ApiObject,
  previous: ApiObject,
  context: StrategyContext,
): void {
  keepGeneration(object, previous);
  kind.strategy?.subresources?.[subresource]?.prepareForUpdate?.(object, previous, context);
  countGeneration(kind, object, previous);
}

/** True when the kind's status is written through its own subresource and nowhere else. */
export function hasStatus(kind: KindDefinition): boolean {
  const subresources = kind.subresources;
  if (subresources === undefined) return false;
  for (const subresource of subresources) if (subresource.name === 'status') return true;
  return false;
}

function countsGeneration(kind: KindDefinition): boolean {
  const rule = kind.strategy?.generation;
  return rule === undefined ? hasStatus(kind) : rule !== false;
}

function countGeneration(kind: KindDefinition, object: ApiObject, previous: ApiObject): void {
  if (!countsGeneration(kind)) return;
  const rule = kind.strategy?.generation;
  const changed = typeof rule === 'function' ? rule(object, previous) : !semanticEqual(object.spec, previous.spec);
  if (changed) object.metadata.generation = ((previous.metadata.generation as number | undefined) ?? 0) + 1;
}

/** A client cannot set the generation of an object that exists. */
function keepGeneration(object: ApiObject, previous: ApiObject): void {
  if (previous.metadata.generation === undefined) delete object.metadata.generation;
  else object.metadata.generation = previous.metadata.generation;
}

function keepField(object: ApiObject, previous: ApiObject, field: string): void {
  const value = previous[field];
  if (value === undefined) delete object[field];
  else object[field] = value;
}

function isKeptOnStatusUpdate(field: string): boolean {
  return field === 'status' || field === 'metadata' || field === 'apiVersion' || field === 'kind';
}

const statusKeepsByDefault: readonly MetadataField[] = ['labels', 'annotations', 'finalizers', 'ownerReferences'];

function keepMetadata(kind: KindDefinition, object: ApiObject, previous: ApiObject): void {
  const kept = kind.strategy?.status?.keptMetadata ?? (kind.strategy === undefined ? 'all' : statusKeepsByDefault);
  if (kept === 'all') {
    const { managedFields, resourceVersion } = object.metadata;
    object.metadata = { ...previous.metadata };
    if (managedFields !== undefined) object.metadata.managedFields = managedFields;
    if (resourceVersion !== undefined) object.metadata.resourceVersion = resourceVersion;
    return;
  }
  for (const field of kept) {
    const value = previous.metadata[field];
    if (value === undefined) delete object.metadata[field];
    else object.metadata[field] = value;
  }
}
