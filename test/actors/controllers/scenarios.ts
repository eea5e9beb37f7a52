/** The scenario of each controller for the contract tests: one row a controller, under its name. */
import type { KubernetesObject, ObjectKey, Resource } from '../../../src/client/index.ts';
import * as kinds from '../../../src/client/resources.ts';
import { remoteStore } from '../../../src/store/index.ts';
import { nodeRequest, testAuthority } from './certificates.ts';
import type { TestCluster } from './cluster.ts';
import type { Scenario } from './contract.ts';

const namespace = 'default';
const labels = { app: 'web' };
const selector = { matchLabels: labels };
const containers = [{ name: 'c', image: 'pause:1' }];
const template = { metadata: { labels }, spec: { containers } };
const template2 = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'pause:2' }] } };
const metadata = { name: 'web', namespace };
const web: ObjectKey = { namespace, name: 'web' };

type Step = (cluster: TestCluster) => Promise<unknown>;

export const create =
  <Type extends KubernetesObject>(resource: Resource<Type>, object: object): Step =>
  ({ client }) =>
    client.create(resource, structuredClone(object) as Type);
export const patch =
  (resource: Resource, key: ObjectKey, change: object, subresource?: string): Step =>
  ({ client }) =>
    client.patch(resource, key, 'merge', change, subresource === undefined ? {} : { subresource });
export const remove =
  (resource: Resource, key: ObjectKey, propagationPolicy?: 'Orphan' | 'Foreground' | 'Background'): Step =>
  ({ client }) =>
    client.delete(resource, key, propagationPolicy === undefined ? {} : { propagationPolicy });
const addNode =
  (name: string, nodeLabels: Record<string, string> = {}): Step =>
  (cluster) =>
    cluster.addNode(name, nodeLabels);
const run: Step = (cluster) => cluster.runPods(namespace);
const finish: Step = (cluster) => cluster.finishDeletions(namespace);
export const advance =
  (delayMs: number): Step =>
  ({ system }) =>
    system.advance(delayMs);
/** Makes an object old: no client can. The time is found by its text in the stored value. */
const madeIn2024 =
  (key: string): Step =>
  async ({ system }) => {
    const store = remoteStore(system.bus, 'store');
    const [found] = (await store.range({ key })).kvs;
    const text = Buffer.from(found?.value ?? []).toString('latin1');
    const value = Buffer.from(text.replaceAll('2026-01-01T', '2024-01-01T'), 'latin1');
    await store.txn({ success: [{ type: 'put', key, value }] });
  };
export const pod = (name: string, spec: object = {}, more: object = {}) => ({
  metadata: { name, namespace, labels, ...more },
  spec: { containers, ...spec },
});
/** Acts as the kubelet for pods that end: all that are pending get the phase. */
const end =
  (phase: 'Succeeded' | 'Failed'): Step =>
  async ({ client }) => {
    for (const { metadata: found, status } of (await client.list(kinds.pods, { namespace })).items) {
      if (status?.phase !== 'Pending') continue;
      const key = { namespace, name: found?.name ?? '' };
      await client.patch(kinds.pods, key, 'merge', { status: { phase } }, { subresource: 'status' });
    }
  };
const service = (more: object = {}) => ({
  metadata,
  spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }], ...more },
});
const storageClass = (name: string, more: object = {}) => ({
  metadata: { name },
  provisioner: 'simulated.kubehive.io',
  allowVolumeExpansion: true,
  ...more,
});
const claim = (name: string, storageClassName: string) => ({
  metadata: { name, namespace },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage: '1Gi' } } },
});

const attachment = (name: string, attacher: string) => ({
  metadata: { name },
  spec: { attacher, nodeName: 'n1', source: { persistentVolumeName: 'v' } },
});
const bootstrapToken = (id: string, more: Record<string, string>) => ({
  metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
  type: 'bootstrap.kubernetes.io/token',
  data: Object.fromEntries(
    Object.entries({ 'token-id': id, 'token-secret': '0123456789abcdef', ...more }).map(([name, value]) => [
      name,
      Buffer.from(value).toString('base64'),
    ]),
  ),
});

