import { afterEach, describe, expect, it } from 'vitest';
import type { Pod, ResourceClaim } from '../../../src/api/index.ts';
import {
  certificateSigningRequests,
  clusterRoles,
  deployments,
  deviceClasses,
  horizontalPodAutoscalers,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  resourceClaims,
  resourceClaimTemplates,
  resourceQuotas,
  secrets,
  serviceAccounts,
  storageClasses,
} from '../../../src/client/index.ts';
import { nodeRequest } from './certificates.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';
let cluster: TestCluster;
afterEach(() => cluster.stop());
const settled = () => cluster.system.settled();
const pod = (name: string, spec: object = {}): Pod => ({
  metadata: { name, namespace },
  spec: { containers: [{ name: 'c', image: 'pause:1' }], ...spec },
});

describe('resourcequota-controller', () => {
  it('counts what is there, and the API server refuses what goes beyond', async () => {
    cluster = await startCluster(['resourcequota-controller']);
    await cluster.client.create(pods, pod('a'));
    await cluster.client.create(resourceQuotas, { metadata: { name: 'q', namespace }, spec: { hard: { pods: '2' } } });
    await settled();
    await cluster.client.create(pods, pod('b'));
    await expect(cluster.client.create(pods, pod('c'))).rejects.toThrow(
      'pods "c" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2',
    );
    await cluster.client.delete(pods, { namespace, name: 'a' }, { gracePeriodSeconds: 0 });
    await settled();
    const quota = await cluster.client.get(resourceQuotas, { namespace, name: 'q' });
    expect(quota.status).toEqual({ hard: { pods: '2' }, used: { pods: '1' } });
  });

  it('moves a pod to another quota when it is given a time limit', async () => {
    cluster = await startCluster(['resourcequota-controller']);
    await cluster.client.create(pods, pod('a'));
    for (const scope of ['Terminating', 'NotTerminating']) {
      const metadata = { name: scope.toLowerCase(), namespace };
      await cluster.client.create(resourceQuotas, { metadata, spec: { hard: { pods: '2' }, scopes: [scope] } });
    }
    await settled();
    const usedOf = async (name: string) =>
      (await cluster.client.get(resourceQuotas, { namespace, name })).status?.used?.['pods'];
    expect([await usedOf('terminating'), await usedOf('notterminating')]).toEqual(['0', '1']);
    const spec = { activeDeadlineSeconds: 600 };
    await cluster.client.patch(pods, { namespace, name: 'a' }, 'merge', { spec });
    await settled();
    expect([await usedOf('terminating'), await usedOf('notterminating')]).toEqual(['1', '0']);
  });

  it('counts claims of devices by the extended resource that their class stands for, and refuses more of them', async () => {
    cluster = await startCluster(['resourcequota-controller']);
    const extendedResourceName = 'example.com/gpu';
    await cluster.client.create(deviceClasses, { metadata: { name: 'gpu' }, spec: { extendedResourceName } });
    const claim = (name: string, count: number): ResourceClaim => ({
      metadata: { name, namespace },
      spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu', count } }] } },
    });
    await cluster.client.create(resourceClaims, claim('a', 2));
    const hard = { 'requests.example.com/gpu': '3' };
    await cluster.client.create(resourceQuotas, { metadata: { name: 'q', namespace }, spec: { hard } });
    await settled();
    const { status } = await cluster.client.get(resourceQuotas, { namespace, name: 'q' });
    expect(status?.used).toEqual({ 'requests.example.com/gpu': '2' });
    await expect(cluster.client.create(resourceClaims, claim('b', 2))).rejects.toThrow(
      'exceeded quota: q, requested: requests.example.com/gpu=2, used: requests.example.com/gpu=2, limited: requests.example.com/gpu=3',
    );
  });

  it('says nothing of what it cannot count', async () => {
    cluster = await startCluster(['resourcequota-controller']);
    const hard = { 'count/widgets.example.com': '2', 'count/secrets': '3', 'example.com/x': '1' };
    await cluster.client.create(resourceQuotas, { metadata: { name: 'q', namespace }, spec: { hard } });
    await settled();
    const quota = await cluster.client.get(resourceQuotas, { namespace, name: 'q' });
    expect(quota.status).toEqual({ hard, used: { 'count/secrets': '0' } });
  });
});

