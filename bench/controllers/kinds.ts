/** Thirty kinds that a namespace can hold without anybody acting on them, for the workload that deletes one full of them. */
import type { Resource } from '../../src/client/index.ts';
import * as kinds from '../../src/client/resources.ts';

const containers = [{ name: 'c', image: 'pause:1' }];

/** Body of an object of each kind, by the name that it is to have. */
export const passiveKinds: readonly (readonly [resource: Resource, body: (name: string) => object])[] = [
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
  [
    kinds.deployments,
    (app) => ({
      spec: {
        replicas: 0,
        paused: true,
        selector: { matchLabels: { app } },
        template: { metadata: { labels: { app } }, spec: { containers } },
      },
    }),
  ],
  [
    kinds.daemonSets,
    (app) => ({
      spec: {
        selector: { matchLabels: { app } },
        template: { metadata: { labels: { app } }, spec: { nodeSelector: { nowhere: 'yes' }, containers } },
      },
    }),
  ],
  [
    kinds.horizontalPodAutoscalers,
    () => ({ spec: { maxReplicas: 2, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'none' } } }),
  ],
  [kinds.resourceQuotas, () => ({ spec: { hard: { 'requests.example.com/x': '1' } } })],
  [kinds.pods, () => ({ spec: { schedulingGates: [{ name: 'example.com/never' }], containers } })],
  [kinds.csiStorageCapacities, () => ({ storageClassName: 'none' })],
  [
    kinds.coreEvents,
    (name) => ({ involvedObject: { kind: 'Pod', name, namespace: 'team' }, reason: 'Made', type: 'Normal' }),
  ],
];
