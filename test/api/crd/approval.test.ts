import { describe, expect, it } from 'vitest';
import { approvalCondition, approvalOf } from '../../../src/api/crd/approval.ts';
import { type Definition, namedStatus } from '../../../src/api/index.ts';

const annotated = (value: string) => ({ 'api-approved.kubernetes.io': value });

describe('the approval of a group of Kubernetes', () => {
  it.each([
    ['https://github.com/kubernetes/kubernetes/pull/78458', 'approved'],
    ['unapproved, experimental', 'bypassed'],
    ['', 'missing'],
    ['yes', 'invalid'],
    ['/path', 'invalid'],
    ['mailto:somebody', 'invalid'],
  ])('%j is %s', (value, state) => {
    expect(approvalOf(annotated(value)).state).toBe(state);
  });

  it('shows as a condition, of protected groups only', () => {
    expect(approvalCondition('x.example.com', undefined)).toBeUndefined();
    expect(approvalCondition('x.k8s.io', annotated('unapproved'))).toEqual({
      type: 'KubernetesAPIApprovalPolicyConformant',
      status: 'False',
      reason: 'UnapprovedAnnotation',
      message: 'not approved: "unapproved"',
    });
    const definition = {
      metadata: { name: 'foos.x.k8s.io', annotations: annotated('https://a.example.com/1') },
      spec: { group: 'x.k8s.io', scope: 'Cluster', names: { plural: 'foos', kind: 'Foo' }, versions: [] },
    } as Definition;
    const { conditions } = namedStatus(definition, [], '2026-01-01T00:00:00Z');
    expect(conditions.map(({ type, status }) => `${type}=${status}`)).toEqual([
      'NamesAccepted=True',
      'Established=True',
      'KubernetesAPIApprovalPolicyConformant=True',
    ]);
    expect(conditions[2]).toMatchObject({
      reason: 'ApprovedAnnotation',
      message: 'approved in https://a.example.com/1',
    });
  });
});
