import { describe, expect, it } from 'vitest';
import { controllerActor } from '../../../actors/controllers/index.ts';
import { coreEvents, cronJobs, jobs, type KubernetesObject, resourceQuotas } from '../../../src/client/index.ts';
import { timeMs } from '../../../src/controller/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';

describe('cronjob-controller', () => {
  it('fires a thousand CronJobs within a second of their minute', { timeout: 120_000 }, async () => {
    const cluster = await startCluster(['cronjob-controller']);
    const { client, system } = cluster;
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'pause:1' }] } };
    const creations = Array.from({ length: 1_000 }, (_, index) => {
      const spec = { schedule: `${index % 3}-59/3 * * * *`, jobTemplate: { spec: { template } } };
      return client.create(cronJobs, { metadata: { name: `c-${index}`, namespace }, spec });
    });
    await system.settled();
    await Promise.all(creations);
    await system.settled();
    await system.advance(200_000);
    await system.settled();
    const { items } = await client.list(jobs, { namespace });
    expect(items).toHaveLength(1_000);
    const late = items.map(({ metadata }) => {
      const scheduled = metadata?.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp'];
      return timeMs(metadata?.creationTimestamp) - timeMs(scheduled);
    });
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...late)).toBeLessThanOrEqual(1_000);
    await cluster.stop();
  });

  it('makes the Jobs of one minute before it writes about any of them', async () => {
    const cluster = await startCluster([]);
    const { client, system } = cluster;
    const creations = Array.from({ length: 200 }, (_, index) =>
      client.create(cronJobs, { ...everyMinute(), metadata: { name: `c-${index}`, namespace } }),
    );
    await system.settled();
    await Promise.all(creations);
    await system.advance(60_500);
    // The virtual clock runs timers one by one: they are due together for a controller that comes after their minute.
    await system.start({
      definition: controllerActor,
      address: 'cronjob-controller',
      options: { controller: 'cronjob-controller' },
      identity: { user: 'cronjob-controller', groups: ['system:masters'] },
    });
    await system.settled();
    const versionsOf = (objects: readonly KubernetesObject[]) =>
      objects.map(({ metadata }) => Number(metadata?.resourceVersion));
    const made = versionsOf((await client.list(jobs, { namespace })).items);
    const statuses = versionsOf((await client.list(cronJobs, { namespace })).items);
    const reported = versionsOf((await client.list(coreEvents, { namespace })).items);
    expect([made.length, statuses.length, reported.length]).toEqual([200, 200, 200]);
    expect(Math.max(...made)).toBeLessThan(Math.min(...statuses, ...reported));
    await cluster.stop();
  });

  it.each([
    ['Asia/Kathmandu', /T\d\d:\d\d:00\+05:45$/],
    ['America/Caracas', /T\d\d:\d\d:00-04:00$/],
    ['Etc/UTC', /T\d\d:\d\d:00Z$/],
    ['Africa/Abidjan', /T\d\d:\d\d:00Z$/],
  ])('tells a Job its time in %s', async (timeZone, expected) => {
    const cluster = await startCluster(['cronjob-controller']);
    const { client, system } = cluster;
    await client.create(cronJobs, everyMinute({ timeZone }));
    await system.advance(60_500);
    await system.settled();
    const [job] = (await client.list(jobs, { namespace })).items;
    const scheduled = job?.metadata?.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp'];
    expect(scheduled).toMatch(expected);
    expect(job?.metadata?.name).toBe(`c-${timeMs(scheduled) / 60_000}`);
    await cluster.stop();
  });

  it('looks at a new schedule when its next time comes, not at once', { timeout: 60_000 }, async () => {
    const cluster = await startCluster(['cronjob-controller']);
    const { client, system } = cluster;
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'pause:1' }] } };
    const spec = { schedule: '0 0 1 1 *', jobTemplate: { spec: { template } } };
    await client.create(cronJobs, { metadata: { name: 'c', namespace }, spec });
    await system.advance(5 * 60_000 + 30_000);
    await client.patch(cronJobs, { namespace, name: 'c' }, 'merge', { spec: { schedule: '* * * * *' } });
    await system.settled();
    expect((await client.list(jobs, { namespace })).items).toHaveLength(0);
    await system.advance(40_000);
    await system.settled();
    expect((await client.list(jobs, { namespace })).items).toHaveLength(1);
    await cluster.stop();
  });

  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'pause:1' }] } };
  const everyMinute = (more: Record<string, unknown> = {}) => ({
    metadata: { name: 'c', namespace },
    spec: { schedule: '* * * * *', jobTemplate: { spec: { template } }, ...more },
  });
  /** Ends the Job as its controller would. */
  async function complete(cluster: TestCluster, name: string): Promise<void> {
    const time = new Date(cluster.system.clock.now()).toISOString();
    const condition = (type: string) => ({ type, status: 'True', lastProbeTime: time, lastTransitionTime: time });
    const conditions = [condition('SuccessCriteriaMet'), condition('Complete')];
    const status = { startTime: time, completionTime: time, succeeded: 1, conditions, uncountedTerminatedPods: {} };
    await cluster.client.patch(jobs, { namespace, name }, 'merge', { status }, { subresource: 'status' });
    await cluster.system.settled();
  }
  const told = async ({ client }: TestCluster) =>
    (await client.list(coreEvents, { namespace })).items.map(({ reason, message }) => `${reason}: ${message}`);

  it('says nothing of the end of a Job that it deletes at once', async () => {
    const cluster = await startCluster(['cronjob-controller']);
    const { client, system } = cluster;
    await client.create(cronJobs, everyMinute({ successfulJobsHistoryLimit: 0 }));
    await system.advance(61_000);
    await system.settled();
    const [job] = (await client.list(jobs, { namespace })).items;
    const name = job?.metadata?.name ?? '';
    await complete(cluster, name);
    expect((await client.list(jobs, { namespace })).items).toHaveLength(0);
    const { status } = await client.get(cronJobs, { namespace, name: 'c' });
    expect(status?.active ?? []).toEqual([]);
    expect(status?.lastSuccessfulTime).toBeDefined();
    await system.advance(1_000);
    await system.settled();
    expect(await told(cluster)).toEqual([
      `SuccessfulCreate: Created job ${name}`,
      `SuccessfulDelete: Deleted job ${name}`,
    ]);
    await cluster.stop();
  });

  it('takes a time for handled only when its Job was made', async () => {
    const cluster = await startCluster(['cronjob-controller']);
    const { client, system } = cluster;
    await client.create(resourceQuotas, {
      metadata: { name: 'none', namespace },
      spec: { hard: { 'count/jobs.batch': '0' } },
    });
    await client.patch(
      resourceQuotas,
      { namespace, name: 'none' },
      'merge',
      { status: { hard: { 'count/jobs.batch': '0' }, used: { 'count/jobs.batch': '0' } } },
      { subresource: 'status' },
    );
    await client.create(cronJobs, everyMinute());
    await system.advance(61_000);
    await system.settled();
    const { status } = await client.get(cronJobs, { namespace, name: 'c' });
    expect(status?.lastScheduleTime).toBeUndefined();
    expect((await told(cluster))[0]).toMatch(
      /^FailedCreate: Error creating job: jobs.batch "c-\d+" is forbidden: exceeded quota: none/,
    );
    await client.delete(resourceQuotas, { namespace, name: 'none' });
    await system.advance(30_000);
    await system.settled();
    const later = await client.get(cronJobs, { namespace, name: 'c' });
    expect(later.status?.lastScheduleTime).toBe('2026-01-01T00:01:00Z');
    await cluster.stop();
  });

  it('misses an active Job only when nobody has one of its name', async () => {
    const cluster = await startCluster(['cronjob-controller']);
    const { client, system } = cluster;
    await client.create(jobs, { metadata: { name: 'other', namespace }, spec: { template } });
    await client.create(cronJobs, everyMinute({ suspend: true }));
    const active = [{ apiVersion: 'batch/v1', kind: 'Job', name: 'other', namespace, uid: 'unknown' }];
    const at = { namespace, name: 'c' };
    await client.patch(cronJobs, at, 'merge', { status: { active } }, { subresource: 'status' });
    await system.settled();
    expect((await client.get(cronJobs, at)).status?.active).toEqual(active);
    await client.delete(jobs, { namespace, name: 'other' }, { propagationPolicy: 'Background' });
    await client.patch(cronJobs, at, 'merge', { metadata: { labels: { look: 'again' } } });
    await system.settled();
    expect((await client.get(cronJobs, at)).status?.active ?? []).toEqual([]);
    await system.advance(1_000);
    await system.settled();
    expect(await told(cluster)).toEqual(['MissingJob: Active job went missing: other']);
    await cluster.stop();
  });

  it('knows by its name the Job of a time that it does not remember', async () => {
    const cluster = await startCluster(['cronjob-controller']);
    const { client, system } = cluster;
    await client.create(cronJobs, everyMinute({ concurrencyPolicy: 'Forbid' }));
    await system.advance(61_000);
    await system.settled();
    const at = { namespace, name: 'c' };
    await client.patch(cronJobs, at, 'merge', { status: { lastScheduleTime: null } }, { subresource: 'status' });
    await system.settled();
    await system.advance(1_000);
    await system.settled();
    expect((await told(cluster)).map((text) => text.split(':')[0])).toEqual(['SuccessfulCreate']);
    await cluster.stop();
  });

  it('looks at once at a new schedule that never comes', async () => {
    const cluster = await startCluster(['cronjob-controller']);
    const { client, system } = cluster;
    await client.create(cronJobs, everyMinute({ schedule: '0 0 1 1 *' }));
    await client.patch(cronJobs, { namespace, name: 'c' }, 'merge', { spec: { schedule: '59 23 31 2 *' } });
    await system.advance(2_000);
    await system.settled();
    expect((await told(cluster)).map((text) => text.split(':')[0])).toEqual(['InvalidSchedule']);
    await cluster.stop();
  });

  it('says that a schedule never comes, and of a suspended one nothing', async () => {
    const cluster = await startCluster(['cronjob-controller']);
    const { client, system } = cluster;
    const never = { schedule: '59 23 31 2 *' };
    await client.create(cronJobs, everyMinute(never));
    await client.create(cronJobs, { ...everyMinute({ ...never, suspend: true }), metadata: { name: 's', namespace } });
    await system.advance(2_000);
    await system.settled();
    expect(await told(cluster)).toEqual([
      'InvalidSchedule: invalid schedule: 59 23 31 2 * : time difference between two schedules is less than 1 second',
    ]);
    await cluster.stop();
  });

  it('counts a period from the time before, however often it looks', async () => {
    const cluster = await startCluster(['cronjob-controller']);
    const { client, system } = cluster;
    await client.create(cronJobs, everyMinute({ schedule: '@every 40s' }));
    for (let look = 0; look < 5; look++) {
      await system.advance(25_000);
      await client.patch(cronJobs, { namespace, name: 'c' }, 'merge', { metadata: { labels: { look: `${look}` } } });
      await system.settled();
    }
    await system.advance(1_000);
    await system.settled();
    const { status } = await client.get(cronJobs, { namespace, name: 'c' });
    expect(status?.lastScheduleTime).toBe('2026-01-01T00:02:00Z');
    await cluster.stop();
  });
});
