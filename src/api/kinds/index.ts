/** Kinds as data: the built-in rows, their strategies, and the registry that the API server and its documents read. */
export { builtinKinds, enabledKinds } from './builtin.ts';
export {
  hasStatus,
  prepareForCreate,
  prepareForStatusUpdate,
  prepareForSubresourceUpdate,
  prepareForUpdate,
} from './prepare.ts';
export { previewRows } from './previews.ts';
export { createKindRegistry, storedKindOf } from './registry.ts';
export { type FieldNames, type ResetFields, resetFieldsOf } from './reset-fields.ts';
export { builtinRows } from './rows.ts';
export { enabledRows, parseRuntimeConfig, type RuntimeConfig, RuntimeConfigError } from './runtime-config.ts';
export { semanticEqual } from './semantic-equality.ts';
export type * from './types.ts';
export { compareVersions } from './version-priority.ts';
