import { describe, expect, it } from 'vitest';
import { errorsOf } from './context.ts';

describe('nodes', () => {
  it('have one range of a family', () => {
    expect(errorsOf('core.v1.Node', { spec: { podCIDRs: ['10.0.0.0/24', '10.0.0.0/24'] } })).toEqual([
      'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.0.0/24"]: may specify no more than one CIDR for each IP family',
    ]);
  });

  it('are told twice of a bad taint when they change', () => {
    const taint = 'metadata.taints[0].effect: Required value';
    const body = { spec: { taints: [{ key: 'k', effect: '' }] } };
    expect(errorsOf('core.v1.Node', body)).toEqual([taint]);
    expect(errorsOf('core.v1.Node', body, {})).toEqual([taint, taint]);
  });

  it('name the configuration that they use in full', () => {
    const configMap = { namespace: '', name: '', kubeletConfigKey: '', uid: 'u' };
    expect(errorsOf('core.v1.Node', { spec: { configSource: { configMap } } }, {})).toEqual([
      'spec.configSource.configMap.uid: Forbidden: uid must not be set in spec',
      'spec.configSource.configMap.namespace: Required value',
      'spec.configSource.configMap.name: Required value',
      'spec.configSource.configMap.kubeletConfigKey: Required value',
    ]);
  });
});
