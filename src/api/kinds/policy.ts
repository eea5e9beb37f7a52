/** The kinds of `policy/v1`. Evictions are a subresource of pods. */
import { podDisruptionBudgetTable } from '../tables/workloads.ts';
import { rowsOf, STATUS } from './row.ts';
import { podDisruptionBudgetStrategy } from './strategies/policy.ts';
import type { KindDefinition } from './types.ts';

const policy = rowsOf('policy', 'v1', 'io.k8s.api.policy.v1');

/** All resources of policy/v1. */
export const policyKinds: readonly KindDefinition[] = [
  policy('PodDisruptionBudget', {
    plural: 'poddisruptionbudgets',
    shortNames: ['pdb'],
    subresources: [STATUS],
    strategy: podDisruptionBudgetStrategy,
    table: podDisruptionBudgetTable,
  }),
];
