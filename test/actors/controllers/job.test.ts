/** Jobs whose indexes fail one by one: how often each is tried, when, and what that says about the Job. And how Jobs end. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job, Pod } from '../../../src/api/index.ts';
import { jobs, pods, resourceQuotas } from '../../../src/client/index.ts';
import { timeMs } from '../../../src/controller/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';
const key = { namespace, name: 'web' };
const prefix = 'batch.kubernetes.io/job-';

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startCluster(['job-controller']);
});
afterEach(() => cluster.stop());

async function create(spec: object): Promise<void> {
  const template = { spec: { nodeName: 'n1', restartPolicy: 'Never', containers: [{ name: 'c', image: 'pause:1' }] } };
  await cluster.client.create(jobs, {
    metadata: key,
    spec: { completionMode: 'Indexed', template, ...spec },
  } as Job);
  await cluster.system.settled();
}
const pending = async (): Promise<Pod[]> =>
  (await cluster.client.list(pods, { namespace })).items.filter(({ status }) => status?.phase === 'Pending');
const annotation = (pod: Pod, name: string) => pod.metadata?.annotations?.[prefix + name];

/** Lets the pending pod of an index end, with an exit code, and a minute pass. Answers when it ended. */
async function end(index: number, exitCode: number): Promise<number> {
  const endMs = await stop(index, exitCode);
  await cluster.system.advance(60_000);
  await cluster.system.settled();
  return endMs;
}
/** Lets the pending pod of an index end, and what follows from it come. */
async function stop(index: number, exitCode: number): Promise<number> {
  const endMs = await stopPod(index, exitCode);
  await cluster.system.settled();
  return endMs;
}
async function stopPod(index: number, exitCode: number): Promise<number> {
  const endMs = cluster.system.clock.now();
  for (const pod of await pending()) {
    if (annotation(pod, 'completion-index') !== String(index)) continue;
    const finishedAt = new Date(endMs).toISOString();
    const terminated = { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', finishedAt };
    const containerStatuses = [
      { name: 'c', image: '', imageID: '', ready: false, restartCount: 0, state: { terminated } },
    ];
    const status = { phase: exitCode === 0 ? 'Succeeded' : 'Failed', containerStatuses };
    const name = pod.metadata?.name ?? '';
    await cluster.client.patch(pods, { namespace, name }, 'merge', { status }, { subresource: 'status' });
  }
  return endMs;
}
const statusOf = async () => (await cluster.client.get(jobs, key)).status;

describe('a Job with a back-off limit for each index', () => {
  it('tries an index as often as it may, counts its failures on its pods, and then fails the index alone', async () => {
    await create({ completions: 2, parallelism: 2, backoffLimitPerIndex: 1 });
    await end(0, 1);
    const second = (await pending()).find((pod) => annotation(pod, 'completion-index') === '0');
    expect(second === undefined ? undefined : annotation(second, 'index-failure-count')).toBe('1');
    expect(await statusOf()).toMatchObject({ failed: 1, active: 2 });
    await end(0, 1);
    expect(await statusOf()).toMatchObject({ failed: 2, failedIndexes: '0', active: 1 });
    await end(1, 0);
    const status = await statusOf();
    expect(status).toMatchObject({ failed: 2, succeeded: 1, failedIndexes: '0', completedIndexes: '1' });
    expect(status?.conditions?.at(-1)).toMatchObject({ type: 'Failed', reason: 'FailedIndexes' });
    const { items } = await cluster.client.list(pods, { namespace });
    expect(items.flatMap(({ metadata }) => metadata?.finalizers ?? [])).toEqual([]);
  });

  it('waits twice as long after each failure of an index, and not for the other indexes', async () => {
    await create({ completions: 2, parallelism: 2, backoffLimitPerIndex: 3 });
    const failedMs = [await end(0, 1), await end(0, 1)];
    const { items } = await cluster.client.list(pods, { namespace });
    const ofFirst = items.filter((pod) => annotation(pod, 'completion-index') === '0');
    const createdMs = ofFirst.map(({ metadata }) => timeMs(metadata?.creationTimestamp)).sort();
    expect(createdMs.slice(1).map((ms, at) => Math.floor((ms - (failedMs[at] ?? 0)) / 1000))).toEqual([10, 20]);
  });

  it('does not count failures that the policy ignores, but waits after them all the same', async () => {
    const rules = [{ action: 'Ignore', onExitCodes: { operator: 'In', values: [42] } }];
    await create({ completions: 1, backoffLimitPerIndex: 0, podFailurePolicy: { rules } });
    await end(0, 42);
    const [again] = await pending();
    expect(again === undefined ? undefined : annotation(again, 'index-failure-count')).toBe('0');
    expect(again === undefined ? undefined : annotation(again, 'index-ignored-failure-count')).toBe('1');
    await end(0, 1);
    expect(await statusOf()).toMatchObject({ failed: 1, failedIndexes: '0' });
  });

  it('fails an index at once when the policy says so, and the Job when too many have failed', async () => {
    const rules = [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [42] } }];
    await create({
      completions: 3,
      parallelism: 3,
      backoffLimitPerIndex: 5,
      maxFailedIndexes: 1,
      podFailurePolicy: { rules },
    });
    await end(0, 42);
    expect(await statusOf()).toMatchObject({ failedIndexes: '0', active: 2 });
    await end(1, 42);
    const { items } = await cluster.client.list(pods, { namespace });
    for (const { metadata } of items.filter((pod) => pod.metadata?.deletionTimestamp !== undefined)) {
      await cluster.client.delete(pods, { namespace, name: metadata?.name ?? '' }, { gracePeriodSeconds: 0 });
    }
    await cluster.system.settled();
    expect((await statusOf())?.conditions?.at(-1)).toMatchObject({
      type: 'Failed',
      reason: 'MaxFailedIndexesExceeded',
    });
  });
});

