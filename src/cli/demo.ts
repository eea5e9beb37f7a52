/**
 * `npm start`: shows the main job. A cluster with many simulated nodes comes up, a Deployment is rolled out and scaled, the
 * speed is printed, and the cluster stays up for kubectl until Ctrl-C.
 */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { filter, firstValueFrom, map, tap } from 'rxjs';
import type { Deployment } from '../api/index.ts';
import type { Client } from '../client/index.ts';
import { deployments, namespaces, nodes } from '../client/resources.ts';
import type { Cluster } from '../cluster/index.ts';
import {
  addClusterFlags,
  addNodesWithProgress,
  type ClusterFlags,
  startCluster,
  untilSignal,
} from './cluster-flags.ts';
import { CommandError } from './errors.ts';
import { progressBar } from './progress.ts';

const namespace = 'demo';
const name = 'web';

const deployment = (replicas: number): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace },
  spec: {
    replicas,
    // All at once: what is shown is how fast the cluster is, not how careful a rollout can be.
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '100%', maxUnavailable: 0 } },
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        containers: [{ name: 'web', image: 'nginx:1.29', resources: { requests: { cpu: '100m', memory: '64Mi' } } }],
      },
    },
  },
});

/** Seconds by the cluster's clock, with two digits. */
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

async function nodesReady(client: Client, count: number): Promise<void> {
  const bar = progressBar('nodes ready');
  const ready = new Set<string>();
  await firstValueFrom(
    client.watch(nodes, { sendInitialEvents: true, allowWatchBookmarks: true }).pipe(
      tap((event) => {
        if (event.type === 'BOOKMARK') return;
        const isReady = event.object.status?.conditions?.some(
          ({ type, status }) => type === 'Ready' && status === 'True',
        );
        if (isReady) ready.add(event.object.metadata?.name ?? '');
        bar.update(ready.size, count);
      }),
      filter(() => ready.size >= count),
    ),
  );
  bar.finish();
}

/** Follows the Deployment until `done` says so, drawing what `figure` counts. */
async function follow(
  client: Client,
  title: string,
  total: number,
  figure: (status: NonNullable<Deployment['status']>) => number,
  generation: number,
): Promise<void> {
  const bar = progressBar(title);
  await firstValueFrom(
    client
      .watch(deployments, {
        namespace,
        fieldSelector: `metadata.name=${name}`,
        sendInitialEvents: true,
        allowWatchBookmarks: true,
      })
      .pipe(
        filter((event) => event.type !== 'BOOKMARK'),
        map(({ object }) => object.status ?? {}),
        filter((status) => (status.observedGeneration ?? 0) >= generation),
        map(figure),
        tap((count) => bar.update(count, total)),
        filter((count) => count >= total),
      ),
  );
  bar.finish();
}

async function show(cluster: Cluster, flags: ClusterFlags & { pods?: number }): Promise<void> {
  const { client, clock } = cluster;
  const print = (text: string) => process.stdout.write(`${text}\n`);
  const measure = async (work: () => Promise<void>): Promise<number> => {
    const start = clock.monotonic();
    await work();
    return clock.monotonic() - start;
  };
  const pods = flags.pods ?? Math.min(10 * flags.nodes, 5000);
  const few = Math.ceil(pods / 2);

  const up = await measure(async () => {
    await addNodesWithProgress(cluster, flags);
    await nodesReady(client, flags.nodes);
  });
  print(`${flags.nodes} nodes Ready in ${seconds(up)}`);

  await client
    .create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
    .catch((error) => {
      if (error?.status?.reason !== 'AlreadyExists') throw error;
    });
  const rollout = await measure(async () => {
    await client.create(deployments, deployment(few));
    await follow(client, 'deployment rolled out', few, (status) => status.availableReplicas ?? 0, 1);
  });
  print(
    `Deployment ${namespace}/${name}: ${few} pods available in ${seconds(rollout)} (${(few / (rollout / 1000)).toFixed(0)} pods/s)`,
  );

  const grown = await measure(async () => {
    await client.patch(
      deployments,
      { namespace, name },
      'merge',
      { spec: { replicas: pods } },
      { subresource: 'scale' },
    );
    await follow(client, 'scaled up', pods, (status) => status.availableReplicas ?? 0, 2);
  });
  const added = pods - few;
  print(`scaled from ${few} to ${pods} in ${seconds(grown)} (${(added / (grown / 1000)).toFixed(0)} pods/s)`);

  const shrunk = await measure(async () => {
    await client.patch(
      deployments,
      { namespace, name },
      'merge',
      { spec: { replicas: few } },
      { subresource: 'scale' },
    );
    await follow(client, 'scaled down', added, (status) => pods - (status.replicas ?? 0), 3);
  });
  print(`scaled from ${pods} to ${few} in ${seconds(shrunk)}`);
}

export const demoCommand = (): Command =>
  addClusterFlags(
    new Command('demo').description('Bring up a cluster, roll out and scale a Deployment, and stay up until Ctrl-C.'),
    1000,
  )
    .option('--pods <n>', 'pods of the Deployment (default: ten a node, at most 5000)', Number)
    .option('--exit', 'end when all is shown')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kubehive demo --nodes 100 --threads inline\n  $ npm start                              the same from a checkout\n' +
        '  $ npm start -- --nodes 5000 --exit',
    )
    .action(async (flags: ClusterFlags & { pods?: number; exit?: boolean }) => {
      if (flags.nodes < 1) throw new CommandError('the demo needs at least one node; try --nodes 10');
      const stopped = untilSignal();
      const begun = performance.now();
      const cluster = await startCluster(flags);
      process.stdout.write(
        `control plane ready in ${seconds(performance.now() - begun)}: ${cluster.endpoints.https}\n`,
      );
      await Promise.race([show(cluster, flags), stopped]);
      if (flags.exit !== true) {
        const kubectl = `kubectl --kubeconfig ${resolve(flags.kubeconfig)}`;
        process.stdout.write(
          `\nkubeconfig: ${resolve(flags.kubeconfig)}\nTry:\n  ${kubectl} get nodes\n  ${kubectl} -n ${namespace} get deployment,replicaset,pods\n` +
            `  ${kubectl} -n ${namespace} scale deployment ${name} --replicas 3\nCtrl-C stops the cluster.\n`,
        );
        await stopped;
      }
      await cluster.stop();
    });
