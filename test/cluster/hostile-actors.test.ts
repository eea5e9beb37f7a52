/** Actors that turn against the cluster: what a kubelet's or a controller's identity can and cannot do over the bus. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiserverActor } from '../../actors/apiserver/index.ts';
import { storeActor } from '../../actors/store/index.ts';
import type { Client, KubernetesObject, Resource } from '../../src/client/index.ts';
import { createBusClient } from '../../src/client/index.ts';
import * as kinds from '../../src/client/resources.ts';
import {
  administrator,
  controllerIdentity,
  kubeletIdentity,
  kubeProxyIdentity,
  schedulerIdentity,
} from '../../src/cluster/identities.ts';
import { ActorSystem } from '../../src/runtime/index.ts';

let system: ActorSystem;
let admin: Client;
const uids: Record<string, string> = {};
const namespace = 'default';
const containers = [{ name: 'c', image: 'i' }];
const refused = expect.objectContaining({ code: 403 });

type Attempt = (client: Client) => Promise<unknown>;

const create =
  (resource: Resource, object: object): Attempt =>
  (client) =>
    client.create(resource, structuredClone(object) as KubernetesObject);
const patch =
  (resource: Resource, key: { namespace?: string; name: string }, change: object, subresource?: string): Attempt =>
  (client) =>
    client.patch(resource, key, 'merge', change, subresource === undefined ? {} : { subresource });
const get =
  (resource: Resource, name: string, where?: string): Attempt =>
  (client) =>
    client.get(resource, where === undefined ? { name } : { namespace: where, name });
const list =
  (resource: Resource, where?: string): Attempt =>
  (client) =>
    client.list(resource, where === undefined ? {} : { namespace: where });
const remove =
  (resource: Resource, name: string, where?: string): Attempt =>
  (client) =>
    client.delete(resource, where === undefined ? { name } : { namespace: where, name });

const post =
  (resource: Resource, name: string, subresource: string, apiVersion: string, kind: string): Attempt =>
  (client) =>
    client.post(resource, { namespace, name }, subresource, { apiVersion, kind, metadata: { namespace, name } });

const everything = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
const ofRole = (name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name });
const grant = (subject: string) => ({
  metadata: { name: 'taken' },
  roleRef: ofRole('cluster-admin'),
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: subject }],
});
const role = { metadata: { name: 'taken' }, rules: everything };
const running = { status: { phase: 'Running' } };

let links = 0;
const as = (identity: object): Client => createBusClient(system.connect(`hostile/${links++}`, identity).bus);

beforeAll(async () => {
  system = new ActorSystem({ placement: 'inline', seed: 1, logLevel: 'error', log: () => undefined });
  await system.start({ definition: storeActor });
  const options = { serviceAccountAdmission: false, enabledAdmissionPlugins: ['NodeRestriction'] };
  await system.start({ definition: apiserverActor, options });
  admin = as(administrator);
  await admin.create(kinds.serviceAccounts, { metadata: { name: 'default', namespace } });
  for (const node of ['n1', 'n2']) {
    await admin.create(kinds.nodes, { metadata: { name: node } });
    await admin.create(kinds.secrets, { metadata: { name: `of-${node}`, namespace } });
    const volumes = [{ name: 'v', secret: { secretName: `of-${node}` } }];
    const made = await admin.create(kinds.pods, {
      metadata: { name: `on-${node}`, namespace },
      spec: { nodeName: node, containers, volumes, serviceAccountName: 'default' },
    });
    uids[node] = made.metadata?.uid ?? '';
  }
  await admin.create(kinds.pods, { metadata: { name: 'pending', namespace }, spec: { containers } });
});
afterAll(() => system.stop());

describe('the identity of the kubelet of n1', () => {
  const bound = (node: string) => ({
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: `on-${node}`, uid: uids[node] } },
  });
  const token = (client: Client, node: string) =>
    client.post(kinds.serviceAccounts, { namespace, name: 'default' }, 'token', bound(node));

  it('does what a kubelet must', async () => {
    const kubelet = as(kubeletIdentity('n1'));
    await get(kinds.secrets, 'of-n1', namespace)(kubelet);
    await patch(kinds.pods, { namespace, name: 'on-n1' }, running, 'status')(kubelet);
    await patch(kinds.nodes, { name: 'n1' }, { status: { nodeInfo: {} } }, 'status')(kubelet);
  });

  it.each<[string, Attempt]>([
    ['read a secret of another node', get(kinds.secrets, 'of-n2', namespace)],
    ['list secrets', list(kinds.secrets, namespace)],
    ['list secrets everywhere', list(kinds.secrets)],
    ['write a secret of its own pod', patch(kinds.secrets, { namespace, name: 'of-n1' }, { data: {} })],
    ['write another node’s status', patch(kinds.nodes, { name: 'n2' }, { status: {} }, 'status')],
    ['write another node', patch(kinds.nodes, { name: 'n2' }, { metadata: { labels: { a: 'b' } } })],
    ['delete its node', remove(kinds.nodes, 'n1')],
    ['delete another node', remove(kinds.nodes, 'n2')],
    [
      'take its taints away',
      patch(kinds.nodes, { name: 'n1' }, { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }),
    ],
    [
      'call itself a control plane',
      patch(kinds.nodes, { name: 'n1' }, { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } }),
    ],
    ['write the status of another node’s pod', patch(kinds.pods, { namespace, name: 'on-n2' }, running, 'status')],
    [
      'write the status of a pod that is on no node',
      patch(kinds.pods, { namespace, name: 'pending' }, running, 'status'),
    ],
    ['write a pod', patch(kinds.pods, { namespace, name: 'on-n1' }, { metadata: { labels: { a: 'b' } } })],
    ['delete a pod of another node', remove(kinds.pods, 'on-n2', namespace)],
    ['evict a pod of another node', post(kinds.pods, 'on-n2', 'eviction', 'policy/v1', 'Eviction')],
    ['run commands in a pod of its own', post(kinds.pods, 'on-n1', 'exec', 'v1', 'PodExecOptions')],
    ['read a pod of another node', get(kinds.pods, 'on-n2', namespace)],
    ['create a pod', create(kinds.pods, { metadata: { name: 'x', namespace }, spec: { nodeName: 'n1', containers } })],
    [
      'create a mirror pod on another node',
      create(kinds.pods, {
        metadata: { name: 'm', namespace, annotations: { 'kubernetes.io/config.mirror': 'm' } },
        spec: { nodeName: 'n2', containers },
      }),
    ],
    ['create a role', create(kinds.clusterRoles, role)],
    ['bind itself', create(kinds.clusterRoleBindings, grant('system:node:n1'))],
    [
      'bind itself in a namespace',
      create(kinds.roleBindings, { ...grant('system:node:n1'), metadata: { name: 'taken', namespace } }),
    ],
    ['change a role', patch(kinds.clusterRoles, { name: 'system:node-proxier' }, { rules: everything })],
    [
      'take another node’s lease',
      create(kinds.leases, { metadata: { name: 'n2', namespace: 'kube-node-lease' }, spec: {} }),
    ],
    [
      'take the scheduler’s lease',
      create(kinds.leases, { metadata: { name: 'kube-scheduler', namespace: 'kube-system' }, spec: {} }),
    ],
    ['approve certificates', patch(kinds.certificateSigningRequests, { name: 'none' }, { status: {} }, 'approval')],
    ['write another CSINode', create(kinds.csiNodes, { metadata: { name: 'n2' }, spec: { drivers: [] } })],
  ])('cannot %s', async (_what, attempt) => {
    await expect(attempt(as(kubeletIdentity('n1')))).rejects.toEqual(refused);
  });

  it('cannot bind pods, to itself or elsewhere', async () => {
    const kubelet = as(kubeletIdentity('n1'));
    const key = { namespace, name: 'pending' };
    const target = { apiVersion: 'v1', kind: 'Node', name: 'n1' };
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: key, target };
    await expect(kubelet.post(kinds.pods, key, 'binding', binding)).rejects.toEqual(refused);
    expect((await admin.get(kinds.pods, { namespace, name: 'pending' })).spec?.nodeName).toBeUndefined();
  });

  it('gets tokens for pods on it, and no others', async () => {
    const kubelet = as(kubeletIdentity('n1'));
    await token(kubelet, 'n1');
    await expect(token(kubelet, 'n2')).rejects.toEqual(refused);
  });

  it('is no identity without its group', async () => {
    const stranger = as({ user: 'system:node:n1', groups: ['system:authenticated'] });
    await expect(get(kinds.secrets, 'of-n1', namespace)(stranger)).rejects.toEqual(refused);
    const nameless = as({ user: 'system:node:', groups: ['system:nodes', 'system:authenticated'] });
    await expect(get(kinds.secrets, 'of-n1', namespace)(nameless)).rejects.toEqual(refused);
  });
});

describe('the identity of', () => {
  const controller = (name: string) => controllerIdentity(name);
  it.each<[string, string, object, Attempt]>([
    [
      'the deployment controller',
      'read a secret',
      controller('deployment-controller'),
      get(kinds.secrets, 'of-n1', namespace),
    ],
    [
      'the deployment controller',
      'create pods',
      controller('deployment-controller'),
      create(kinds.pods, { metadata: { name: 'x', namespace }, spec: { containers } }),
    ],
    ['the deployment controller', 'delete nodes', controller('deployment-controller'), remove(kinds.nodes, 'n1')],
    [
      'the deployment controller',
      'create a role',
      controller('deployment-controller'),
      create(kinds.clusterRoles, role),
    ],
    [
      'the job controller',
      'create deployments',
      controller('job-controller'),
      create(kinds.deployments, {
        metadata: { name: 'x', namespace },
        spec: {
          selector: { matchLabels: { a: 'b' } },
          template: { metadata: { labels: { a: 'b' } }, spec: { containers } },
        },
      }),
    ],
    ['the node controller', 'read secrets', controller('node-controller'), get(kinds.secrets, 'of-n1', namespace)],
    [
      'the namespace controller',
      'create a binding of roles',
      controller('namespace-controller'),
      create(kinds.clusterRoleBindings, grant('system:serviceaccount:kube-system:namespace-controller')),
    ],
    [
      'the garbage collector',
      'create pods',
      controller('generic-garbage-collector'),
      create(kinds.pods, { metadata: { name: 'x', namespace }, spec: { containers } }),
    ],
    [
      'the aggregation controller',
      'bind itself',
      controller('clusterrole-aggregation-controller'),
      create(kinds.clusterRoleBindings, grant('system:serviceaccount:kube-system:clusterrole-aggregation-controller')),
    ],
    [
      'the scheduler',
      'write pods',
      schedulerIdentity,
      patch(kinds.pods, { namespace, name: 'on-n1' }, { metadata: { labels: { a: 'b' } } }),
    ],
    [
      'the scheduler',
      'write nodes',
      schedulerIdentity,
      patch(kinds.nodes, { name: 'n1' }, { spec: { unschedulable: true } }),
    ],
    ['the scheduler', 'read secrets', schedulerIdentity, get(kinds.secrets, 'of-n1', namespace)],
    [
      'kube-proxy',
      'write endpoints',
      kubeProxyIdentity,
      create(kinds.endpoints, { metadata: { name: 'x', namespace } }),
    ],
    ['kube-proxy', 'read pods', kubeProxyIdentity, list(kinds.pods)],
    ['nobody in particular', 'read pods', { user: 'nobody', groups: ['system:authenticated'] }, list(kinds.pods)],
  ])('%s cannot %s', async (_who, _what, identity, attempt) => {
    await expect(attempt(as(identity))).rejects.toEqual(refused);
  });
});
