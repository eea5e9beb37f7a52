/** Several profiles in one scheduler: each schedules and speaks for the pods that name it. */
import { afterEach, expect, test } from 'vitest';
import { events, nodes, pods } from '../../../src/client/index.ts';
import { makeNode, makePod } from '../../support/scheduling.ts';
import { type SchedulingCluster, startSchedulingCluster } from '../../support/scheduling-cluster.ts';

let fixture: SchedulingCluster;
afterEach(() => fixture.cluster.stop());

test('events come from the profile that the pod names', async () => {
  fixture = await startSchedulingCluster({
    schedulerConfiguration: { profiles: [{ schedulerName: 'default-scheduler' }, { schedulerName: 'packer' }] },
  });
  const { client } = fixture.cluster;
  await client.create(nodes, makeNode('n'));
  await client.create(pods, makePod('one', { schedulerName: 'default-scheduler' }));
  await client.create(pods, makePod('two', { schedulerName: 'packer' }));
  await client.create(pods, makePod('three', { schedulerName: 'packer', requests: { cpu: '99' } }));
  const from = (name: string, reason: string) =>
    fixture.eventually(`an event ${reason} of ${name}`, async () => {
      const { items } = await client.list(events, { namespace: 'default' });
      const found = items.find((event) => event.regarding?.name === name && event.reason === reason);
      return found && [found.reportingController, found.reportingInstance];
    });
  expect(await from('one', 'Scheduled')).toEqual(['default-scheduler', expect.stringMatching(/^default-scheduler-/)]);
  expect(await from('two', 'Scheduled')).toEqual(['packer', expect.stringMatching(/^packer-/)]);
  expect(await from('three', 'FailedScheduling')).toEqual(['packer', expect.stringMatching(/^packer-/)]);
});
