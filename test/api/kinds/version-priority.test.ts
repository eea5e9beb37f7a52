import { expect, it } from 'vitest';
import { compareVersions } from '../../../src/api/kinds/index.ts';

it('orders stable, beta, alpha and unknown versions as upstream does', () => {
  const versions = [
    'foo10',
    'v1alpha1',
    'v1',
    'v10beta3',
    'v3beta1',
    'v11alpha2',
    'v10',
    'v11beta2',
    'v2',
    'foo1',
    'v12alpha1',
  ];
  expect(versions.sort(compareVersions)).toEqual([
    'v10',
    'v2',
    'v1',
    'v11beta2',
    'v10beta3',
    'v3beta1',
    'v12alpha1',
    'v11alpha2',
    'v1alpha1',
    'foo1',
    'foo10',
  ]);
});
