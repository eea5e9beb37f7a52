import { describe, expect, it } from 'vitest';
import { cronJobs, jobs } from '../../../src/client/index.ts';
import { timeMs } from '../../../src/controller/index.ts';
import { startCluster } from './cluster.ts';

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
});
