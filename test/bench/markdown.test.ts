/** The page of all outcomes: figures against thresholds, failures and skips with their reasons, counts at its head. */
import { expect, it } from 'vitest';
import { markdownPage } from '../../bench/report/markdown.ts';
import type { WorkloadResult } from '../../bench/runner.ts';
import type { Outcome } from '../../bench/suite.ts';

const zeros = { average: 0, p50: 0, p90: 0, p95: 0, p99: 0 };

const result = (name: string, rate: number, threshold: number): WorkloadResult => ({
  case: 'Basic',
  workload: name,
  threshold,
  thresholdMetric: { name: 'SchedulingThroughput', labels: {}, dataBucket: 'Average', expectLower: false },
  measurements: [
    {
      name: 'namespace-1',
      collectors: [],
      histograms: [],
      heap: { ...zeros, max: 0, growthPerMinute: 0 },
      samples: [rate],
      progress: [],
      podsBound: 100,
      seconds: 1,
      cpuMs: 50,
      peakRssBytes: 1,
      stages: {},
    },
  ],
  podsBound: 100,
  podsVerified: 100,
  notes: ['feature gate Odd=true has no effect here: ran with false'],
  quality: {
    cpuUtilization: 0,
    cpuDeviation: 0,
    memoryUtilization: 0,
    memoryDeviation: 0,
    nodesUsed: 1,
    fragmentation: 0,
    hostSkew: 0,
    violations: 0,
    victims: 0,
  },
  peakRssBytes: 256 * 2 ** 20,
});

const outcome = (name: string, came: Partial<Outcome>, set = 'misc'): Outcome => ({
  set,
  topic: set,
  case: 'Basic',
  workload: name,
  seconds: 30,
  calibration: 1.25,
  ...came,
});

it('has a row for each workload, and says what became of it', () => {
  const page = markdownPage(
    [
      outcome('fast', { result: result('fast', 540, 270) }),
      outcome('slow', { result: result('slow', 30, 40) }),
      outcome('free', { result: result('free', 30, 0) }, 'dra/taints'),
      outcome('broken', { failure: 'Error: a | b\n    at x' }, 'dra/taints'),
      outcome('odd', { skipped: 'opcode juggle is not supported' }, 'dra/taints'),
    ],
    { command: 'kubehive bench all', date: '2030-01-02T03:04:05Z', machine: '2 cores', commit: 'abc' },
  );
  expect(page).toContain('5 workloads: 3 passed, 1 failed, 1 skipped.\nOf 2 thresholds');
  expect(page).toContain('1 are reached');
  expect(page).toContain('Made by `kubehive bench all` on 2030-01-02, at commit abc; 3 minutes in all.');
  expect(page).toContain('needs 1.25 times');
  expect(page).toContain('| Basic | fast | 100 | 540 | 270 | 2.0 × | 0.50 | 256 | 30 | passed |');
  expect(page).toContain('| Basic | slow | 100 | 30.0 | 40 | **missed**: 30.0 | 0.50 | 256 | 30 | passed |');
  expect(page).toContain('| Basic | free | 100 | 30.0 |  |  | 0.50 | 256 | 30 | passed |');
  expect(page).toContain('| Basic | broken |  |  |  |  |  |  | 30 | **failed**: Error: a \\| b |');
  expect(page).toContain('| Basic | odd |  |  |  |  |  |  | 30 | skipped: opcode juggle is not supported |');
  expect(page.match(/^## .*$/gm)).toEqual(['## misc', '## dra/taints', '## Notes']);
});
