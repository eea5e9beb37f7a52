/**
 * What the controllers are measured by: Deployments by the hundred, namespaces that go, ten thousand pods up and down. Each
 * workload says what it needs, what it does, and how many objects it moves; index.ts times and records it.
 */

import type { Pod } from '../../src/api/index.ts';
import * as kinds from '../../src/client/resources.ts';
import type { Cluster } from '../../src/cluster/index.ts';
import { cronJobs } from './cron-jobs.ts';
import { passiveKinds } from './kinds.ts';
import { rollingUpdate } from './rolling-update.ts';
import { type ControllerWorkload, deployment, inParallel, quiet } from './workload.ts';

const scale = (cluster: Cluster, replicas: number) =>
  cluster.client.patch(kinds.deployments, { namespace: 'default', name: 'web' }, 'merge', { spec: { replicas } });

const isRunning = ({ status }: Pod): boolean => status?.phase === 'Running';
/** Pods as a user waits for them, with a field selector and no more than is looked at: the observer shares the cores with the cluster. */
const running = { fieldSelector: 'status.phase=Running', members: ['metadata', 'status.phase'] };
const bound = { fieldSelector: 'spec.nodeName!=', members: ['metadata', 'spec.nodeName'] };
const any = { members: ['metadata'] };

export const controllerWorkloads: readonly ControllerWorkload[] = [
  {
    name: '600DeploymentsOfOne',
    options: { ...quiet, nodes: 20 },
    stages: [
      {
        name: 'available',
        targetMs: 3_000,
        objects: 600,
        async run(cluster, observer) {
          await inParallel(600, (index) => cluster.client.create(kinds.deployments, deployment(`web-${index}`, 1)));
          await observer.until(kinds.deployments, ({ status }) => status?.availableReplicas === 1, 600);
        },
      },
    ],
  },
  {
    name: 'DeploymentOf500',
    options: { ...quiet, nodes: 20 },
    stages: [
      {
        name: 'bound',
        targetMs: 1_000,
        objects: 500,
        async run(cluster, observer) {
          await cluster.client.create(kinds.deployments, deployment('web', 500));
          await observer.until(kinds.pods, ({ spec }) => (spec?.nodeName ?? '') !== '', 500, bound);
        },
      },
      {
        name: 'gone',
        targetMs: 1_000,
        objects: 500,
        async run(cluster, observer) {
          await scale(cluster, 0);
          await observer.until(kinds.pods, () => true, 0, any);
        },
      },
    ],
  },
  {
    name: 'NamespaceOf81PodsAnd100ConfigMaps',
    options: { ...quiet, nodes: 5 },
    async prepare({ client }, observer) {
      await client.create(kinds.namespaces, { metadata: { name: 'team' } });
      await observer.until(kinds.serviceAccounts, ({ metadata }) => metadata?.namespace === 'team', 1);
      await inParallel(100, (index) =>
        client.create(kinds.configMaps, { metadata: { name: `c-${index}`, namespace: 'team' } }),
      );
      await client.create(kinds.deployments, deployment('web', 81, 'team'));
      await observer.until(kinds.pods, ({ status }) => status?.phase === 'Running', 81);
    },
    stages: [
      {
        name: 'gone',
        targetMs: 1_000,
        objects: 181,
        async run(cluster, observer) {
          await cluster.client.delete(kinds.namespaces, { name: 'team' });
          await observer.until(kinds.namespaces, ({ metadata }) => metadata?.name === 'team', 0);
        },
      },
    ],
  },
  {
    name: 'NamespaceOf5000ObjectsOf30Kinds',
    options: { ...quiet, nodes: 1 },
    async prepare({ client }, observer) {
      await client.create(kinds.namespaces, { metadata: { name: 'team' } });
      await observer.until(kinds.serviceAccounts, ({ metadata }) => metadata?.namespace === 'team', 1);
      await inParallel(5_000, (index) => {
        const [resource, body] = passiveKinds[index % passiveKinds.length]!;
        const name = `o-${index}`;
        return client.create(resource, { metadata: { name, namespace: 'team' }, ...body(name) } as never);
      });
    },
    stages: [
      {
        name: 'gone',
        targetMs: 3_000,
        objects: 5_000,
        async run(cluster, observer) {
          await cluster.client.delete(kinds.namespaces, { name: 'team' });
          await observer.until(kinds.namespaces, ({ metadata }) => metadata?.name === 'team', 0);
        },
      },
    ],
  },
  {
    name: 'DeploymentOf10000On1000Nodes',
    options: { ...quiet, nodes: 1_000 },
    async prepare(cluster) {
      await cluster.client.create(kinds.deployments, deployment('web', 0));
      // A thousand nodes are Ready a second or two before all that follows from it (their pod ranges, annotations, events) is done.
      await cluster.settled();
    },
    stages: [
      {
        name: 'up',
        targetMs: 6_667,
        objects: 10_000,
        async run(cluster, observer) {
          await scale(cluster, 10_000);
          await observer.until(kinds.pods, isRunning, 10_000, running);
        },
      },
      {
        name: 'down',
        targetMs: 6_667,
        objects: 10_000,
        async run(cluster, observer) {
          await scale(cluster, 0);
          await observer.until(kinds.pods, () => true, 0, any);
        },
      },
    ],
  },
  rollingUpdate,
  cronJobs,
  {
    name: 'Idle10Seconds',
    options: { ...quiet, nodes: 1 },
    stages: [
      {
        name: 'idle',
        targetMs: 10_100,
        objects: 1,
        run: (cluster) => cluster.clock.sleep(10_000),
      },
    ],
  },
];