describe('horizontal-pod-autoscaler-controller', () => {
  it('raises too few replicas to the minimum', async () => {
    cluster = await startCluster(['horizontal-pod-autoscaler-controller']);
    const labels = { app: 'web' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'pause:1' }] } };
    const metadata = { name: 'web', namespace };
    await cluster.client.create(deployments, {
      metadata,
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    });
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
    const spec = { scaleTargetRef, minReplicas: 3, maxReplicas: 5 };
    await cluster.client.create(horizontalPodAutoscalers, { metadata, spec });
    await settled();
    expect((await cluster.client.get(deployments, { namespace, name: 'web' })).spec?.replicas).toBe(3);
    const autoscaler = await cluster.client.get(horizontalPodAutoscalers, { namespace, name: 'web' });
    expect(autoscaler.status?.conditions?.map(({ reason }) => reason)).toEqual(['SucceededRescale']);
  });
});

describe('persistentvolume-binder-controller', () => {
  const claim = (name: string, storageClassName: string) => ({
    metadata: { name, namespace },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage: '1Gi' } } },
  });
  const volume = (name: string, storage: string) => ({
    metadata: { name },
    spec: {
      capacity: { storage },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'local',
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: '/tmp/x' },
    },
  });
  const phaseOf = async (name: string) =>
    (await cluster.client.get(persistentVolumes, { name })).status?.phase as string | undefined;

  it('takes the smallest volume that serves, and releases it with its claim', async () => {
    cluster = await startCluster(['persistentvolume-binder-controller', 'persistentvolumeclaim-protection-controller']);
    for (const [name, size] of [
      ['large', '9Gi'],
      ['small', '2Gi'],
      ['tiny', '1Mi'],
    ] as const)
      await cluster.client.create(persistentVolumes, volume(name, size));
    await settled();
    await cluster.client.create(persistentVolumeClaims, claim('c', 'local'));
    await settled();
    const bound = await cluster.client.get(persistentVolumeClaims, { namespace, name: 'c' });
    expect([bound.spec?.volumeName, bound.status?.phase]).toEqual(['small', 'Bound']);
    await cluster.client.delete(persistentVolumeClaims, { namespace, name: 'c' });
    await settled();
    expect([await phaseOf('small'), await phaseOf('large')]).toEqual(['Released', 'Available']);
  });

  it('provisions with the simulated provisioner, for waiting claims once a node was selected', async () => {
    cluster = await startCluster(['persistentvolume-binder-controller']);
    const provisioner = 'simulated.kubehive.io';
    const volumeBindingMode = 'WaitForFirstConsumer';
    await cluster.client.create(storageClasses, { metadata: { name: 'late' }, provisioner, volumeBindingMode });
    await cluster.client.create(persistentVolumeClaims, claim('c', 'late'));
    await settled();
    expect((await cluster.client.list(persistentVolumes)).items).toEqual([]);
    const metadata = { annotations: { 'volume.kubernetes.io/selected-node': 'n1' } };
    await cluster.client.patch(persistentVolumeClaims, { namespace, name: 'c' }, 'merge', { metadata });
    await settled();
    const bound = await cluster.client.get(persistentVolumeClaims, { namespace, name: 'c' });
    expect([bound.status?.phase, bound.status?.capacity]).toEqual(['Bound', { storage: '1Gi' }]);
    await cluster.client.patch(persistentVolumeClaims, { namespace, name: 'c' }, 'merge', {
      metadata: { finalizers: null },
    });
    await cluster.client.delete(persistentVolumeClaims, { namespace, name: 'c' });
    await settled();
    expect((await cluster.client.list(persistentVolumes)).items.every((each) => each.metadata?.deletionTimestamp)).toBe(
      true,
    );
  });
});