export const scenarios: Readonly<Record<string, Scenario>> = {
  'namespace-controller': {
    steps: [
      create(kinds.namespaces, { metadata: { name: 'team' } }),
      create(kinds.configMaps, { metadata: { name: 'a', namespace: 'team' } }),
      create(kinds.configMaps, { metadata: { name: 'b', namespace: 'team', finalizers: ['example.com/hold'] } }),
      create(kinds.services, { metadata: { name: 's', namespace: 'team' }, spec: { ports: [{ port: 80 }] } }),
      remove(kinds.namespaces, { name: 'team' }),
    ],
    shows: /configmaps\. has 1 resource instances/,
  },
  'garbage-collector-controller': {
    besides: ['deployment-controller', 'replicaset-controller'],
    steps: [
      create(kinds.deployments, { metadata, spec: { replicas: 2, selector, template } }),
      create(kinds.configMaps, {
        metadata: {
          name: 'left',
          namespace,
          ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'gone', uid: 'absent' }],
        },
      }),
      create(kinds.replicaSets, {
        metadata: { name: 'other', namespace },
        spec: {
          replicas: 1,
          selector: { matchLabels: { a: 'b' } },
          template: { metadata: { labels: { a: 'b' } }, spec: { containers } },
        },
      }),
      remove(kinds.deployments, web, 'Foreground'),
      remove(kinds.replicaSets, { namespace, name: 'other' }, 'Orphan'),
      finish,
    ],
    shows: /Pod .*other-\*/,
    takes: /ConfigMap .*"name":"left"/,
  },
  'serviceaccount-controller': {
    steps: [
      create(kinds.namespaces, { metadata: { name: 'team' } }),
      remove(kinds.serviceAccounts, { namespace: 'team', name: 'default' }),
    ],
    shows: /ServiceAccount .*"name":"default","namespace":"team"/,
  },
  'serviceaccount-token-controller': {
    steps: [
      create(kinds.serviceAccounts, { metadata: { name: 'bot', namespace } }),
      create(kinds.serviceAccounts, { metadata: { name: 'old', namespace } }),
      ...['bot', 'old'].map((name) =>
        create(kinds.secrets, {
          metadata: { name, namespace, annotations: { 'kubernetes.io/service-account.name': name } },
          type: 'kubernetes.io/service-account-token',
        }),
      ),
      remove(kinds.serviceAccounts, { namespace, name: 'old' }),
    ],
    shows: /Secret .*"token":"token"/,
  },
  'root-ca-certificate-publisher-controller': {
    settings: { rootCa: 'PEM' },
    steps: [
      create(kinds.namespaces, { metadata: { name: 'team' } }),
      remove(kinds.configMaps, { namespace: 'team', name: 'kube-root-ca.crt' }),
      patch(kinds.configMaps, { namespace, name: 'kube-root-ca.crt' }, { data: { 'ca.crt': 'forged' } }),
    ],
    shows: /ConfigMap .*"ca.crt":"PEM".*"namespace":"team"/,
  },
  'clusterrole-aggregation-controller': {
    steps: [
      create(kinds.clusterRoles, {
        metadata: { name: 'sum' },
        aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: 'yes' } }] },
      }),
      create(kinds.clusterRoles, {
        metadata: { name: 'one', labels: { part: 'yes' } },
        rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
      }),
      create(kinds.clusterRoles, {
        metadata: { name: 'two', labels: { part: 'yes' } },
        rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['list'] }],
      }),
    ],
    shows: /ClusterRole .*"name":"sum".*"rules":\[.*"pods".*"nodes"/,
  },
  'deployment-controller': {
    besides: ['replicaset-controller'],
    steps: [
      create(kinds.deployments, { metadata, spec: { replicas: 4, selector, template } }),
      run,
      patch(kinds.deployments, web, { spec: { template: template2 } }),
      run,
      finish,
      patch(kinds.deployments, web, { spec: { replicas: 6 } }),
      run,
      finish,
      run,
      finish,
    ],
    shows: /Deployment .*"availableReplicas":6.*NewReplicaSetAvailable/,
  },
  'replicaset-controller': {
    steps: [
      create(kinds.pods, pod('orphan')),
      create(kinds.replicaSets, { metadata, spec: { replicas: 3, selector, template } }),
      run,
      patch(kinds.pods, { namespace, name: 'orphan' }, { metadata: { labels: { app: 'other' } } }),
      run,
      patch(kinds.replicaSets, web, { spec: { replicas: 1 } }),
      finish,
    ],
    shows: /ReplicaSet .*"availableReplicas":1/,
  },
  'replicationcontroller-controller': {
    steps: [
      create(kinds.replicationControllers, { metadata, spec: { replicas: 3, selector: labels, template } }),
      run,
      patch(kinds.replicationControllers, web, { spec: { replicas: 2 } }),
      finish,
    ],
    shows: /ReplicationController .*"availableReplicas":2/,
  },
  'statefulset-controller': {
    steps: [
      create(kinds.statefulSets, {
        metadata,
        spec: {
          replicas: 2,
          serviceName: 'web',
          selector,
          template,
          volumeClaimTemplates: [{ ...claim('data', 'none'), metadata: { name: 'data' } }],
        },
      }),
      run,
      run,
      patch(kinds.statefulSets, web, { spec: { template: template2 } }),
      finish,
      run,
      finish,
      run,
      patch(kinds.statefulSets, web, { spec: { replicas: 1 } }),
      finish,
    ],
    shows: /StatefulSet .*"availableReplicas":1.*"updatedReplicas":1/,
  },
  'daemonset-controller': {
    besides: ['node-lifecycle-controller'],
    steps: [
      addNode('n1'),
      addNode('n2'),
      create(kinds.daemonSets, { metadata, spec: { selector, template } }),
      run,
      addNode('n3'),
      run,
      patch(kinds.daemonSets, web, { spec: { template: template2 } }),
      finish,
      run,
      finish,
      run,
      finish,
      run,
    ],
    shows: /DaemonSet .*"numberAvailable":3.*"updatedNumberScheduled":3/,
  },
  'job-controller': {
    steps: [
      create(kinds.jobs, {
        metadata,
        spec: { completions: 3, parallelism: 2, template: { spec: { restartPolicy: 'Never', containers } } },
      }),
      end('Failed'),
      advance(30_000),
      end('Succeeded'),
      end('Succeeded'),
    ],
    shows: /Job .*"type":"Complete".*"succeeded":3/,
  },
  'cronjob-controller': {
    steps: [
      create(kinds.cronJobs, {
        metadata,
        spec: {
          schedule: '*/2 * * * *',
          concurrencyPolicy: 'Forbid',
          jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers } } } },
        },
      }),
      advance(125_000),
      advance(125_000),
    ],
    shows: /Job .*"name":"web-\d+"/,
  },
  'ttl-after-finished-controller': {
    besides: ['job-controller'],
    steps: [
      create(kinds.jobs, {
        metadata,
        spec: { ttlSecondsAfterFinished: 30, template: { spec: { restartPolicy: 'Never', containers } } },
      }),
      end('Succeeded'),
      advance(40_000),
    ],
    shows: /Job .*"deletionTimestamp"/,
  },
  'disruption-controller': {
    besides: ['replicaset-controller'],
    steps: [
      create(kinds.podDisruptionBudgets, { metadata, spec: { selector, maxUnavailable: '50%' } }),
      create(kinds.replicaSets, { metadata, spec: { replicas: 4, selector, template } }),
      run,
      patch(kinds.replicaSets, web, { spec: { replicas: 2 } }),
      finish,
    ],
    shows: /PodDisruptionBudget .*"currentHealthy":2,"desiredHealthy":1,"disruptionsAllowed":1/,
  },
  'horizontal-pod-autoscaler-controller': {
    steps: [
      create(kinds.deployments, { metadata, spec: { replicas: 1, selector, template } }),
      create(kinds.horizontalPodAutoscalers, {
        metadata,
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
          minReplicas: 3,
          maxReplicas: 5,
        },
      }),
      advance(20_000),
      patch(kinds.horizontalPodAutoscalers, web, { spec: { minReplicas: 1, maxReplicas: 2 } }),
      advance(20_000),
    ],
    shows: /Deployment .*"replicas":2/,
  },
  'endpoints-controller': {
    steps: [
      addNode('n1'),
      create(kinds.services, service()),
      create(kinds.pods, pod('a', { nodeName: 'n1' })),
      create(kinds.pods, pod('b', { nodeName: 'n1' })),
      run,
      remove(kinds.pods, { namespace, name: 'b' }),
      finish,
    ],
    shows: /Endpoints .*"targetRef":\{"kind":"Pod","name":"a"/,
  },
  'endpointslice-controller': {
    steps: [
      addNode('n1', { 'topology.kubernetes.io/zone': 'z1' }),
      create(kinds.services, service()),
      create(kinds.pods, pod('a', { nodeName: 'n1' })),
      create(kinds.pods, pod('b', { nodeName: 'n1' })),
      run,
      remove(kinds.pods, { namespace, name: 'b' }),
      finish,
    ],
    shows: /EndpointSlice .*"zone":"z1"/,
  },
  'endpointslice-mirroring-controller': {
    steps: [
      create(kinds.services, { metadata, spec: { ports: [{ port: 80 }] } }),
      create(kinds.endpoints, { metadata, subsets: [{ addresses: [{ ip: '10.1.1.1' }], ports: [{ port: 80 }] }] }),
      patch(kinds.endpoints, web, { subsets: [{ addresses: [{ ip: '10.1.1.2' }], ports: [{ port: 80 }] }] }),
    ],
    shows: /EndpointSlice .*10\.1\.1\.2/,
  },
  'node-lifecycle-controller': {
    steps: [
      addNode('n1', { 'kubernetes.io/os': 'linux' }),
      patch(kinds.nodes, { name: 'n1' }, { spec: { unschedulable: true } }),
      addNode('n2'),
      patch(
        kinds.nodes,
        { name: 'n2' },
        { status: { conditions: [{ type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: '' }] } },
        'status',
      ),
    ],
    shows: /Node .*"beta.kubernetes.io\/os":"linux".*node.kubernetes.io\/unschedulable/,
    // Nodes that it sees first lose the taints that evict, until their turn has come.
    atStart: ['PATCH nodes/ 200'],
  },
  'taint-eviction-controller': {
    steps: [
      addNode('n1'),
      create(kinds.pods, pod('now', { nodeName: 'n1' })),
      create(
        kinds.pods,
        pod('later', {
          nodeName: 'n1',
          tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }],
        }),
      ),
      create(kinds.pods, pod('never', { nodeName: 'n1', tolerations: [{ operator: 'Exists' }] })),
      patch(kinds.nodes, { name: 'n1' }, { spec: { taints: [{ key: 'k', effect: 'NoExecute' }] } }),
      advance(10_000),
    ],
    shows: /Pod .*DeletionByTaintManager.*/,
    // It does not ask whether a pod is being deleted already.
    atStart: ['DELETE pods/ 200', 'PATCH pods/status 200'],
  },
  'pod-garbage-collector-controller': {
    settings: { terminatedPodThreshold: 1 },
    steps: [
      addNode('n1'),
      create(kinds.pods, pod('a', { nodeName: 'n1' }, { finalizers: ['example.com/hold'] })),
      create(kinds.pods, pod('b')),
      create(kinds.pods, pod('c')),
      async ({ client }) => {
        for (const name of ['b', 'c']) {
          const status = { phase: 'Succeeded' };
          await client.patch(kinds.pods, { namespace, name }, 'merge', { status }, { subresource: 'status' });
        }
      },
      remove(kinds.nodes, { name: 'n1' }),
      advance(60_000),
    ],
    restMs: 120_000,
    shows: /Pod .*"name":"a".*DeletionByPodGC/,
  },
  'persistentvolume-binder-controller': {
    steps: [
      create(kinds.storageClasses, storageClass('fast')),
      create(kinds.persistentVolumes, {
        metadata: { name: 'small' },
        spec: {
          capacity: { storage: '2Gi' },
          accessModes: ['ReadWriteOnce'],
          storageClassName: 'local',
          persistentVolumeReclaimPolicy: 'Retain',
          hostPath: { path: '/tmp/x' },
        },
      }),
      create(kinds.persistentVolumeClaims, claim('static', 'local')),
      create(kinds.persistentVolumeClaims, claim('dynamic', 'fast')),
      create(kinds.persistentVolumeClaims, claim('going', 'fast')),
      remove(kinds.persistentVolumeClaims, { namespace, name: 'going' }),
    ],
    shows: /PersistentVolumeClaim .*"name":"dynamic".*"phase":"Bound"/,
  },
  'persistentvolumeclaim-protection-controller': {
    steps: [
      create(kinds.persistentVolumeClaims, claim('used', 'none')),
      create(kinds.persistentVolumeClaims, claim('free', 'none')),
      create(
        kinds.pods,
        pod('user', { nodeName: 'n1', volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'used' } }] }),
      ),
      remove(kinds.persistentVolumeClaims, { namespace, name: 'used' }),
      remove(kinds.persistentVolumeClaims, { namespace, name: 'free' }),
    ],
    shows: /PersistentVolumeClaim .*"deletionTimestamp".*"name":"used"/,
    takes: /PersistentVolumeClaim .*"name":"free"/,
  },
  'persistentvolume-protection-controller': {
    steps: [
      ...['bound', 'free'].map((name) =>
        create(kinds.persistentVolumes, {
          metadata: { name },
          spec: { capacity: { storage: '2Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/tmp/x' } },
        }),
      ),
      patch(kinds.persistentVolumes, { name: 'bound' }, { status: { phase: 'Bound' } }, 'status'),
      remove(kinds.persistentVolumes, { name: 'bound' }),
      remove(kinds.persistentVolumes, { name: 'free' }),
    ],
    shows: /PersistentVolume .*"deletionTimestamp".*"name":"bound"/,
    takes: /PersistentVolume .*"name":"free"/,
  },
  'ephemeral-volume-controller': {
    steps: [
      create(
        kinds.pods,
        pod('p', { volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate: { spec: claim('', 'none').spec } } }] }),
      ),
      patch(kinds.persistentVolumeClaims, { namespace, name: 'p-v' }, { metadata: { finalizers: null } }),
      remove(kinds.persistentVolumeClaims, { namespace, name: 'p-v' }),
    ],
    shows: /PersistentVolumeClaim .*"name":"p-v".*"ownerReferences":\[\{"apiVersion":"v1"/,
  },
  'resourceclaim-controller': {
    steps: [
      create(kinds.resourceClaimTemplates, {
        metadata: { name: 't', namespace },
        spec: { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] } } },
      }),
      create(kinds.pods, pod('p', { resourceClaims: [{ name: 'd', resourceClaimTemplateName: 't' }] })),
      create(kinds.pods, pod('q', { resourceClaims: [{ name: 'd', resourceClaimTemplateName: 't' }] })),
      patch(kinds.pods, { namespace, name: 'q' }, { status: { phase: 'Succeeded' } }, 'status'),
    ],
    shows: /ResourceClaim .*"generateName":"p-d-"/,
  },
  'resourcequota-controller': {
    steps: [
      create(kinds.resourceQuotas, { metadata, spec: { hard: { pods: '2', 'count/configmaps': '5' } } }),
      create(kinds.pods, pod('a')),
      create(kinds.configMaps, { metadata: { name: 'a', namespace } }),
      create(kinds.pods, pod('b')),
      remove(kinds.pods, { namespace, name: 'a' }),
      patch(kinds.resourceQuotas, web, { spec: { hard: { pods: '3' } } }),
    ],
    shows: /ResourceQuota .*"used":\{"count\/configmaps":"1","pods":"1"\}/,
  },
  'certificatesigningrequest-cleaner-controller': {
    steps: [
      create(kinds.certificateSigningRequests, {
        metadata: { name: 'old' },
        spec: { request: nodeRequest, signerName: 'example.com/none', usages: ['client auth'] },
      }),
      advance(23.5 * 3_600_000),
      create(kinds.certificateSigningRequests, {
        metadata: { name: 'young' },
        spec: { request: nodeRequest, signerName: 'example.com/none', usages: ['client auth'] },
      }),
      advance(3_600_000),
    ],
    shows: /CertificateSigningRequest .*"name":"young"/,
    takes: /CertificateSigningRequest .*"name":"old"/,
  },
  'ttl-controller': {
    steps: [addNode('n1'), addNode('n2')],
    shows: /Node .*"node.alpha.kubernetes.io\/ttl":"0"/,
  },
  'node-ipam-controller': {
    steps: [addNode('n1'), addNode('n2'), remove(kinds.nodes, { name: 'n1' }), addNode('n3')],
    shows: /Node .*"podCIDR":"cidr/,
  },
  'persistentvolume-attach-detach-controller': {
    besides: ['simulated-csi-controller', 'persistentvolume-binder-controller'],
    steps: [
      addNode('n1'),
      addNode('n2'),
      ...['n1', 'n2'].map((name) =>
        patch(
          kinds.nodes,
          { name },
          { metadata: { annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } } },
        ),
      ),
      create(kinds.storageClasses, storageClass('fast')),
      ...['one', 'two'].map((name) => create(kinds.persistentVolumeClaims, claim(name, 'fast'))),
      ...['one', 'two'].map((name) =>
        create(
          kinds.pods,
          pod(name, { nodeName: 'n1', volumes: [{ name: 'v', persistentVolumeClaim: { claimName: name } }] }),
        ),
      ),
      create(
        kinds.pods,
        pod('other', { nodeName: 'n2', volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'one' } }] }),
      ),
      remove(kinds.pods, { namespace, name: 'one' }),
      finish,
      advance(5_000),
    ],
    shows: /Node .*"name":"n2".*"volumesAttached".*VolumeAttachment .*"nodeName":"n2".*"attached":true/s,
  },
  'simulated-csi-controller': {
    besides: ['persistentvolume-binder-controller'],
    steps: [
      create(kinds.storageClasses, storageClass('fast')),
      create(kinds.persistentVolumeClaims, claim('c', 'fast')),
      create(kinds.volumeAttributesClasses, {
        metadata: { name: 'gold' },
        driverName: 'simulated.kubehive.io',
        parameters: { tier: 'gold' },
      }),
      patch(
        kinds.persistentVolumeClaims,
        { namespace, name: 'c' },
        { spec: { volumeAttributesClassName: 'gold', resources: { requests: { storage: '2Gi' } } } },
      ),
      create(kinds.volumeAttachments, attachment('a', 'simulated.kubehive.io')),
      create(kinds.volumeAttachments, attachment('b', 'example.com')),
    ],
    shows: /"currentVolumeAttributesClassName":"gold".*VolumeAttachment .*"name":"a".*"attached":true/s,
  },
  'persistentvolume-expander-controller': {
    besides: ['persistentvolume-binder-controller', 'simulated-csi-controller'],
    steps: [
      create(kinds.storageClasses, storageClass('fast')),
      create(kinds.persistentVolumeClaims, claim('c', 'fast')),
      advance(5_000),
      patch(
        kinds.persistentVolumeClaims,
        { namespace, name: 'c' },
        { spec: { resources: { requests: { storage: '2Gi' } } } },
      ),
    ],
    shows: /PersistentVolumeClaim .*"capacity":\{"storage":"2Gi"\}/,
    says: 'ExternalExpanding',
  },
  'volumeattributesclass-protection-controller': {
    steps: [
      ...['used', 'free'].map((name) =>
        create(kinds.volumeAttributesClasses, {
          metadata: { name },
          driverName: 'example.com',
          parameters: { a: 'b' },
        }),
      ),
      create(kinds.persistentVolumeClaims, {
        ...claim('c', 'none'),
        spec: { ...claim('c', 'none').spec, volumeAttributesClassName: 'used' },
      }),
      remove(kinds.volumeAttributesClasses, { name: 'used' }),
      remove(kinds.volumeAttributesClasses, { name: 'free' }),
    ],
    shows: /VolumeAttributesClass .*"deletionTimestamp".*"name":"used"/,
    takes: /VolumeAttributesClass .*"name":"free"/,
  },
  'selinux-warning-controller': {
    steps: [
      create(kinds.csiDrivers, { metadata: { name: 'example.com' }, spec: { seLinuxMount: true } }),
      create(kinds.persistentVolumes, {
        metadata: { name: 'v' },
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteMany'],
          csi: { driver: 'example.com', volumeHandle: 'v' },
        },
      }),
      create(kinds.persistentVolumeClaims, {
        ...claim('c', ''),
        spec: { ...claim('c', '').spec, accessModes: ['ReadWriteMany'], volumeName: 'v' },
      }),
      ...['s0:c1,c2', 's0:c3,c4'].map((level, at) =>
        create(
          kinds.pods,
          pod(`p${at}`, {
            securityContext: { seLinuxOptions: { level } },
            volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }],
          }),
        ),
      ),
    ],
    shows: /Pod .*s0:c3,c4/,
    says: 'SELinuxLabelConflict',
  },
  'device-taint-eviction-controller': {
    steps: [
      create(kinds.resourceClaims, {
        metadata: { name: 'c', namespace },
        spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] } },
      }),
      create(kinds.pods, pod('p', { nodeName: 'n1', resourceClaims: [{ name: 'd', resourceClaimName: 'c' }] })),
      async ({ client }) => {
        const { uid } = (await client.get(kinds.pods, { namespace, name: 'p' })).metadata ?? {};
        const results = [{ request: 'r', driver: 'gpu.example.com', pool: 'n1', device: 'gpu-0' }];
        const status = { allocation: { devices: { results } }, reservedFor: [{ resource: 'pods', name: 'p', uid }] };
        const key = { namespace, name: 'c' };
        await client.patch(kinds.resourceClaims, key, 'merge', { status }, { subresource: 'status' });
      },
      create(kinds.resourceSlices, {
        metadata: { name: 's' },
        spec: {
          driver: 'gpu.example.com',
          nodeName: 'n1',
          pool: { name: 'n1', generation: 1, resourceSliceCount: 1 },
          devices: [{ name: 'gpu-0', taints: [{ key: 'broken', effect: 'NoExecute' }] }],
        },
      }),
    ],
    shows: /Pod .*DeletionByDeviceTaintManager/,
  },
  'certificatesigningrequest-approving-controller': {
    steps: [
      create(kinds.clusterRoleBindings, {
        metadata: { name: 'may-ask' },
        roleRef: {
          apiGroup: 'rbac.authorization.k8s.io',
          kind: 'ClusterRole',
          name: 'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
        },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'admin' }],
      }),
      create(kinds.certificateSigningRequests, {
        metadata: { name: 'kubelet' },
        spec: {
          request: nodeRequest,
          signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
          usages: ['digital signature', 'client auth'],
        },
      }),
    ],
    shows: /CertificateSigningRequest .*AutoApproved/,
  },
  'certificatesigningrequest-signing-controller': {
    settings: { signing: testAuthority },
    steps: [
      create(kinds.certificateSigningRequests, {
        metadata: { name: 'kubelet' },
        spec: {
          request: nodeRequest,
          signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
          usages: ['digital signature', 'client auth'],
        },
      }),
      create(kinds.certificateSigningRequests, {
        metadata: { name: 'refused' },
        spec: {
          request: nodeRequest,
          signerName: 'kubernetes.io/kubelet-serving',
          usages: ['digital signature', 'server auth'],
        },
      }),
      ...['kubelet', 'refused'].map(
        (name): Step =>
          async ({ client }) => {
            const request = await client.get(kinds.certificateSigningRequests, { name });
            const conditions = [{ type: 'Approved', status: 'True', reason: 'Test', message: '' }];
            const wanted = { ...request, status: { conditions } };
            await client.update(kinds.certificateSigningRequests, wanted, { subresource: 'approval' });
          },
      ),
    ],
    shows: /"certificate":"pem".*SignerValidationFailure/s,
  },
  'bootstrap-signer-controller': {
    steps: [
      create(kinds.secrets, bootstrapToken('abcdef', { 'usage-bootstrap-signing': 'true' })),
      create(kinds.configMaps, {
        metadata: { name: 'cluster-info', namespace: 'kube-public' },
        data: { kubeconfig: 'apiVersion: v1' },
      }),
      create(kinds.secrets, bootstrapToken('ghijkl', {})),
    ],
    shows: /ConfigMap .*"jws-kubeconfig-abcdef":"eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9\.\.[\w-]{43}"/,
  },
  'token-cleaner-controller': {
    steps: [
      create(kinds.secrets, bootstrapToken('abcdef', { expiration: '2026-01-01T00:01:00Z' })),
      create(kinds.secrets, bootstrapToken('ghijkl', { expiration: '2027-01-01T00:00:00Z' })),
      advance(90_000),
    ],
    shows: /Secret .*"name":"bootstrap-token-ghijkl"/,
    takes: /Secret .*"name":"bootstrap-token-abcdef"/,
  },
  'legacy-serviceaccount-token-cleaner-controller': {
    steps: [
      patch(
        kinds.configMaps,
        { name: 'kube-apiserver-legacy-service-account-token-tracking', namespace: 'kube-system' },
        { data: { since: '2020-01-01' } },
      ),
      create(kinds.serviceAccounts, { metadata: { name: 'bot', namespace }, secrets: [{ name: 'old' }] }),
      create(kinds.secrets, {
        metadata: { name: 'old', namespace, annotations: { 'kubernetes.io/service-account.name': 'bot' } },
        type: 'kubernetes.io/service-account-token',
      }),
      madeIn2024('/registry/secrets/default/old'),
      advance(25 * 3_600_000),
    ],
    restMs: 25 * 3_600_000,
    shows: /Secret .*"kubernetes.io\/legacy-token-invalid-since":"2026-01-0/,
  },
  'service-cidr-controller': {
    steps: [
      create(kinds.serviceCidrs, { metadata: { name: 'more' }, spec: { cidrs: ['10.97.0.0/24'] } }),
      create(kinds.ipAddresses, {
        metadata: { name: '10.97.0.7', labels: { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' } },
        spec: { parentRef: { resource: 'services', name: 'x', namespace } },
      }),
      create(kinds.serviceCidrs, { metadata: { name: 'unused' }, spec: { cidrs: ['10.98.0.0/24'] } }),
      // Nobody's address holds no range.
      create(kinds.ipAddresses, {
        metadata: { name: '10.98.0.7' },
        spec: { parentRef: { resource: 'services', name: 'y', namespace } },
      }),
      remove(kinds.serviceCidrs, { name: 'more' }),
      remove(kinds.serviceCidrs, { name: 'unused' }),
      advance(15_000),
    ],
    shows: /ServiceCIDR .*"name":"more".*There are still IPAddresses referencing the ServiceCIDR/,
  },
  'cloud-node-controller': {
    steps: [
      create(kinds.configMaps, {
        metadata: { name: 'simulated-cloud', namespace: 'kube-system' },
        data: { 'instance.n1': '{"instanceType":"m1","zone":"z1","region":"r1","externalIP":"198.19.0.7"}' },
      }),
      create(kinds.nodes, {
        metadata: { name: 'n1' },
        spec: {
          taints: [{ key: 'node.cloudprovider.kubernetes.io/uninitialized', value: 'true', effect: 'NoSchedule' }],
        },
      }),
    ],
    shows: /Node .*"topology.kubernetes.io\/zone":"z1".*"providerID":"simulated:\/\/n1".*198\.19\.0\.7/,
  },
  'cloud-node-lifecycle-controller': {
    steps: [
      create(kinds.configMaps, {
        metadata: { name: 'simulated-cloud', namespace: 'kube-system' },
        data: { 'instance.n1': '{"state":"gone"}', 'instance.n2': '{"state":"shutdown"}' },
      }),
      ...['n1', 'n2', 'n3'].map((name) => create(kinds.nodes, { metadata: { name } })),
      advance(10_000),
    ],
    shows: /Node .*"name":"n2".*node.cloudprovider.kubernetes.io\/shutdown/,
  },
  'validatingadmissionpolicy-status-controller': {
    steps: [
      create(kinds.validatingAdmissionPolicies, {
        metadata: { name: 'web' },
        spec: {
          matchConstraints: {
            resourceRules: [
              {
                apiGroups: ['apps'],
                apiVersions: ['v1'],
                operations: ['CREATE'],
                resources: ['deployments', 'replicasets'],
              },
            ],
          },
          variables: [{ name: 'replicas', expression: 'object.spec.replicas' }],
          validations: [
            { expression: 'object.replicas > 1' },
            { expression: "variables.replicas > 1 && object.metadata.name.startsWith('x')" },
            { expression: 'true', messageExpression: "object.spec.template.spec.containers.map(c, c.nope).join(',')" },
          ],
        },
      }),
    ],
    shows:
      /ValidatingAdmissionPolicy .*"expressionWarnings":\[\{"fieldRef":"spec\.validations\[0\]\.expression","warning":"apps\/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'/,
  },
  'node-route-controller': {
    steps: [
      create(kinds.nodes, { metadata: { name: 'n1' }, spec: { podCIDR: '10.244.7.0/24' } }),
      create(kinds.nodes, { metadata: { name: 'n2' }, spec: { podCIDR: '10.244.8.0/24' } }),
      remove(kinds.nodes, { name: 'n2' }),
    ],
    shows: /ConfigMap .*"data":\{"route\.n1".*Node .*RouteCreated/s,
  },
  'service-lb-controller': {
    steps: [
      addNode('n1'),
      create(kinds.services, service({ type: 'LoadBalancer' })),
      patch(kinds.services, web, { spec: { loadBalancerSourceRanges: ['192.0.2.0/24'] } }),
      addNode('n2'),
      create(kinds.services, {
        ...service({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: true }),
        metadata: { name: 'gone', namespace },
      }),
      create(kinds.services, { ...service({ type: 'LoadBalancer' }), metadata: { name: 'changed', namespace } }),
      remove(kinds.services, { namespace, name: 'gone' }),
      patch(kinds.services, { namespace, name: 'changed' }, { spec: { type: 'ClusterIP' } }),
    ],
    shows: /ConfigMap .*192\.0\.2\.0\/24.*n2.*Service .*load-balancer-cleanup.*"ingress":\[\{"ip":"198\.18\.0\.1"/s,
  },
};
