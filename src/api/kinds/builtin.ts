/** All built-in kinds as the API server serves them: the rows, each with its validation. */

import { validationOf } from '../validation/index.ts';
import { previewRows } from './previews.ts';
import { builtinRows } from './rows.ts';
import { enabledRows, type RuntimeConfig } from './runtime-config.ts';
import type { KindDefinition } from './types.ts';
import { withValidation } from './validated.ts';

const validated = new Map<KindDefinition, KindDefinition>();
for (const row of [...builtinRows, ...previewRows])
  validated.set(row, withValidation(row, validationOf(row.definition)));
// What is stored as another version is prepared and validated as that.
for (const row of previewRows) {
  const { conversion } = row;
  const stored = conversion?.storedKind?.();
  if (conversion === undefined || stored === undefined) continue;
  validated.set(row, { ...row, conversion: { ...conversion, storedKind: () => kindOf(stored) } });
}

function kindOf(row: KindDefinition): KindDefinition {
  return validated.get(row) as KindDefinition;
}

/** Every stable kind in every stable version, with its validation attached: what is served by default. */
export const builtinKinds: readonly KindDefinition[] = builtinRows.map(kindOf);

/** The kinds that a runtime configuration makes the server serve. @throws RuntimeConfigError as `enabledRows` */
export function enabledKinds(config?: RuntimeConfig): readonly KindDefinition[] {
  return enabledRows(config).map(kindOf);
}
