/**
 * What the controllers are measured by: Deployments by the hundred, namespaces that go, ten thousand pods up and down. Each
 * workload says what it needs, what it does, and how many objects it moves; index.ts times and records it.
 */

import type { Resource } from '../../src/client/index.ts';
import * as kinds from '../../src/client/resources.ts';
import type { Cluster, ClusterOptions } from '../../src/cluster/index.ts';
import type { Observer } from './observer.ts';

export interface Stage {
  readonly name: string;
  /** Time within which it should be done, on two quiet cores. */
  readonly targetMs: number;
  /** Objects that it moves: CPU time is reported for each. */
  readonly objects: number;
  run(cluster: Cluster, observer: Observer): Promise<void>;
}

export interface ControllerWorkload {
  readonly name: string;
  readonly options: ClusterOptions;
  /** Not measured. */
  prepare?(cluster: Cluster, observer: Observer): Promise<void>;
  readonly stages: readonly Stage[];
}

const containers = [{ name: 'c', image: 'pause:1', resources: { requests: { cpu: '10m', memory: '16Mi' } } }];

const deployment = (name: string, replicas: number, namespace = 'default') => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { terminationGracePeriodSeconds: 0, containers } },
  },
});

const scale = (cluster: Cluster, replicas: number) =>
  cluster.client.patch(kinds.deployments, { namespace: 'default', name: 'web' }, 'merge', { spec: { replicas } });

/** Kinds that a namespace can hold without anybody acting on them. */
const passive: readonly (readonly [resource: Resource, body: (name: string) => object])[] = [
  [kinds.configMaps, () => ({ data: { a: 'b' } })],
  [kinds.secrets, () => ({ data: {} })],
  [kinds.serviceAccounts, () => ({})],
  [kinds.services, () => ({ spec: { clusterIP: 'None', ports: [{ port: 80 }] } })],
  [kinds.endpoints, () => ({ subsets: [] })],
  [kinds.limitRanges, () => ({ spec: { limits: [] } })],
  [kinds.podTemplates, () => ({ template: { spec: { containers } } })],
  [
    kinds.replicationControllers,
    (app) => ({
      spec: { replicas: 0, selector: { app }, template: { metadata: { labels: { app } }, spec: { containers } } },
    }),
  ],
  [
    kinds.replicaSets,
    (app) => ({
      spec: {
        replicas: 0,
        selector: { matchLabels: { app } },
        template: { metadata: { labels: { app } }, spec: { containers } },
      },
    }),
  ],
  [
    kinds.statefulSets,
    (app) => ({
      spec: {
        replicas: 0,
        serviceName: 's',
        selector: { matchLabels: { app } },
        template: { metadata: { labels: { app } }, spec: { containers } },
      },
    }),
  ],
  [kinds.controllerRevisions, () => ({ revision: 1, data: {} })],
  [kinds.jobs, () => ({ spec: { suspend: true, template: { spec: { restartPolicy: 'Never', containers } } } })],
  [
    kinds.cronJobs,
    () => ({
      spec: {
        schedule: '0 0 1 1 *',
        suspend: true,
        jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers } } } },
      },
    }),
  ],
  [kinds.podDisruptionBudgets, (app) => ({ spec: { minAvailable: 1, selector: { matchLabels: { app } } } })],
  [kinds.networkPolicies, () => ({ spec: { podSelector: {} } })],
  [kinds.ingresses, () => ({ spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } })],
  [kinds.roles, () => ({ rules: [] })],
  [
    kinds.roleBindings,
    () => ({ roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }, subjects: [] }),
  ],
  [kinds.leases, () => ({ spec: { holderIdentity: 'x' } })],
  [kinds.endpointSlices, () => ({ addressType: 'IPv4', endpoints: [], ports: [] })],
  [
    kinds.persistentVolumeClaims,
    () => ({
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources: { requests: { storage: '1Gi' } } },
    }),
  ],
  [
    kinds.resourceClaims,
    () => ({ spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'd' } }] } } }),
  ],
  [
    kinds.resourceClaimTemplates,
    () => ({ spec: { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'd' } }] } } } }),
  ],
];

const inParallel = async (count: number, act: (index: number) => Promise<unknown>, width = 64): Promise<void> => {
  let next = 0;
  const worker = async () => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, worker));
};

const quiet: Pick<ClusterOptions, 'threads' | 'https' | 'logLevel'> = {
  threads: 'auto',
  https: false,
  logLevel: 'error',
};

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
          await observer.until(kinds.pods, ({ spec }) => (spec?.nodeName ?? '') !== '', 500);
        },
      },
      {
        name: 'gone',
        targetMs: 1_000,
        objects: 500,
        async run(cluster, observer) {
          await scale(cluster, 0);
          await observer.until(kinds.pods, () => true, 0);
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
    name: 'NamespaceOf5000ObjectsOf23Kinds',
    options: { ...quiet, nodes: 1 },
    async prepare({ client }, observer) {
      await client.create(kinds.namespaces, { metadata: { name: 'team' } });
      await observer.until(kinds.serviceAccounts, ({ metadata }) => metadata?.namespace === 'team', 1);
      await inParallel(5_000, (index) => {
        const [resource, body] = passive[index % passive.length]!;
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
    async prepare({ client }) {
      await client.create(kinds.deployments, deployment('web', 0));
    },
    stages: [
      {
        name: 'up',
        targetMs: 6_667,
        objects: 10_000,
        async run(cluster, observer) {
          await scale(cluster, 10_000);
          await observer.until(kinds.pods, ({ status }) => status?.phase === 'Running', 10_000);
        },
      },
      {
        name: 'down',
        targetMs: 6_667,
        objects: 10_000,
        async run(cluster, observer) {
          await scale(cluster, 0);
          await observer.until(kinds.pods, () => true, 0);
        },
      },
    ],
  },
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
