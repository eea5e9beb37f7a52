/**
 * FlowSchemas and PriorityLevelConfigurations that every cluster has: data only.
 * @see staging/src/k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap/default.go
 */
import type { SystemObject } from './objects.ts';

const GROUP = 'flowcontrol.apiserver.k8s.io';

function objectOf(kind: 'FlowSchema' | 'PriorityLevelConfiguration', name: string, spec: object): SystemObject {
  return {
    group: GROUP,
    version: 'v1',
    plural: `${kind.toLowerCase()}s`,
    object: {
      apiVersion: `${GROUP}/v1`,
      kind,
      metadata: { name, annotations: { 'apf.kubernetes.io/autoupdate-spec': 'true' } },
      spec,
    },
  };
}

function level(
  name: string,
  nominalConcurrencyShares: number,
  lendablePercent: number,
  queues?: readonly [queues: number, handSize: number],
): SystemObject {
  const limitResponse =
    queues === undefined
      ? { type: 'Reject' }
      : { type: 'Queue', queuing: { queues: queues[0], handSize: queues[1], queueLengthLimit: 50 } };
  const limited = { nominalConcurrencyShares, limitResponse, lendablePercent };
  return objectOf('PriorityLevelConfiguration', name, { type: 'Limited', limited });
}

const user = (name: string) => ({ kind: 'User', user: { name } });
const group = (name: string) => ({ kind: 'Group', group: { name } });
const systemAccounts = { kind: 'ServiceAccount', serviceAccount: { namespace: 'kube-system', name: '*' } };
const everybody = [group('system:unauthenticated'), group('system:authenticated')];
const everything = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
};

function schema(
  name: string,
  levelName: string,
  matchingPrecedence: number,
  distinguisher: 'ByUser' | 'ByNamespace' | undefined,
  subjects: readonly object[],
  rules: object = everything,
): SystemObject {
  return objectOf('FlowSchema', name, {
    priorityLevelConfiguration: { name: levelName },
    matchingPrecedence,
    ...(distinguisher === undefined ? {} : { distinguisherMethod: { type: distinguisher } }),
    rules: [{ subjects, ...rules }],
  });
}

export const flowControlObjects: readonly SystemObject[] = [
  objectOf('PriorityLevelConfiguration', 'exempt', {
    type: 'Exempt',
    exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 },
  }),
  level('catch-all', 5, 0),
  level('system', 30, 33, [64, 6]),
  level('node-high', 40, 25, [64, 6]),
  level('leader-election', 10, 0, [16, 4]),
  level('workload-high', 40, 50, [128, 6]),
  level('workload-low', 100, 90, [128, 6]),
  level('global-default', 20, 50, [128, 6]),
  schema('exempt', 'exempt', 1, undefined, [group('system:masters')]),
  schema('probes', 'exempt', 2, undefined, everybody, {
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  }),
  schema(
    'system-leader-election',
    'leader-election',
    100,
    'ByUser',
    [user('system:kube-controller-manager'), user('system:kube-scheduler'), systemAccounts],
    {
      resourceRules: [
        {
          verbs: ['get', 'create', 'update'],
          apiGroups: ['coordination.k8s.io'],
          resources: ['leases'],
          namespaces: ['*'],
        },
      ],
    },
  ),
  schema('system-node-high', 'node-high', 400, 'ByUser', [group('system:nodes')], {
    resourceRules: [
      {
        verbs: ['*'],
        apiGroups: [''],
        resources: ['nodes', 'nodes/status'],
        clusterScope: true,
        namespaces: ['*'],
      },
      { verbs: ['*'], apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] },
    ],
  }),
  schema('system-nodes', 'system', 500, 'ByUser', [group('system:nodes')]),
  schema('kube-controller-manager', 'workload-high', 800, 'ByNamespace', [user('system:kube-controller-manager')]),
  schema('kube-scheduler', 'workload-high', 800, 'ByNamespace', [user('system:kube-scheduler')]),
  schema('kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', [systemAccounts]),
  schema('service-accounts', 'workload-low', 9000, 'ByUser', [group('system:serviceaccounts')]),
  schema('global-default', 'global-default', 9900, 'ByUser', everybody),
  schema('catch-all', 'catch-all', 10000, 'ByUser', everybody),
];
