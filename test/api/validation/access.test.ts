import { describe, expect, it } from 'vitest';
import { validationOf } from '../../../src/api/validation/index.ts';
import { errorsOf } from './context.ts';

describe('disruption budgets', () => {
  it('have any name that can stand in a path', () => {
    const { validateName } = validationOf('io.k8s.api.policy.v1.PodDisruptionBudget')!;
    expect(validateName!('A_B', false)).toEqual([]);
    expect(validateName!('a/b', false)).toEqual(["may not contain '/'"]);
  });

  it('may have finalizers of any form', () => {
    const metadata = { name: 'x', namespace: 'n', finalizers: ['mine'] };
    expect(errorsOf('policy.v1.PodDisruptionBudget', { metadata, spec: {} })).toEqual([]);
  });
});

describe('cluster roles', () => {
  it('are told of a bad selector of roles, and that it is bad', () => {
    const clusterRoleSelectors = [{ matchExpressions: [{ key: 'a', operator: 'Near' }] }];
    expect(errorsOf('rbac.v1.ClusterRole', { aggregationRule: { clusterRoleSelectors } })).toEqual([
      'aggregationRule.clusterRoleSelectors[0].matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator',
      'aggregationRule.clusterRoleSelectors[0]: Invalid value: "null": invalid label selector.',
    ]);
  });
});
