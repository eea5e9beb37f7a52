/** All built-in kinds as the API server serves them: the rows, each with its validation. */

import { validationOf } from '../validation/index.ts';
import { builtinRows } from './rows.ts';
import type { KindDefinition } from './types.ts';
import { withValidation } from './validated.ts';

/** Every built-in kind in every served version, with its validation attached. */
export const builtinKinds: readonly KindDefinition[] = builtinRows.map((row) =>
  withValidation(row, validationOf(row.definition)),
);
