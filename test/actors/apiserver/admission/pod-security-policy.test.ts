import { describe, expect, it } from 'vitest';
import {
  policyOf,
  policyText,
  type SecurityPolicy,
  securityConfigurationOf,
} from '../../../../actors/apiserver/admission/pod-security-policy.ts';

const none = { level: 'privileged', minor: undefined } as const;
const privileged: SecurityPolicy = { enforce: none, audit: none, warn: none };

const read = (labels: Record<string, string>, defaults = privileged) => {
  const prefixed = Object.entries(labels).map(([name, value]) => [`pod-security.kubernetes.io/${name}`, value]);
  const { policy, errors } = policyOf(Object.fromEntries(prefixed), defaults);
  return [policyText(policy.enforce), policyText(policy.audit), policyText(policy.warn), errors.length];
};

describe('the policy of a namespace', () => {
  it.each([
    [{}, ['privileged:latest', 'privileged:latest', 'privileged:latest', 0]],
    [{ enforce: 'baseline' }, ['baseline:latest', 'privileged:latest', 'baseline:latest', 0]],
    [{ enforce: 'baseline', 'enforce-version': 'v1.22' }, ['baseline:v1.22', 'privileged:latest', 'baseline:v1.22', 0]],
    [{ enforce: 'baseline', 'warn-version': 'v1.23' }, ['baseline:latest', 'privileged:latest', 'baseline:v1.23', 0]],
    [{ enforce: 'baseline', warn: 'privileged' }, ['baseline:latest', 'privileged:latest', 'privileged:latest', 0]],
    [{ warn: 'restricted', audit: 'baseline' }, ['privileged:latest', 'baseline:latest', 'restricted:latest', 0]],
    [{ 'enforce-version': 'v1.20' }, ['privileged:v1.20', 'privileged:latest', 'privileged:latest', 0]],
    [{ enforce: 'hard' }, ['restricted:latest', 'privileged:latest', 'privileged:latest', 1]],
    [{ warn: 'soft', audit: '' }, ['privileged:latest', 'privileged:latest', 'privileged:latest', 2]],
    [
      { 'warn-version': 'v1.01', 'audit-version': '1.2' },
      ['privileged:latest', 'privileged:latest', 'privileged:latest', 2],
    ],
  ])('is read from its labels: %o', (labels, expected) => {
    expect(read(labels as Record<string, string>)).toEqual(expected);
  });

  it('falls back to the defaults of the configuration', () => {
    const { defaults } = securityConfigurationOf({
      defaults: { enforce: 'baseline', warn: 'restricted', 'warn-version': 'v1.30' },
    });
    expect(read({}, defaults)).toEqual(['baseline:latest', 'privileged:latest', 'restricted:v1.30', 0]);
    expect(read({ enforce: 'baseline' }, defaults)[2]).toBe('restricted:v1.30');
  });

  it('has a configuration that can be', () => {
    expect(() => securityConfigurationOf({ defaults: { audit: 'x' } })).toThrow('PodSecurity: defaults.audit');
    expect(() => securityConfigurationOf({ exemptions: { namespaces: 'kube-system' } })).toThrow(
      'PodSecurity: exemptions.namespaces must be a list of strings',
    );
  });
});
