/** What single kinds of workloads do besides what all do (see workload-kinds.test.ts), under a real kubectl. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Kubectl, kubectl, newestKubectl } from '../support/kubectl.ts';
import { eventually, type Up, up } from '../support/up.ts';

const binary = newestKubectl();
const namespace = 'workloads';
const timeout = { timeout: 180_000 };

let cluster: Up;
let k: Kubectl;
const inNamespace = (...args: string[]) => k.ok(['-n', namespace, ...args]);
const apply = (manifest: object) => k.ok(['-n', namespace, 'apply', '-f', '-'], JSON.stringify(manifest));
const names = async (kind: string, ...args: string[]) =>
  (await inNamespace('get', kind, '-o', 'name', ...args)).split('\n').filter(Boolean).sort();
/** Reasons and messages of the events of an object, in their order. */
const eventsOf = async (kind: string, name: string) =>
  inNamespace(
    'get',
    'events',
    '--field-selector',
    `involvedObject.kind=${kind},involvedObject.name=${name}`,
    '-o',
    'custom-columns=R:.reason,M:.message',
    '--no-headers',
  );
const field = (kind: string, name: string, path: string) => inNamespace('get', kind, name, '-o', `jsonpath={${path}}`);

const podSpec = (image: string, more: object = {}) => ({
  terminationGracePeriodSeconds: 0,
  containers: [{ name: 'c', image }],
  ...more,
});
const template = (app: string, image: string) => ({ metadata: { labels: { app } }, spec: podSpec(image) });
const selector = (app: string) => ({ matchLabels: { app } });

