import { describe, expect, it } from 'vitest';
import { Collector, distribution, progressMax } from '../../bench/collector.ts';

describe('distributions', () => {
  it('take percentiles as upstream does: the value at index ceil(n × p) - 1', () => {
    const values = Array.from({ length: 10 }, (_, index) => 10 - index);
    expect(distribution(values)).toEqual({ average: 5.5, p50: 5, p90: 9, p95: 10, p99: 10 });
  });

  it('are zeros without samples', () => {
    expect(distribution([])).toEqual({ average: 0, p50: 0, p90: 0, p95: 0, p99: 0 });
  });
});

/** A stopwatch moved by hand. */
function stopwatch() {
  let now = 0;
  const callbacks: (() => void)[] = [];
  return {
    monotonic: () => now,
    every: (_: number, callback: () => void) => {
      callbacks.push(callback);
      return { cancel: () => callbacks.splice(0) };
    },
    /** Moves to the next full second and samples. */
    second() {
      now = (Math.floor(now / 1000) + 1) * 1000;
      for (const callback of callbacks) callback();
    },
    move(ms: number) {
      now += ms;
    },
  };
}

describe('a collector', () => {
  it('samples every second after the first one with a bound pod, as upstream; idle seconds count with the next', () => {
    const clock = stopwatch();
    const collector = new Collector(clock, (namespace) => namespace === 'measured');
    clock.second();
    for (let pod = 0; pod < 30; pod++) collector.podBound(`a${pod}`, 'measured', {});
    collector.podBound('other', 'elsewhere', {});
    clock.second();
    for (let pod = 0; pod < 10; pod++) collector.podBound(`b${pod}`, 'measured', {});
    clock.second();
    clock.second();
    for (let pod = 0; pod < 10; pod++) collector.podBound(`c${pod}`, 'measured', {});
    clock.second();
    const measurement = collector.stop();
    expect(measurement.samples).toEqual([10, 5, 5]);
    expect(measurement.podsBound).toBe(50);
    // The last pods were bound four seconds after the beginning, and seen before the clock moved on.
    expect(measurement.seconds).toBe(4);
    expect(measurement.progress.at(-1)).toEqual({ atMs: 4000, bound: 50 });
    expect(measurement.progress[0]).toEqual({ atMs: 1000, bound: 0 });
  });

  it('gives the total as its one sample when all was over within a second', () => {
    const clock = stopwatch();
    const collector = new Collector(clock, () => true);
    clock.move(500);
    for (let pod = 0; pod < 100; pod++) collector.podBound(`p${pod}`, 'n', {});
    expect(collector.stop().samples).toEqual([200]);
  });

  it('tells the time from create to bound and to ready', () => {
    const clock = stopwatch();
    const collector = new Collector(clock, () => true);
    collector.podCreated('p', 0, 2);
    clock.move(12);
    collector.podBound('p', 'n', {});
    clock.move(10);
    collector.podReady('p');
    const { stages } = collector.stop();
    expect([stages['create']?.average, stages['create to bound']?.average, stages['create to ready']?.average]).toEqual(
      [2, 10, 20],
    );
  });

  it('keeps a bounded number of points for its chart', () => {
    const clock = stopwatch();
    const collector = new Collector(clock, () => true);
    for (let second = 0; second < 3000; second++) {
      collector.podBound(`p${second}`, 'n', {});
      clock.second();
    }
    const { progress } = collector.stop();
    expect(progress.length).toBeLessThanOrEqual(2 * progressMax + 1);
    expect(progress.length).toBeGreaterThan(progressMax / 2);
    expect(progress.map(({ atMs }) => atMs)).toEqual(progress.map(({ atMs }) => atMs).sort((a, b) => a - b));
  });
});
