/** Replicas from the usage of pods: which pods count, and with what, when some are new, gone or silent. */
import { describe, expect, it } from 'vitest';
import type { Pod } from '../../src/api/index.ts';
import { type PodUsage, replicasForUsage, type UsageTarget } from '../../src/controller/index.ts';

const nowMs = Date.parse('2026-01-01T01:00:00Z');
const tolerances = { up: 0.1, down: 0.1 };
const minutesAgo = (minutes: number) => new Date(nowMs - minutes * 60_000).toISOString();

function pod(
  name: string,
  cpu: string,
  more: { status?: Pod['status']; spec?: Partial<NonNullable<Pod['spec']>> } = {},
): Pod {
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: minutesAgo(30) }];
  return {
    metadata: { name },
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }], ...more.spec },
    status: more.status ?? { phase: 'Running', startTime: minutesAgo(40), conditions },
  };
}

const measured = (milli: Record<string, number>): Map<string, PodUsage> =>
  new Map(Object.entries(milli).map(([name, value]) => [name, { milli: value, timeMs: nowMs, windowMs: 60_000 }]));
const three = ['a', 'b', 'c'].map((name) => pod(name, '1'));
const pending: Pod['status'] = { phase: 'Pending' };
const half: UsageTarget = { type: 'Utilization', amount: 50 };

interface Case {
  readonly pods?: readonly Pod[];
  readonly usage: Record<string, number>;
  readonly target?: UsageTarget;
  readonly container?: string;
  readonly currentReplicas?: number;
}
const outcomeOf = ({ pods = three, usage, target = half, container, currentReplicas = 3 }: Case) =>
  replicasForUsage({
    pods,
    usage: measured(usage),
    resource: 'cpu',
    container,
    target,
    currentReplicas,
    tolerances,
    nowMs,
  });

const cases: Record<
  string,
  { readonly given: Case; readonly expected: readonly [number, number | undefined, number] }
> = {
  'goes up by the ratio': {
    given: { usage: { a: 1000, b: 1000, c: 1000 } },
    expected: [6, 100, 1000],
  },
  'stays within the tolerance': { given: { usage: { a: 540, b: 540, c: 540 } }, expected: [3, 54, 540] },
  'leaves usage of pods that nobody knows out of a share, and counts it in an amount': {
    given: { usage: { a: 300, b: 300, c: 300, gone: 9000 } },
    expected: [2, 30, 300],
  },
  'counts usage of pods that nobody knows in an amount': {
    given: { usage: { a: 500, b: 500, c: 500, gone: 2500 }, target: { type: 'AverageValue', amount: 500 } },
    expected: [6, undefined, 1000],
  },
  'takes the silent for idle when it goes up': {
    given: { usage: { a: 1000, b: 1000 } },
    expected: [4, 100, 1000],
  },
  'takes the silent for busy when it goes down, beyond their requests when that is the target': {
    given: {
      usage: { a: 500, b: 500, c: 500 },
      pods: [...three, pod('d', '1')],
      target: { type: 'Utilization', amount: 200 },
      currentReplicas: 4,
    },
    expected: [2, 50, 500],
  },
  'takes pods that are not ready for idle when it goes up': {
    given: { usage: { a: 1000, b: 1000 }, pods: [...three.slice(0, 2), pod('c', '1', { status: pending })] },
    expected: [4, 100, 1000],
  },
  'counts what a pod requests as a whole, with what it costs to run it': {
    given: {
      usage: { a: 500 },
      pods: [pod('a', '100m', { spec: { resources: { requests: { cpu: '900m' } }, overhead: { cpu: '100m' } } })],
      currentReplicas: 1,
    },
    expected: [1, 50, 500],
  },
  'adds up containers where the pod requests something else as a whole': {
    given: {
      usage: { a: 500 },
      pods: [pod('a', '1', { spec: { resources: { requests: { memory: '1Gi' } } } })],
      currentReplicas: 1,
    },
    expected: [1, 50, 500],
  },
  'compares one container with what it requests, whatever the pod does': {
    given: {
      usage: { a: 500 },
      pods: [pod('a', '1', { spec: { resources: { requests: { cpu: '9' } } } })],
      container: 'c',
      currentReplicas: 1,
    },
    expected: [1, 50, 500],
  },
};

describe('replicas for the usage of pods', () => {
  it.each(Object.entries(cases))('%s', (_name, { given, expected }) => {
    const { replicas, utilization, averageMilli } = outcomeOf(given);
    expect([replicas, utilization, averageMilli]).toEqual(expected);
  });

  const memory = pod('a', '1', { spec: { resources: { requests: { memory: '1Gi' } }, containers: [] } });
  const silent = pod('a', '1', { spec: { containers: [{ name: 'c', image: 'i' }] } });
  it.each<[string, Case]>([
    ['no pods returned by selector while calculating replica count', { pods: [], usage: { a: 1 } }],
    [
      'did not receive metrics for targeted pods (pods might be unready)',
      {
        pods: [pod('a', '1', { status: pending, spec: { containers: [{ name: 'c', image: 'i' }] } })],
        usage: { a: 1 },
      },
    ],
    ['missing request for cpu in container c of Pod a', { pods: [silent], usage: { a: 1 } }],
    ['missing pod-level request for cpu in Pod a', { pods: [memory], usage: { a: 1 } }],
    ['container x not found in Pod a', { pods: [pod('a', '1')], usage: { a: 1 }, container: 'x' }],
    ['no metrics returned matched known pods', { pods: [pod('a', '1')], usage: { b: 1 } }],
  ])('%s', (message, given) => {
    expect(() => outcomeOf(given)).toThrow(message);
  });
});
