import { describe, expect, it } from 'vitest';
import { created, kindOf } from '../fixtures.ts';

describe('role bindings', () => {
  it('mean the group of roles', () => {
    const binding = created(kindOf('rbac.authorization.k8s.io', 'rolebindings'), {
      roleRef: { kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'ServiceAccount', name: 's' },
      ],
    });
    expect(binding).toMatchObject({
      roleRef: { apiGroup: 'rbac.authorization.k8s.io' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io' }, { kind: 'ServiceAccount', name: 's' }],
    });
    expect((binding['subjects'] as object[])[1]).not.toHaveProperty('apiGroup');
  });

  it('have names that stand in paths', () => {
    const { validateName } = kindOf('rbac.authorization.k8s.io', 'roles').strategy!;
    expect(validateName!('system:node', false)).toEqual([]);
    expect(validateName!('a/b%', false)).toEqual([`may not contain '/'`, `may not contain '%'`]);
    expect(validateName!('..', false)).toEqual([`may not be '..'`]);
  });
});