describe('serviceaccount-token-controller', () => {
  it('fills token Secrets and deletes them with their account', async () => {
    cluster = await startCluster(['serviceaccount-token-controller']);
    await cluster.client.create(serviceAccounts, { metadata: { name: 'bot', namespace } });
    const annotations = { 'kubernetes.io/service-account.name': 'bot' };
    const type = 'kubernetes.io/service-account-token';
    await cluster.client.create(secrets, { metadata: { name: 'tok', namespace, annotations }, type });
    await settled();
    const secret = await cluster.client.get(secrets, { namespace, name: 'tok' });
    expect(Object.keys(secret.data ?? {}).sort()).toEqual(['namespace', 'token']);
    await cluster.client.delete(serviceAccounts, { namespace, name: 'bot' });
    await settled();
    await expect(cluster.client.get(secrets, { namespace, name: 'tok' })).rejects.toThrow('not found');
  });
});

describe('clusterrole-aggregation-controller', () => {
  it('gives a role the rules of all that it selects, each once', async () => {
    cluster = await startCluster(['clusterrole-aggregation-controller']);
    const labels = { part: 'yes' };
    const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
    for (const name of ['one', 'two']) await cluster.client.create(clusterRoles, { metadata: { name, labels }, rules });
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: labels }] };
    await cluster.client.create(clusterRoles, { metadata: { name: 'sum' }, aggregationRule });
    await settled();
    expect((await cluster.client.get(clusterRoles, { name: 'sum' })).rules).toEqual(rules);
  });
});

describe('resourceclaim-controller', () => {
  it('makes the claim of a template, and deletes it when the pod has ended', async () => {
    cluster = await startCluster(['resourceclaim-controller']);
    const requests = [{ name: 'r', exactly: { deviceClassName: 'gpu' } }];
    await cluster.client.create(resourceClaimTemplates, {
      metadata: { name: 't', namespace },
      spec: { spec: { devices: { requests } } },
    });
    await cluster.client.create(pods, pod('p', { resourceClaims: [{ name: 'd', resourceClaimTemplateName: 't' }] }));
    await settled();
    const made = (await cluster.client.list(resourceClaims, { namespace })).items;
    const current = await cluster.client.get(pods, { namespace, name: 'p' });
    expect(made).toHaveLength(1);
    const resourceClaimName = made[0]?.metadata?.name;
    expect(current.status?.resourceClaimStatuses).toEqual([{ name: 'd', resourceClaimName }]);
    const status = { phase: 'Succeeded' };
    await cluster.client.patch(pods, { namespace, name: 'p' }, 'merge', { status }, { subresource: 'status' });
    await settled();
    expect((await cluster.client.list(resourceClaims, { namespace })).items).toEqual([]);
  });
});

describe('certificatesigningrequest-cleaner-controller', () => {
  // It looks once an hour.
  it.each([
    ['undecided', undefined, 23, 26],
    ['denied', 'Denied', 0.9, 3],
    ['approved and not issued', 'Approved', 60, undefined],
  ])('deletes a request that is %s (%s) after %s hours, if ever', async (_, type, stays, goes) => {
    cluster = await startCluster(['certificatesigningrequest-cleaner-controller']);
    const spec = { request: nodeRequest, signerName: 'example.com/none', usages: ['client auth'] };
    await cluster.client.create(certificateSigningRequests, { metadata: { name: 'r' }, spec });
    if (type !== undefined) {
      const status = { conditions: [{ type, status: 'True', reason: 'Test', message: '' }] };
      const options = { subresource: 'approval' };
      await cluster.client.patch(certificateSigningRequests, { name: 'r' }, 'merge', { status }, options);
    }
    const count = async () => (await cluster.client.list(certificateSigningRequests)).items.length;
    await cluster.system.advance(stays * 3_600_000);
    expect(await count()).toBe(1);
    if (goes === undefined) return;
    await cluster.system.advance((goes - stays) * 3_600_000);
    expect(await count()).toBe(0);
  });
});
