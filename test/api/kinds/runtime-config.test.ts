import { describe, expect, it } from 'vitest';
import { enabledRows, parseRuntimeConfig, type RuntimeConfig } from '../../../src/api/index.ts';

const served = (config: RuntimeConfig): string[] =>
  enabledRows(config).map(({ group, version, plural }) => `${group}/${version}/${plural}`);
const isPreview = (name: string): boolean => /\/v\d+(alpha|beta)\d+\//.test(name);
const refusal = (text: string): string => {
  try {
    served(parseRuntimeConfig(text));
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

describe('a runtime configuration', () => {
  it('serves stable versions and no others when there is none', () => {
    expect(served({}).filter(isPreview)).toEqual([]);
    expect(served({})).toContain('autoscaling/v1/horizontalpodautoscalers');
  });

  it('switches all versions of a stage on', () => {
    const beta = served({ 'api/beta': 'true' }).filter(isPreview);
    expect(beta).toContain('resource.k8s.io/v1beta1/resourceclaims');
    expect(beta.filter((name) => name.includes('alpha'))).toEqual([]);
    const alpha = served({ 'api/alpha': 'true' }).filter(isPreview);
    expect(alpha).toContain('scheduling.k8s.io/v1alpha2/podgroups');
    expect(alpha.filter((name) => name.includes('beta'))).toEqual([]);
    expect(served({ 'api/all': 'true' }).filter(isPreview).sort()).toEqual([...alpha, ...beta].sort());
  });

  it('takes stages in order, then versions, then resources, whatever the order they are given in', () => {
    const names = served(
      parseRuntimeConfig(
        'resource.k8s.io/v1beta1/resourceclaims=false,resource.k8s.io/v1beta1=true,api/beta=false,api/all=true',
      ),
    ).filter((name) => name.includes('beta'));
    expect(names).toEqual([
      'resource.k8s.io/v1beta1/deviceclasses',
      'resource.k8s.io/v1beta1/resourceclaimtemplates',
      'resource.k8s.io/v1beta1/resourceslices',
    ]);
  });

  it('switches single stable versions and resources off', () => {
    const names = served(parseRuntimeConfig('autoscaling/v1=false,apps/v1/replicasets=false'));
    expect(names).not.toContain('autoscaling/v1/horizontalpodautoscalers');
    expect(names).not.toContain('apps/v1/replicasets');
    expect(names).toContain('autoscaling/v2/horizontalpodautoscalers');
    expect(names).toContain('apps/v1/deployments');
  });

  it('takes a name without a value for true, except for stages', () => {
    expect(served(parseRuntimeConfig('storage.k8s.io/v1beta1'))).toContain(
      'storage.k8s.io/v1beta1/volumeattributesclasses',
    );
    expect(refusal('api/beta')).toBe('invalid value api/beta=');
  });

  it('adds what is given later to what came before', () => {
    expect(parseRuntimeConfig('b=false,c=true', parseRuntimeConfig(' a = true ,b=true'))).toEqual({
      a: 'true',
      b: 'false',
      c: 'true',
    });
  });

  it.each([
    ['api/all=false', 'invalid key with only api/all=false'],
    ['api/beta=maybe', 'invalid value api/beta=maybe'],
    ['nothing=true', 'runtime-config invalid key nothing'],
    ['a/b/c/d=true', 'runtime-config invalid key a/b/c/d'],
    ['example.com/v1=true', 'unknown api groups example.com'],
    ['apps/v7=true', 'group version apps/v7 that has not been registered'],
    ['apps/v1=maybe', 'invalid value of apps/v1: maybe, err: strconv.ParseBool: parsing "maybe": invalid syntax'],
    [
      'apps/v1/Deployments=true',
      'invalid key apps/v1/Deployments: group/version/resource and resource is always lowercase plural, not "Deployments"',
    ],
  ])('refuses %s', (text, message) => {
    expect(refusal(text)).toBe(message);
  });

  it('lets versions be named that the release knows and no longer serves', () => {
    expect(served({ 'apps/v1beta1': 'true' })).toEqual(served({}));
  });
});
