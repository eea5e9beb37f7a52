import { expect, it } from 'vitest';
import { configMaps } from '../../../../src/client/index.ts';
import { startCluster } from '../../controllers/cluster.ts';

const place = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' };

it('makes the ConfigMap again when it is taken away, but not over and over', async () => {
  const { client, system, stop } = await startCluster([]);
  const since = async () => (await client.get(configMaps, place)).data?.['since'];
  expect(await since()).toBe('2026-01-01');
  await client.delete(configMaps, place);
  await system.settled();
  // The server made it at its start: somebody else may be at work on it.
  await system.advance(29 * 60_000);
  await expect(client.get(configMaps, place)).rejects.toMatchObject({ code: 404 });
  await system.advance(2 * 60_000);
  expect(await since()).toBe('2026-01-01');
  await stop();
});
