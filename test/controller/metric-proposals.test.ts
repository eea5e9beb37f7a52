/** What the resource metrics API tells of pods, and how the status tells of it. */
import { describe, expect, it } from 'vitest';
import type { PodMetrics } from '../../src/client/index.ts';
import { averageText, usageByPod } from '../../src/controller/index.ts';

function metrics(name: string, window: string, ...usages: Record<string, string>[]): PodMetrics {
  const containers = usages.map((usage, at) => ({ name: `c${at}`, usage }));
  return { metadata: { name, namespace: 'ns' }, timestamp: '2026-01-01T00:00:00Z', window, containers };
}

describe('usage by pod', () => {
  it.each([
    ['30s', 30_000],
    ['10.5s', 10_500],
    ['1m0s', 60_000],
    ['1m30s', 90_000],
    ['1h0m0s', 3_600_000],
  ])('was measured over a window of %s', (window, windowMs) => {
    expect(usageByPod([metrics('a', window, { cpu: '1' })], 'cpu', undefined).get('a')?.windowMs).toBe(windowMs);
  });

  it('adds containers up, and leaves out pods of which something is not known', () => {
    const items = [
      metrics('a', '30s', { cpu: '100m' }, { cpu: '123456789n' }),
      metrics('b', '30s', { cpu: '1' }, { memory: '1Mi' }),
      metrics('c', '30s'),
    ];
    const usage = usageByPod(items, 'cpu', undefined);
    expect([...usage].map(([name, { milli }]) => [name, milli])).toEqual([['a', 224]]);
    expect(usageByPod([items[1]!], 'cpu', 'c0').get('b')?.milli).toBe(1000);
    expect(usageByPod([items[1]!], 'cpu', 'c1').size).toBe(0);
    expect(() => usageByPod(items, 'cpu', 'c1')).toThrow(
      'failed to get container metrics: container c1 not present in metrics for pod ns/c',
    );
  });
});

describe('an average in the status', () => {
  it.each([
    ['memory', 96 * 1024 ** 2 * 1000, '96Mi'],
    ['memory', 1000 * 1000, '1k'],
    ['memory', 171_502_796_800, '171502796800m'],
    ['cpu', 1500, '1500m'],
    ['cpu', 2000, '2'],
  ])('of %s, %i thousandths: %s', (resource, milli, expected) => {
    expect(averageText(resource, milli)).toBe(expected);
  });
});
