import { describe, expect, it, test } from 'vitest';
import type { Job, Pod } from '../../src/api/index.ts';
import {
  finishedMs,
  formatIndexes,
  isJobPodFailed,
  jobIndexesOf,
  parseIndexes,
  surplusPods,
  tallyPods,
  timeMs,
} from '../../src/controller/index.ts';

const nowMs = Date.parse('2026-01-01T01:00:00Z');
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
    ['more than those without a place', indexed, [pod('a', 0, pending), pod('b', 1), pod('c', 2)], 2, ['a', 'c']],
  ];
  it.each(rows)('is %s', (_, spec, active, atLeast, gone) => {
    expect(names(surplusPods(job(spec), active, atLeast, nowMs))).toEqual(gone);
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
