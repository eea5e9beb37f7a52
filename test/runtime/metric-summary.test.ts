import { describe, expect, it } from 'vitest';
import { ActorMetrics, mergeSnapshots, prometheusText } from '../../src/runtime/index.ts';

const QUANTILES = [0.5, 0.9, 0.99];

function quantileIn(text: string, quantile: number): number {
  return Number(new RegExp(`s\\{quantile="${quantile}"\\} (.*)`).exec(text)?.[1]);
}

describe('a summary', () => {
  it('shows quantiles within a few percent, and the sum and count of all', () => {
    const metrics = new ActorMetrics();
    const summary = metrics.summary('s', 'S.', QUANTILES);
    for (let ms = 1; ms <= 1000; ms++) summary.observe(ms / 1000);
    const text = metrics.text();
    expect(text).toContain('# TYPE s summary\n');
    for (const quantile of QUANTILES) {
      expect(quantileIn(text, quantile) / quantile).toBeGreaterThan(0.94);
      expect(quantileIn(text, quantile) / quantile).toBeLessThan(1.06);
    }
    expect(text).toMatch(/s_sum 500\.[45]\d*\ns_count 1000\n/);
  });

  it('keeps what is shorter than its first bin and longer than its last', () => {
    const metrics = new ActorMetrics();
    const summary = metrics.summary('s', 'S.', [0, 1]);
    summary.observe(0);
    summary.observe(1e9);
    expect(quantileIn(metrics.text(), 0)).toBeLessThanOrEqual(1e-6);
    expect(quantileIn(metrics.text(), 1)).toBeGreaterThan(100);
  });

  it('forgets in its quantiles what is five periods old, but not in its count', () => {
    const metrics = new ActorMetrics();
    const summary = metrics.summary('s', 'S.', [0.5]);
    for (let i = 0; i < 10; i++) summary.observe(1);
    for (let period = 0; period < 4; period++) summary.endPeriod();
    summary.observe(0.001);
    expect(quantileIn(metrics.text(), 0.5)).toBeGreaterThan(0.9);
    summary.endPeriod();
    expect(quantileIn(metrics.text(), 0.5)).toBeLessThan(0.0011);
    for (let period = 0; period < 5; period++) summary.endPeriod();
    expect(quantileIn(metrics.text(), 0.5)).toBeNaN();
    expect(metrics.text()).toContain('s_count 11\n');
  });

  it('adds up over actors', () => {
    const actors = [new ActorMetrics(), new ActorMetrics()];
    actors.forEach((metrics, at) => {
      for (let i = 0; i < 10; i++) metrics.summary('s', 'S.', QUANTILES).observe(at === 0 ? 0.01 : 1);
    });
    const text = prometheusText(mergeSnapshots(actors.map((metrics) => metrics.snapshot())));
    expect(text).toContain('s_count 20\n');
    expect(quantileIn(text, 0.5)).toBeLessThan(0.011);
    expect(quantileIn(text, 0.9)).toBeGreaterThan(0.9);
  });
});