const conditions = async () => (await statusOf())?.conditions?.map(({ type, status }) => `${type}=${status}`);
const finish = () => cluster.finishDeletions(namespace);

describe('a Job', () => {
  it('of fewer completions than before keeps the indexes that are left', async () => {
    await create({ completions: 4, parallelism: 4 });
    await end(3, 0);
    expect(await statusOf()).toMatchObject({ completedIndexes: '3', succeeded: 1, active: 3 });
    await cluster.client.patch(jobs, key, 'merge', { spec: { completions: 2, parallelism: 2 } });
    await cluster.system.settled();
    await finish();
    expect((await pending()).map((pod) => annotation(pod, 'completion-index')).sort()).toEqual(['0', '1']);
    const { completedIndexes, succeeded, active } = (await statusOf()) ?? {};
    expect({ completedIndexes, succeeded, active }).toEqual({
      completedIndexes: undefined,
      succeeded: undefined,
      active: 2,
    });
    await end(0, 0);
    await end(1, 0);
    expect(await statusOf()).toMatchObject({ completedIndexes: '0,1', succeeded: 2 });
    expect(await conditions()).toEqual(['SuccessCriteriaMet=True', 'Complete=True']);
  });

  it('that has nothing to do is complete, even suspended', async () => {
    await create({ completionMode: 'NonIndexed', completions: 0, suspend: true });
    expect(await conditions()).toEqual(['SuccessCriteriaMet=True', 'Complete=True']);
  });

  it('starts anew when it is resumed, with its condition in its place', async () => {
    await create({ completions: 1 });
    const { startTime } = (await statusOf()) ?? {};
    await cluster.client.patch(jobs, key, 'merge', { spec: { suspend: true } });
    await cluster.system.settled();
    await finish();
    expect(await statusOf()).toMatchObject({ conditions: [{ type: 'Suspended', status: 'True' }], terminating: 0 });
    expect((await statusOf())?.startTime).toBeUndefined();
    await cluster.system.advance(60_000);
    await cluster.client.patch(jobs, key, 'merge', { spec: { suspend: false } });
    await cluster.system.settled();
    expect(timeMs((await statusOf())?.startTime)).toBeGreaterThan(timeMs(startTime) + 59_000);
    await end(0, 0);
    expect(await conditions()).toEqual(['Suspended=False', 'SuccessCriteriaMet=True', 'Complete=True']);
  });

  it.each([
    [0, 1],
    [2, 2],
  ])('with a back-off limit of %i fails when containers have restarted %i times', async (backoffLimit, restarts) => {
    const template = {
      spec: { nodeName: 'n1', restartPolicy: 'OnFailure', containers: [{ name: 'c', image: 'pause:1' }] },
    };
    await create({ completionMode: 'NonIndexed', backoffLimit, template });
    for (let restartCount = 0; restartCount <= restarts; restartCount++) {
      expect(await conditions()).toBeUndefined();
      const [running] = (await cluster.client.list(pods, { namespace })).items;
      const status = {
        phase: 'Running',
        containerStatuses: [{ name: 'c', image: '', imageID: '', ready: true, restartCount, state: {} }],
      };
      const name = running?.metadata?.name ?? '';
      await cluster.client.patch(pods, { namespace, name }, 'merge', { status }, { subresource: 'status' });
      await cluster.system.settled();
    }
    await finish();
    expect((await statusOf())?.conditions?.at(-1)).toMatchObject({ type: 'Failed', reason: 'BackoffLimitExceeded' });
    expect((await statusOf())?.failed).toBe(1);
  });

  it('says that it has started although its pods are refused', async () => {
    const quota = { metadata: { namespace, name: 'none' }, spec: { hard: { pods: '0' } } };
    await cluster.client.create(resourceQuotas, quota);
    const status = { hard: { pods: '0' }, used: { pods: '0' } };
    const at = { namespace, name: 'none' };
    await cluster.client.patch(resourceQuotas, at, 'merge', { status }, { subresource: 'status' });
    await create({ completions: 1 });
    expect(await pending()).toEqual([]);
    const { startTime, ready, terminating } = (await statusOf()) ?? {};
    expect({ started: startTime !== undefined, ready, terminating }).toEqual({
      started: true,
      ready: 0,
      terminating: 0,
    });
  });
});

