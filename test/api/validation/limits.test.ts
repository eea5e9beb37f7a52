import { describe, expect, it } from 'vitest';
import { errorsOf } from './context.ts';

const limitErrors = (...limits: readonly object[]): string[] => errorsOf('core.v1.LimitRange', { spec: { limits } });

describe('limit ranges', () => {
  it('name a type once, which is said before what is wrong with its amounts', () => {
    expect(limitErrors({ type: 'Pod' }, { type: 'Pod', max: { cpu: '1' }, min: { cpu: '2' } })).toEqual([
      'spec.limits[1].type: Duplicate value: "Pod"',
      'spec.limits[1].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
    ]);
  });

  it('have a ratio that their bounds leave room for', () => {
    const bounds = { type: 'Container', max: { cpu: '2' }, min: { cpu: '500m' } };
    expect(limitErrors({ ...bounds, maxLimitRequestRatio: { cpu: '10' } })).toEqual([
      'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "10": ratio 10 is greater than max/min = 4.000000',
    ]);
    expect(limitErrors({ ...bounds, min: { cpu: '0' }, maxLimitRequestRatio: { cpu: '10' } })).toEqual([]);
  });

  it('ask the same by default of what cannot be shared', () => {
    const limit = {
      type: 'Container',
      default: { 'hugepages-2Mi': '4Mi' },
      defaultRequest: { 'hugepages-2Mi': '2Mi' },
    };
    expect(limitErrors(limit)).toEqual([
      'spec.limits[0].defaultRequest[hugepages-2Mi]: Invalid value: "2Mi": default value 4Mi must equal to defaultRequest value 2Mi in hugepages-2Mi',
    ]);
  });
});
