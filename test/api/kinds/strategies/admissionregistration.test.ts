import { describe, expect, it } from 'vitest';
import { created, kindOf, updated } from '../fixtures.ts';

describe('admission kinds', () => {
  it('default webhooks', () => {
    const webhooks = [{ name: 'a', clientConfig: { service: { namespace: 'd', name: 's' } }, rules: [{}] }];
    const expected = {
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
      clientConfig: { service: { port: 443 } },
      rules: [{ scope: '*' }],
    };
    const group = 'admissionregistration.k8s.io';
    expect(created(kindOf(group, 'mutatingwebhookconfigurations'), { webhooks })['webhooks']).toMatchObject([
      { ...expected, reinvocationPolicy: 'Never' },
    ]);
    const validating = kindOf(group, 'validatingwebhookconfigurations');
    expect(created(validating, { webhooks })['webhooks']).toMatchObject([expected]);
    expect(updated(validating, { webhooks }, { webhooks: [] }).metadata['generation']).toBe(2);
    expect(updated(validating, { webhooks }, { webhooks }).metadata['generation']).toBe(1);
  });

  it('default policies and bindings', () => {
    const match = { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} };
    const group = 'admissionregistration.k8s.io';
    const matchConstraints = { resourceRules: [{}] };
    expect(created(kindOf(group, 'validatingadmissionpolicies'), { spec: { matchConstraints } })).toMatchObject({
      spec: { failurePolicy: 'Fail', matchConstraints: { ...match, resourceRules: [{ scope: '*' }] } },
      status: {},
    });
    const bindings = kindOf(group, 'validatingadmissionpolicybindings');
    expect(created(bindings, { spec: { policyName: 'p' } }).spec).toEqual({ policyName: 'p' });
    expect(created(bindings, { spec: { matchResources: {} } }).spec).toMatchObject({ matchResources: match });
  });
});
