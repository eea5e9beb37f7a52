/** The kinds of `batch/v1`. */
import { cronJobTable, jobTable } from '../tables/workloads.ts';
import { rowsOf, STATUS } from './row.ts';
import { cronJobStrategy, jobSelectableFields, jobStrategy } from './strategies/batch.ts';
import type { KindDefinition } from './types.ts';

const batch = rowsOf('batch', 'v1', 'io.k8s.api.batch.v1');

/** All resources of batch/v1, in alphabetical order. */
export const batchKinds: readonly KindDefinition[] = [
  batch('CronJob', {
    plural: 'cronjobs',
    shortNames: ['cj'],
    categories: ['all'],
    subresources: [STATUS],
    strategy: cronJobStrategy,
    table: cronJobTable,
  }),
  batch('Job', {
    plural: 'jobs',
    categories: ['all'],
    subresources: [STATUS],
    strategy: jobStrategy,
    selectableFields: jobSelectableFields,
    unsupportedField: (label) => `field label "${label}" not supported for Job`,
    table: jobTable,
  }),
];