describe('a Job, besides,', () => {
  it('ends at a deadline that comes while a failed pod backs off', async () => {
    await create({ completions: 1 });
    await end(0, 1);
    // The second back-off is one of twenty seconds.
    const failedMs = await stopPod(0, 1);
    const { startTime } = (await statusOf()) ?? {};
    const activeDeadlineSeconds = (failedMs - timeMs(startTime)) / 1_000 + 5;
    await cluster.client.patch(jobs, key, 'merge', { spec: { activeDeadlineSeconds } });
    await cluster.system.settled();
    await cluster.system.advance(30_000);
    const target = (await statusOf())?.conditions?.[0];
    expect(target).toMatchObject({ type: 'FailureTarget', reason: 'DeadlineExceeded' });
    expect(timeMs(target?.lastTransitionTime)).toBe(failedMs + 5_000);
  });

  it('fails by what a pod says after it was counted', async () => {
    const rules = [{ action: 'FailJob', onPodConditions: [{ type: 'Lost', status: 'True' }] }];
    await create({ completions: 1, podFailurePolicy: { rules } });
    await end(0, 1);
    expect(await statusOf()).toMatchObject({ failed: 1, active: 1 });
    const { items } = await cluster.client.list(pods, { namespace });
    const name = items.find(({ status }) => status?.phase === 'Failed')?.metadata?.name ?? '';
    const status = { conditions: [{ type: 'Lost', status: 'True' }] };
    await cluster.client.patch(pods, { namespace, name }, 'strategic', { status }, { subresource: 'status' });
    await cluster.system.settled();
    expect((await statusOf())?.conditions?.[0]).toMatchObject({
      type: 'FailureTarget',
      reason: 'PodFailurePolicy',
      message: `Pod default/${name} has condition Lost matching FailJob rule at index 0`,
    });
  });

  it('makes no pod for one that it adopts although it has ended', async () => {
    const labels = { a: 'b' };
    const spec = { nodeName: 'n1', restartPolicy: 'Never', containers: [{ name: 'c', image: 'pause:1' }] };
    await cluster.client.create(pods, { metadata: { name: 'mine', namespace, labels }, spec });
    const at = { namespace, name: 'mine' };
    await cluster.client.patch(pods, at, 'merge', { status: { phase: 'Succeeded' } }, { subresource: 'status' });
    await create({
      completionMode: 'NonIndexed',
      completions: 1,
      manualSelector: true,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec },
    });
    expect((await cluster.client.list(pods, { namespace })).items.map(({ metadata }) => metadata?.name)).toEqual([
      'mine',
    ]);
    expect(await statusOf()).toMatchObject({ succeeded: 1 });
    expect(await conditions()).toEqual(['SuccessCriteriaMet=True', 'Complete=True']);
  });
});

