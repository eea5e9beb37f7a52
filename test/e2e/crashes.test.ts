/** Kills the thread of every actor in turn while a Deployment is rolled out: the rollout completes, and nothing acknowledged is lost. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/up.ts';

// Worker threads load the built package, so the test drives the built package too.
const built = (await import(
  pathToFileURL(join(import.meta.dirname, '../../dist/index.js')).href
)) as typeof import('../../src/index.ts');
const { Cluster, resources } = built;
const { configMaps, deployments, pods } = resources;

const deployment = (image: string, replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image }] },
    },
  },
});

describe('a cluster whose threads are killed', () => {
  it('completes the rollout and keeps every acknowledged write', { timeout: 240_000 }, async () => {
    const cluster = await Cluster.start({
      nodes: 3,
      threads: 'dedicated',
      https: false,
      dataDirectory: mkdtempSync(join(tmpdir(), 'kubehive-crashes-')),
      logLevel: 'error',
    });
    const acknowledged: string[] = [];
    try {
      const { client } = cluster;
      await client.create(deployments, deployment('nginx:1', 12));
      const available = (generation: number) => async () => {
        const { metadata, status } = await client.get(deployments, { namespace: 'default', name: 'web' });
        return (
          metadata?.generation === generation &&
          status?.observedGeneration === generation &&
          status.updatedReplicas === 12 &&
          status.availableReplicas === 12 &&
          status.replicas === 12
        );
      };
      await eventually(available(1), 60_000);
      const addresses = (await cluster.actors.inspect())
        .map(({ address }) => address)
        .filter((address) => address !== 'main' && address !== 'client');
      await client.patch(deployments, { namespace: 'default', name: 'web' }, 'strategic', {
        spec: { template: { spec: { containers: [{ name: 'c', image: 'nginx:2' }] } } },
      });
      for (const [index, address] of addresses.entries()) {
        await cluster.actors.kill(address);
        const name = `written-${index}`;
        // A write may fail while the API server is away; one that was acknowledged has to stay.
        await eventually(async () => {
          await client
            .create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } })
            .catch((error) => {
              if (error?.status?.reason !== 'AlreadyExists') throw error;
            });
          return true;
        });
        acknowledged.push(name);
      }
      await eventually(available(2), 120_000);
      const { items } = await client.list(configMaps, { namespace: 'default' });
      expect(items.map(({ metadata }) => metadata?.name)).toEqual(expect.arrayContaining(acknowledged));
      const running = (await client.list(pods, { namespace: 'default', labelSelector: 'app=web' })).items.filter(
        (pod) => pod.metadata?.deletionTimestamp === undefined,
      );
      expect(running.map((pod) => pod.spec?.containers[0]?.image)).toEqual(Array(12).fill('nginx:2'));
      // Every one of them came back.
      await eventually(async () => {
        const actors = await cluster.actors.inspect();
        return addresses.every((address) =>
          actors.some((actor) => actor.address === address && actor.restarts > 0 && actor.state === 'running'),
        );
      }, 60_000);
    } finally {
      await cluster.stop();
    }
  });
});