// Skipped, by name in the report, where no kubectl is installed: these tests are about real ones.
describe.skipIf(binary === undefined)('workloads under kubectl', () => {
  beforeAll(async () => {
    cluster = await up(['--nodes', '3']);
    k = kubectl(binary ?? '', cluster.kubeconfig);
    await k.ok(['create', 'namespace', namespace]);
    await eventually(async () => (await k.run(['-n', namespace, 'get', 'sa', 'default'])).code === 0);
  }, 120_000);
  afterAll(async () => {
    expect(await cluster.stop('SIGINT'), cluster.output()).toBe(0);
  });

  it('StatefulSet: starts in order, updates from the end, keeps its claims', timeout, async () => {
    const set = (image: string, replicas: number) => ({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'db' },
      spec: {
        replicas,
        serviceName: 'db',
        selector: selector('db'),
        template: template('db', image),
        volumeClaimTemplates: [
          {
            metadata: { name: 'data' },
            spec: {
              accessModes: ['ReadWriteOnce'],
              storageClassName: 'simulated',
              resources: { requests: { storage: '1Gi' } },
            },
          },
        ],
      },
    });
    await apply({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'simulated' },
      provisioner: 'simulated.kubehive.io',
    });
    await apply(set('db:1', 3));
    await inNamespace('rollout', 'status', 'statefulset/db', '--timeout=60s');
    expect(await names('pods', '-l', 'app=db')).toEqual(['pod/db-0', 'pod/db-1', 'pod/db-2']);
    const events = await eventsOf('StatefulSet', 'db');
    expect(events).toContain('Create Claim data-db-0 Pod db-0 in StatefulSet db success');
    expect(events).toContain('Create Pod db-2 in StatefulSet db successful');
    await apply(set('db:2', 3));
    await inNamespace('rollout', 'status', 'statefulset/db', '--timeout=60s');
    expect(await field('pod', 'db-0', '.spec.containers[0].image')).toBe('db:2');
    await inNamespace('scale', 'statefulset', 'db', '--replicas=1');
    await eventually(async () => (await names('pods', '-l', 'app=db')).length === 1);
    expect(await names('pvc')).toHaveLength(3);
    await eventually(async () => (await k.ok(['get', 'volumeattachments', '-o', 'name'])).trim() !== '');
    await inNamespace('delete', 'statefulset', 'db', '--cascade=orphan');
    expect(await names('pods', '-l', 'app=db')).toEqual(['pod/db-0']);
    await inNamespace('delete', 'pod', 'db-0');
    await inNamespace('delete', 'pvc', '--all', '--timeout=60s');
  });

  it('ReplicaSet and ReplicationController: adopt, scale and leave their pods when asked', timeout, async () => {
    const kinds = [
      ['ReplicaSet', 'apps/v1', 'rs', selector('rs')],
      ['ReplicationController', 'v1', 'rc', { app: 'rc' }],
    ] as const;
    for (const [kind, apiVersion, name, chosen] of kinds) {
      const orphan = { name: `${name}-orphan`, labels: { app: name } };
      await apply({ apiVersion: 'v1', kind: 'Pod', metadata: orphan, spec: podSpec('x:1') });
      const spec = { replicas: 2, selector: chosen, template: template(name, 'x:1') };
      await apply({ apiVersion, kind, metadata: { name }, spec });
      await inNamespace('wait', '--for=jsonpath={.status.readyReplicas}=2', `${kind}/${name}`, '--timeout=60s');
      expect(await field('pod', orphan.name, '.metadata.ownerReferences[0].kind')).toBe(kind);
      expect(await eventsOf(kind, name)).toMatch(new RegExp(`SuccessfulCreate\\s+Created pod: ${name}-`));
      await inNamespace('scale', kind, name, '--replicas=1');
      await eventually(async () => (await names('pods', '-l', `app=${name}`)).length === 1);
      expect(await eventsOf(kind, name)).toMatch(new RegExp(`SuccessfulDelete\\s+Deleted pod: ${name}-`));
      await inNamespace('delete', kind, name, '--cascade=orphan');
      expect(await names('pods', '-l', `app=${name}`)).toHaveLength(1);
      await inNamespace('delete', 'pods', '-l', `app=${name}`);
    }
  });

  it('Job and CronJob: run to completion, are suspended, and clean up', timeout, async () => {
    const job = {
      completions: 3,
      parallelism: 2,
      template: { spec: podSpec('busybox:1', { restartPolicy: 'Never' }) },
    };
    await apply({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once' }, spec: { ...job, suspend: true } });
    await inNamespace('wait', '--for=condition=Suspended', 'job/once', '--timeout=30s');
    await inNamespace('patch', 'job', 'once', '-p', '{"spec":{"suspend":false}}');
    await eventually(async () => (await eventsOf('Job', 'once')).includes('Created pod: once-'));
    const events = await eventsOf('Job', 'once');
    expect(events).toMatch(/Suspended\s+Job suspended[\s\S]*Resumed\s+Job resumed/);
    await inNamespace('delete', 'job', 'once', '--cascade=foreground', '--timeout=60s');
    expect(await names('pods', '-l', 'job-name=once')).toEqual([]);
    const cron = { schedule: '0 0 1 1 *', jobTemplate: { spec: job } };
    await apply({ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'yearly' }, spec: cron });
    await inNamespace('create', 'job', 'by-hand', '--from=cronjob/yearly');
    await inNamespace('wait', '--for=condition=Complete', 'job/by-hand', '--timeout=30s');
    expect(await names('pods', '-l', 'job-name=by-hand')).toHaveLength(3);
    expect(await field('job', 'by-hand', '.metadata.annotations.cronjob\\.kubernetes\\.io/instantiate')).toBe('manual');
    await inNamespace('delete', 'cronjob', 'yearly');
    await eventually(async () => (await names('jobs')).length === 0);
  });

  it('CertificateSigningRequest: is issued once it is approved', timeout, async () => {
    const { nodeRequest } = await import('../actors/controllers/certificates.ts');
    const signerName = 'kubernetes.io/kube-apiserver-client';
    const spec = { request: nodeRequest, signerName, usages: ['client auth'], expirationSeconds: 3600 };
    const request = {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: 'jo' },
      spec,
    };
    await k.ok(['apply', '-f', '-'], JSON.stringify(request));
    await k.ok(['certificate', 'approve', 'jo']);
    await eventually(async () => (await k.ok(['get', 'csr', 'jo'])).includes('Approved,Issued'));
  });

  it('goes with its namespace', timeout, async () => {
    await apply({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'last' },
      spec: { replicas: 4, selector: selector('last'), template: template('last', 'x:1') },
    });
    await inNamespace('rollout', 'status', 'deployment/last', '--timeout=60s');
    await k.ok(['delete', 'namespace', namespace, '--timeout=90s']);
    expect((await k.run(['get', 'namespace', namespace])).code).toBe(1);
  });
});