describe('the metrics of Jobs', () => {
  const metric = async (name: string, labels: Record<string, string>): Promise<number | undefined> => {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const line = (await cluster.system.metricsText())
      .split('\n')
      .find((text) => text.startsWith(`job_controller_${name}{`) && wanted.every((label) => text.includes(label)));
    return line === undefined ? undefined : Number(line.split(' ').pop());
  };

  it('tell how a Job ended, and what was done for it', async () => {
    await create({ completions: 1 });
    await stop(0, 0);
    const finished = { completion_mode: 'Indexed', result: 'succeeded', reason: 'CompletionsReached' };
    expect(await metric('jobs_finished_total', finished)).toBe(1);
    expect(await metric('job_pods_finished_total', { completion_mode: 'Indexed', result: 'succeeded' })).toBe(1);
    expect(await metric('job_finished_indexes_total', { status: 'succeeded', backoffLimit: 'global' })).toBe(1);
    expect(await metric('job_syncs_total', { result: 'success', action: 'pods_created' })).toBe(1);
  });

  it('tell of failed indexes, rules that fitted and pods that replace others', async () => {
    const rules = [{ action: 'Count', onExitCodes: { operator: 'In', values: [1] } }];
    await create({ completions: 1, backoffLimitPerIndex: 1, podFailurePolicy: { rules } });
    await end(0, 1);
    await end(0, 1);
    expect(await metric('job_finished_indexes_total', { status: 'failed', backoffLimit: 'perIndex' })).toBe(1);
    expect(await metric('pod_failures_handled_by_failure_policy_total', { action: 'Count' })).toBe(2);
    expect(await metric('job_pods_creation_total', { reason: 'new', status: 'succeeded' })).toBe(1);
    expect(await metric('job_pods_creation_total', { reason: 'recreate_failed', status: 'succeeded' })).toBe(1);
    expect(await metric('jobs_finished_total', { result: 'failed', reason: 'FailedIndexes' })).toBe(1);
  });
});

describe('a pod that waits to be counted', () => {
  const finalizers = ['batch.kubernetes.io/job-tracking'];
  const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'pause:1' }] };
  const finalizersOf = async (name: string) =>
    (await cluster.client.get(pods, { namespace, name })).metadata?.finalizers ?? [];

  it('is let go when it has no Job', async () => {
    await cluster.client.create(pods, { metadata: { name: 'alone', namespace, finalizers }, spec });
    await cluster.system.settled();
    expect(await finalizersOf('alone')).toEqual([]);
  });

  it.each([
    [undefined, []],
    ['example.com/other', finalizers],
  ])('of a Job that is over and managed by %s keeps %j', async (managedBy, kept) => {
    await create({ completions: 1, ...(managedBy === undefined ? {} : { managedBy }) });
    const [own] = await pending();
    const name = own?.metadata?.name ?? 'more';
    if (managedBy !== undefined) {
      const { uid = '' } = (await cluster.client.get(jobs, key)).metadata ?? {};
      const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'Job', name: 'web', uid, controller: true }];
      await cluster.client.create(pods, { metadata: { name, namespace, finalizers, ownerReferences }, spec });
    }
    expect(await finalizersOf(name)).toEqual(finalizers);
    const time = new Date(cluster.system.clock.now()).toISOString();
    const over = ['FailureTarget', 'Failed'].map((type) => ({
      type,
      status: 'True',
      lastProbeTime: time,
      lastTransitionTime: time,
    }));
    const started = managedBy === undefined ? {} : { startTime: time };
    const status = { ...started, active: null, ready: 0, terminating: 0, conditions: over };
    await cluster.client.patch(jobs, key, 'merge', { status }, { subresource: 'status' });
    await cluster.system.settled();
    expect(await finalizersOf(name)).toEqual(kept);
  });

  it('is kept for a Job that adopts it', async () => {
    const template = { metadata: { labels: { a: 'b' } }, spec: { ...spec, restartPolicy: 'Never' } };
    await create({
      completionMode: 'NonIndexed',
      manualSelector: true,
      selector: { matchLabels: { a: 'b' } },
      template,
      suspend: false,
    });
    const [own] = await pending();
    await cluster.client.delete(pods, { namespace, name: own?.metadata?.name ?? '' }, { gracePeriodSeconds: 0 });
    await cluster.client.create(pods, { metadata: { name: 'mine', namespace, labels: { a: 'b' } }, spec });
    await cluster.system.settled();
    const { metadata } = await cluster.client.get(pods, { namespace, name: 'mine' });
    expect(metadata?.ownerReferences?.[0]).toMatchObject({ kind: 'Job', name: 'web', controller: true });
    expect(metadata?.finalizers).toEqual(finalizers);
  });
});
