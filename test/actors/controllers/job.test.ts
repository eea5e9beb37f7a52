/** Jobs whose indexes fail one by one: how often each is tried, when, and what that says about the Job. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job, Pod } from '../../../src/api/index.ts';
import { jobs, pods } from '../../../src/client/index.ts';
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
  await cluster.system.settled();
  await cluster.system.advance(60_000);
  await cluster.system.settled();
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
