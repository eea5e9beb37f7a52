/** Kinds as data: the built-in rows, their strategies, and the registry that the API server and its documents read. */
export { builtinKinds } from './builtin.ts';
export { createKindRegistry } from './registry.ts';
export type {
  ApiObject,
  ColumnDefinition,
  Conversion,
  KindDefinition,
  KindRegistry,
  Strategy,
  StrategyContext,
  SubresourceDefinition,
  TableDefinition,
} from './types.ts';
export { compareVersions } from './version-priority.ts';
