/** What every cluster has comes back when somebody takes it away. */
import { expect, it } from 'vitest';
import { isNotFound } from '../../../../src/api/index.ts';
import { namespaces, priorityClasses, serviceCidrs, services } from '../../../../src/client/index.ts';
import { startCluster } from '../../controllers/cluster.ts';

it('puts its Service, its range and its namespaces back, but no priority class', async () => {
  const { client, system, stop } = await startCluster(['namespace-controller']);
  const service = { namespace: 'default', name: 'kubernetes' };
  const address = (await client.get(services, service)).spec?.clusterIP;
  await client.delete(services, service);
  await expect(client.get(services, service)).rejects.toSatisfy(isNotFound);
  await client.delete(serviceCidrs, { name: 'kubernetes' });
  await client.delete(namespaces, { name: 'kube-node-lease' });
  await client.delete(priorityClasses, { name: 'system-node-critical' });
  await system.advance(20_000);
  await system.settled();
  expect((await client.get(services, service)).spec?.clusterIP).toBe(address);
  expect((await client.get(serviceCidrs, { name: 'kubernetes' })).spec?.cidrs).toEqual(['10.96.0.0/16']);
  expect((await client.get(namespaces, { name: 'kube-node-lease' })).status?.phase).toBe('Active');
  await expect(client.get(priorityClasses, { name: 'system-node-critical' })).rejects.toSatisfy(isNotFound);
  await stop();
});
