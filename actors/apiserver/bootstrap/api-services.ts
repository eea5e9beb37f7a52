/**
 * An APIService for each group version that the server itself serves: clients read from them what is available.
 * @see pkg/controlplane/apiserver/aggregator.go
 */
import type { KindDefinition } from '../../../src/api/index.ts';
import { runPipeline } from '../pipeline.ts';
import type { Server } from '../server.ts';
import { callOf } from '../system-call.ts';
import type { SystemObject } from './objects.ts';

const MANAGED = 'kube-aggregator.kubernetes.io/automanaged';
const ON_START = 'onstart';

/** Priority of the group, then of the version, by group and version. */
const PRIORITIES: readonly (readonly [
  group: string,
  version: string,
  groupPriority: number,
  versionPriority: number,
])[] = [
  ['', 'v1', 18000, 1],
  ['apps', 'v1', 17800, 15],
  ['events.k8s.io', 'v1', 17750, 15],
  ['authentication.k8s.io', 'v1', 17700, 15],
  ['authorization.k8s.io', 'v1', 17600, 15],
  ['autoscaling', 'v1', 17500, 15],
  ['autoscaling', 'v2', 17500, 30],
  ['batch', 'v1', 17400, 15],
  ['certificates.k8s.io', 'v1', 17300, 15],
  ['certificates.k8s.io', 'v1beta1', 17300, 9],
  ['certificates.k8s.io', 'v1alpha1', 17300, 1],
  ['networking.k8s.io', 'v1', 17200, 15],
  ['networking.k8s.io', 'v1beta1', 17200, 9],
  ['policy', 'v1', 17100, 15],
  ['rbac.authorization.k8s.io', 'v1', 17000, 15],
  ['storage.k8s.io', 'v1', 16800, 15],
  ['storage.k8s.io', 'v1beta1', 16800, 9],
  ['apiextensions.k8s.io', 'v1', 16700, 15],
  ['admissionregistration.k8s.io', 'v1', 16700, 15],
  ['admissionregistration.k8s.io', 'v1beta1', 16700, 12],
  ['admissionregistration.k8s.io', 'v1alpha1', 16700, 9],
  ['scheduling.k8s.io', 'v1', 16600, 15],
  ['scheduling.k8s.io', 'v1alpha2', 16600, 9],
  ['coordination.k8s.io', 'v1', 16500, 15],
  ['coordination.k8s.io', 'v1beta1', 16500, 13],
  ['coordination.k8s.io', 'v1alpha2', 16500, 12],
  ['node.k8s.io', 'v1', 16300, 15],
  ['discovery.k8s.io', 'v1', 16200, 15],
  ['resource.k8s.io', 'v1', 16200, 20],
  ['resource.k8s.io', 'v1beta2', 16200, 15],
  ['resource.k8s.io', 'v1beta1', 16200, 9],
  ['resource.k8s.io', 'v1alpha3', 16200, 1],
  ['flowcontrol.apiserver.k8s.io', 'v1', 16100, 21],
  ['internal.apiserver.k8s.io', 'v1alpha1', 16000, 9],
  ['storagemigration.k8s.io', 'v1beta1', 16000, 9],
];

const served = ({ registry }: Server): SystemObject[] =>
  PRIORITIES.filter(([group, version]) =>
    registry.all().some((kind) => kind.group === group && kind.version === version),
  ).map(([group, version, groupPriorityMinimum, versionPriority]) => ({
    group: 'apiregistration.k8s.io',
    version: 'v1',
    plural: 'apiservices',
    object: {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: {
        name: `${version}.${group}`,
        labels: { [MANAGED]: ON_START },
      },
      spec: { ...(group === '' ? {} : { group }), version, groupPriorityMinimum, versionPriority },
    },
  }));

/** As the manifests of metrics-server have it. */
const metrics: SystemObject = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  plural: 'apiservices',
  object: {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: 'v1beta1.metrics.k8s.io', labels: { 'k8s-app': 'metrics-server' } },
    spec: {
      group: 'metrics.k8s.io',
      version: 'v1beta1',
      service: { name: 'metrics-server', namespace: 'kube-system' },
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
    },
  },
};

/** Those of every group version that is served; objects of versions that an earlier start served and this one does not are deleted. */
export async function apiServices(server: Server): Promise<readonly SystemObject[]> {
  const wanted = served(server);
  const kind = server.registry.byResource('apiregistration.k8s.io', 'v1', 'apiservices') as KindDefinition;
  for (const { name, object } of [...server.cacheOf(kind).values()]) {
    const labels = object.metadata['labels'] as Readonly<Record<string, string>> | undefined;
    if (labels?.[MANAGED] !== ON_START || wanted.some((one) => one.object.metadata.name === name)) continue;
    await runPipeline(callOf(server, kind, 'delete', { name }), server);
  }
  return server.options.resourceMetrics ? [...wanted, metrics] : wanted;
}
