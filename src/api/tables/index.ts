/** Tables: how objects of each kind show as rows, for `kubectl get` and everyone who asks for `as=Table`. */
import type { KindDefinition, TableDefinition } from '../kinds/types.ts';
import { defaultTable } from './columns.ts';

export { goSelector } from './admission.ts';
export { defaultTable } from './columns.ts';
export { humanDuration } from './durations.ts';
export { fieldDoc } from './field-docs.ts';
export { scaleTable } from './workloads.ts';

/** The table of a kind: its own, or the one that shows name and creation time. */
export function tableOfKind(kind: KindDefinition): TableDefinition {
  return kind.table ?? defaultTable;
}
