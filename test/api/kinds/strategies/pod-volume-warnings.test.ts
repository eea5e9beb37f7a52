import { describe, expect, it } from 'vitest';
import type { Volume, VolumeProjection } from '../../../../src/api/generated/types.ts';
import { warnOfOverlaps } from '../../../../src/api/kinds/strategies/pod-volume-warnings.ts';

function warningsOf(volume: object): string[] {
  const warnings: string[] = [];
  warnOfOverlaps([{ name: 'v', ...volume } as Volume], warnings);
  return warnings;
}
const items = (...paths: string[]) => paths.map((path) => ({ key: 'k', path }));
const projected = (...sources: VolumeProjection[]) => warningsOf({ projected: { sources } });

describe('warnings for paths in volumes', () => {
  it('name two files at one path, and one below another', () => {
    expect(warningsOf({ configMap: { name: 'm', items: items('a', 'b', 'a') } })).toEqual([
      'volume "v" (ConfigMap "m"): overlapping paths: "a" with "a"',
    ]);
    expect(warningsOf({ secret: { secretName: 's', items: items('a/b', 'a') } })).toEqual([
      'volume "v" (Secret "s"): overlapping paths: "a" with "a/b"',
    ]);
    expect(warningsOf({ downwardAPI: { items: items('a', 'a/b/c') } })).toEqual([
      'volume "v" (DownwardAPI): overlapping paths: "a/b/c" with "a"',
    ]);
  });

  it('look across the sources of one volume', () => {
    expect(
      projected({ configMap: { name: 'm', items: items('x') } }, { serviceAccountToken: { path: 'x/token' } }),
    ).toEqual(['volume "v" (Projected ServiceAccountToken): overlapping paths: "x/token" with "x"']);
  });

  it('name sources of nothing', () => {
    expect(projected({})).toEqual(['volume "v" (Projected) has no sources provided']);
  });

  it('are none of neighbours with a common beginning', () => {
    expect(warningsOf({ configMap: { name: 'm', items: items('a', 'ab', 'b/a') } })).toEqual([]);
    expect(warningsOf({ emptyDir: {} })).toEqual([]);
    expect(projected({ secret: { name: 's' } }, { configMap: { name: 'm', items: items('a') } })).toEqual([]);
  });
});
