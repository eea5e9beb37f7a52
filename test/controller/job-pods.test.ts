import { describe, expect, it, test } from 'vitest';
import type { Job, Pod } from '../../src/api/index.ts';
import {
  finishedMs,
  formatIndexes,
  heldBackPods,
  isJobPodFailed,
  jobIndexesOf,
  matchSuccessPolicy,
  parseIndexes,
  surplusPods,
  tallyPods,
  timeMs,
} from '../../src/controller/index.ts';

const finalizers = ['batch.kubernetes.io/job-tracking'];
const pod = (
  name: string,
  index: number | undefined,
  status: object = { phase: 'Running' },
  more: object = {},
): Pod => ({
  metadata: {
    name,
    uid: name,
    creationTimestamp: '2026-01-01T00:00:00Z',
    finalizers,
    ...(index === undefined ? {} : { annotations: { 'batch.kubernetes.io/job-completion-index': `${index}` } }),
    ...more,
  },
  spec: { nodeName: 'n1', containers: [] },
  status,
});
const job = (spec: object, status: object = {}): Job => ({ spec, status }) as Job;
const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata?.name).sort();

describe('the surplus of active pods', () => {
  const indexed = { completionMode: 'Indexed', completions: 2 };
  const pending = { phase: 'Pending' };
  const rows: readonly [string, object, readonly Pod[], number, readonly string[]][] = [
    ['nothing when as many run as may', { completions: 2 }, [pod('a', undefined)], 0, []],
    ['those that are not running first', {}, [pod('a', undefined), pod('b', undefined, pending)], 1, ['b']],
    ['indexes beyond the completions', indexed, [pod('a', 0), pod('b', 1), pod('c', 2), pod('d', 3)], 2, ['c', 'd']],
    ['indexes beyond, although few enough run', indexed, [pod('a', 0), pod('c', 5)], 0, ['c']],
    ['all but the best of an index', indexed, [pod('a', 0, pending), pod('b', 0), pod('c', 1)], 0, ['a']],
    ['pods without an index', indexed, [pod('a', undefined), pod('b', 0)], 0, ['a']],
    [
      'the younger of two, whatever they cost and however little that is',
      { completions: 2 },
      [
        pod('a', undefined, pending, { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-1' } }),
        pod('b', undefined, pending, { creationTimestamp: '2026-01-01T00:00:01Z' }),
      ],
      1,
      ['b'],
    ],
    ['more than those without a place', indexed, [pod('a', 0, pending), pod('b', 1), pod('c', 2)], 2, ['a', 'c']],
  ];
  it.each(rows)('is %s', (_, spec, active, atLeast, gone) => {
    expect(names(surplusPods(job(spec), active, atLeast))).toEqual(gone);
  });
});

describe('a pod has ended', () => {
  const terminated = (finishedAt: string) => ({ name: 'c', state: { terminated: { finishedAt } } });
  const rows: readonly [string, Pod, string][] = [
    [
      'when its last container did',
      pod('a', 0, { containerStatuses: [terminated('2026-01-01T00:10:00Z'), terminated('2026-01-01T00:20:00Z')] }),
      '2026-01-01T00:20:00Z',
    ],
    [
      'when it became unready, where a container does not say',
      pod('a', 0, {
        containerStatuses: [terminated('2026-01-01T00:10:00Z'), { name: 'd', state: {} }],
        conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T00:15:00Z' }],
      }),
      '2026-01-01T00:15:00Z',
    ],
    [
      'when it was deleted, its grace left out',
      pod('a', 0, {}, { deletionTimestamp: '2026-01-01T00:30:30Z', deletionGracePeriodSeconds: 30 }),
      '2026-01-01T00:30:00Z',
    ],
    ['when it was made, where nothing says more', pod('a', 0, { phase: 'Failed' }), '2026-01-01T00:00:00Z'],
  ];
  it.each(rows)('%s', (_, ended, at) => {
    expect(finishedMs(ended)).toBe(timeMs(at));
  });
});

test('a pod that is being deleted has failed, unless only failed pods are replaced', () => {
  const deleted = pod('a', undefined, { phase: 'Running' }, { deletionTimestamp: '2026-01-01T00:30:00Z' });
  expect(isJobPodFailed(job({}), deleted)).toBe(true);
  expect(isJobPodFailed(job({ podReplacementPolicy: 'Failed' }), deleted)).toBe(false);
  expect(isJobPodFailed(job({ podFailurePolicy: { rules: [] } }), deleted)).toBe(false);
  expect(isJobPodFailed(job({}), { ...deleted, status: { phase: 'Succeeded' } })).toBe(false);
});

test('indexes beyond the completions of today are no more', () => {
  const indexed = job({ completionMode: 'Indexed', completions: 3 }, { completedIndexes: '0,2-5' });
  const tally = tallyPods(
    indexed,
    [pod('a', 1, { phase: 'Succeeded' }), pod('b', 7, { phase: 'Succeeded' })],
    () => false,
  );
  expect(formatIndexes(jobIndexesOf(indexed, tally).succeeded)).toBe('0-2');
  expect([...parseIndexes('1-1000000000', 4)]).toEqual([1, 2, 3]);
});

describe('a success policy', () => {
  const rows: readonly [string, object[], number[], string | undefined][] = [
    ['is met by enough indexes', [{ succeededCount: 2 }], [0, 3], 'Matched rules at index 0'],
    ['is met by all that it names', [{ succeededIndexes: '0-1' }], [0, 1], 'Matched rules at index 0'],
    ['is not met by others', [{ succeededIndexes: '0-1', succeededCount: 1 }], [3], undefined],
    ['is met by the second rule', [{ succeededIndexes: '0' }, { succeededCount: 1 }], [3], 'Matched rules at index 1'],
    ['does not ask for indexes that are no more', [{ succeededIndexes: '1,7' }], [1], 'Matched rules at index 0'],
    [
      'asks for as many as there are',
      [{ succeededIndexes: '1,7', succeededCount: 2 }],
      [1],
      'Matched rules at index 0',
    ],
    ['of indexes that are no more is none', [{ succeededIndexes: '7' }], [1], undefined],
    ['is not met by nothing', [{ succeededCount: 0 }], [], undefined],
  ];
  it.each(rows)('%s', (_, rules, succeeded, expected) => {
    expect(matchSuccessPolicy(job({ completions: 5, successPolicy: { rules } }), new Set(succeeded))).toBe(expected);
  });
});

describe('the pod that tells how often its index has failed', () => {
  const failed = (name: string, failures: string, finishedAt: string) =>
    pod(
      name,
      0,
      { phase: 'Failed', containerStatuses: [{ name: 'c', state: { terminated: { exitCode: 1, finishedAt } } }] },
      {
        annotations: {
          'batch.kubernetes.io/job-completion-index': '0',
          'batch.kubernetes.io/job-index-failure-count': failures,
        },
      },
    );
  const perIndex = job({ completionMode: 'Indexed', completions: 1, backoffLimitPerIndex: 5 });
  const heldOf = (of: readonly Pod[], named: readonly string[] = []) => {
    const tally = tallyPods(
      perIndex,
      of,
      () => false,
      (uid) => named.includes(uid),
    );
    return heldBackPods(perIndex, tally, jobIndexesOf(perIndex, tally)).get(0)?.metadata?.name;
  };
  const [early, late] = ['2026-01-01T00:10:00Z', '2026-01-01T00:20:00Z'];
  const rows: readonly [string, readonly Pod[], string][] = [
    ['is the one that counts more', [failed('a', '1', early), failed('b', '2', late)], 'b'],
    ['is the later one of two that count alike', [failed('a', '1', early), failed('b', '1', late)], 'b'],
    [
      'is the first when the other counts more but ended before',
      [failed('a', '1', late), failed('b', '2', early)],
      'a',
    ],
    ['counts what is no number as none', [failed('a', '1', early), failed('b', 'many', late)], 'a'],
  ];
  it.each(rows)('%s', (_, of, expected) => {
    expect(heldOf(of)).toBe(expected);
  });

  it('may be named by the status already', () => {
    expect(heldOf([failed('a', '1', early)], ['a'])).toBe('a');
  });
});
