/** How finished pods are counted once: named in the status, let go, and taken over by the numbers. */
import { describe, expect, it } from 'vitest';
import type { Job, JobStatus, Pod } from '../../src/api/index.ts';
import { JobAccounts } from '../../src/controller/index.ts';

const pod = (name: string, phase: string, index?: number): Pod => ({
  metadata: {
    name,
    uid: name,
    finalizers: ['batch.kubernetes.io/job-tracking'],
    ...(index === undefined ? {} : { annotations: { 'batch.kubernetes.io/job-completion-index': `${index}` } }),
  },
  spec: { containers: [] },
  status: { phase },
});
const accountsOf = (
  spec: object,
  status: JobStatus,
  owned: readonly Pod[],
  more: { ends?: 'failing' | 'ending'; held?: readonly Pod[]; letGo?: readonly string[] } = {},
) => {
  const job: Job = { spec: { template: { spec: { containers: [] } }, ...spec }, status };
  const { ends, held = [], letGo = [] } = more;
  return new JobAccounts({ job, owned, ends, held: new Set(held), isLetGo: (uid) => letGo.includes(uid) }, status);
};
const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata?.name);

describe('the accounts of a Job', () => {
  it('name finished pods, and count them when they are let go', () => {
    const owned = [pod('a', 'Succeeded'), pod('b', 'Failed'), pod('c', 'Running')];
    const accounts = accountsOf({}, { succeeded: 1 }, owned);
    expect(names(accounts.done)).toEqual(['a', 'b']);
    expect(accounts.status).toEqual({ succeeded: 1, uncountedTerminatedPods: { succeeded: ['a'], failed: ['b'] } });
    expect(accounts.isSettled).toBe(false);
    accounts.letGo(owned[0] as Pod);
    accounts.settle();
    expect(accounts.status).toEqual({ succeeded: 2, uncountedTerminatedPods: { failed: ['b'] } });
    accounts.letGo(owned[1] as Pod);
    accounts.settle();
    expect(accounts.status).toEqual({ succeeded: 2, failed: 1, uncountedTerminatedPods: {} });
    expect(accounts.isSettled).toBe(true);
  });

  it('count what was named before and is gone, and nothing twice', () => {
    const status = { failed: 3, uncountedTerminatedPods: { failed: ['gone', 'b', 'late'] } };
    const accounts = accountsOf({}, status, [pod('b', 'Failed'), pod('late', 'Failed')], { letGo: ['late'] });
    expect(accounts.status).toEqual({ failed: 5, uncountedTerminatedPods: { failed: ['b'] } });
    expect(names(accounts.done)).toEqual(['b']);
  });

  it.each([
    ['failing', { failed: ['a', 'b'] }],
    ['ending', { failed: ['b'] }],
  ] as const)('let all pods go of a Job that is %s', (ends, uncountedTerminatedPods) => {
    const owned = [pod('a', 'Running'), pod('b', 'Failed')];
    const accounts = accountsOf({}, {}, owned, { ends, held: owned });
    expect(names(accounts.done)).toEqual(['a', 'b']);
    expect(accounts.status).toEqual({ uncountedTerminatedPods });
  });

  it('keep those back that another has to follow', () => {
    const owned = [pod('a', 'Failed'), pod('b', 'Failed')];
    expect(names(accountsOf({}, {}, owned, { held: owned.slice(1) }).done)).toEqual(['a']);
  });

  it.each([
    ['NonIndexed', { completionMode: 'NonIndexed' }, {}, 500, false],
    ['Indexed', { completionMode: 'Indexed', completions: 600 }, {}, 500, false],
    ['Indexed, known', { completionMode: 'Indexed', completions: 600 }, { completedIndexes: '0-599' }, 600, true],
  ] as const)('take five hundred at once (%s)', (_, spec, status, done, complete) => {
    const owned = Array.from({ length: 600 }, (_unused, at) => pod(`p-${at}`, 'Succeeded', at));
    const accounts = accountsOf(spec, status, owned);
    expect([accounts.done.length, accounts.complete]).toEqual([done, complete]);
  });

  it('tell which rules of the failure policy fitted', () => {
    const rule = (action: string, type: string) => ({ action, onPodConditions: [{ type, status: 'True' }] });
    const podFailurePolicy = { rules: [rule('Ignore', 'A'), rule('Count', 'B')] };
    const failed = (name: string, type: string): Pod => ({
      ...pod(name, 'Failed'),
      status: { phase: 'Failed', conditions: [{ type, status: 'True' }] },
    });
    const accounts = accountsOf({ podFailurePolicy }, {}, [failed('a', 'A'), failed('b', 'B'), failed('c', 'C')]);
    expect(accounts.actions).toEqual(['Ignore', 'Count']);
    expect(accounts.status.uncountedTerminatedPods).toEqual({ failed: ['b', 'c'] });
    expect(names(accounts.done)).toEqual(['a', 'b', 'c']);
  });
});
