/** What a person does with kubectl, with every installed kubectl from 1.27 to 1.33, against one running cluster. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findKubectl, type Kubectl, kubectl, kubectlMinors } from '../support/kubectl.ts';
import { eventually, type Up, up } from '../support/up.ts';

const manifest = (replicas: number, image = 'nginx:1.28') => `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: { app: web }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: nginx
          image: ${image}
          ports: [{ containerPort: 80 }]
          resources: { requests: { cpu: 50m, memory: 32Mi } }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  selector: { app: web }
  ports: [{ port: 80 }]
`;

let cluster: Up;

beforeAll(async () => {
  cluster = await up(['--nodes', '3']);
});

afterAll(async () => {
  expect(await cluster.stop('SIGINT'), cluster.output()).toBe(0);
});

describe.each(kubectlMinors)('kubectl 1.%i', (minor) => {
  const binary = findKubectl(minor);
  const installed = it.skipIf(binary === undefined);
  if (binary === undefined) {
    it.skip(`is not installed: kubectl.1.${minor} is neither on PATH nor beside kubectl`, () => undefined);
    return;
  }
  const namespace = `e2e-${minor}`;
  let k: Kubectl;
  const inNamespace = (...args: string[]) => k.ok(['-n', namespace, ...args]);

  beforeAll(async () => {
    k = kubectl(binary, cluster.kubeconfig);
    await k.ok(['create', 'namespace', namespace]);
    await eventually(async () => (await k.run(['-n', namespace, 'get', 'serviceaccount', 'default'])).code === 0);
  });

  installed('applies a Deployment and follows its rollout', async () => {
    expect(await k.ok(['-n', namespace, 'apply', '-f', '-'], manifest(5))).toBe(
      'deployment.apps/web created\nservice/web created\n',
    );
    expect(await inNamespace('rollout', 'status', 'deployment/web', '--timeout=60s')).toContain(
      'deployment "web" successfully rolled out',
    );
    expect(await k.ok(['-n', namespace, 'apply', '-f', '-'], manifest(5))).toBe(
      'deployment.apps/web unchanged\nservice/web unchanged\n',
    );
  });

  installed('gets in every output', async () => {
    expect(await inNamespace('get', 'deployment', 'web')).toMatch(
      /NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\nweb\s+5\/5\s+5\s+5\s+/,
    );
    expect(await inNamespace('get', 'pods', '-o', 'wide')).toMatch(
      /NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE\s+IP\s+NODE\s+NOMINATED NODE\s+READINESS GATES\n(web-\S+\s+1\/1\s+Running.*\n){5}/,
    );
    const asJson = JSON.parse(await inNamespace('get', 'deployment', 'web', '-o', 'json')) as {
      kind: string;
      status: { readyReplicas: number };
    };
    expect([asJson.kind, asJson.status.readyReplicas]).toEqual(['Deployment', 5]);
    expect(await inNamespace('get', 'deployment', 'web', '-o', 'yaml')).toContain('kind: Deployment');
    expect(await inNamespace('get', 'deployment', 'web', '-o', 'name')).toBe('deployment.apps/web\n');
    expect(await inNamespace('get', 'deployment', 'web', '-o', 'jsonpath={.spec.replicas}')).toBe('5');
    expect(await inNamespace('get', 'deployment', 'web', '-o', 'custom-columns=N:.metadata.name')).toBe('N\nweb\n');
    expect(await inNamespace('get', 'deployment', 'web', '-o', 'go-template={{.metadata.name}}')).toBe('web');
    expect(await inNamespace('get', 'all')).toMatch(
      /pod\/web-[\s\S]*service\/web[\s\S]*deployment.apps\/web[\s\S]*replicaset.apps\/web-/,
    );
    expect(await k.ok(['get', 'nodes'])).toMatch(/node-0\s+Ready\s+<none>\s+\S+\s+v1\.36/);
  });

  installed('describes what it made', async () => {
    const deployment = await inNamespace('describe', 'deployment', 'web');
    expect(deployment).toContain('5 desired | 5 updated | 5 total | 5 available | 0 unavailable');
    expect(deployment).toMatch(/ScalingReplicaSet.*Scaled up replica set web-\S+ from 0 to 5/);
    const pod = await inNamespace('describe', 'pods', '-l', 'app=web');
    for (const reason of ['Scheduled', 'Created', 'Started']) expect(pod).toContain(reason);
    expect(await inNamespace('describe', 'service', 'web')).toMatch(/Endpoints:\s+\d+\.\d+\.\d+\.\d+:80/);
    expect(await k.ok(['describe', 'node', 'node-0'])).toContain('KubeletReady');
  });

  /** The reasons of the events, in the order in which a watch shows them while `web` is scaled from 5 to 3. */
  async function reasonsOfScaling(): Promise<string[]> {
    const columns = ['-o', 'custom-columns=R:.reason,M:.message', '--no-headers'];
    // It says on stderr when its watch has begun.
    const watch = k.start(['-n', namespace, 'get', 'events', '--watch-only', '-v=6', ...columns]);
    await watch.until(/watch=true.*200 OK/);
    await inNamespace('scale', 'deployment', 'web', '--replicas', '3');
    await watch.until(/SuccessfulDelete/);
    await watch.until(/Killing/);
    watch.stop();
    expect(watch.lines.join('\n')).toMatch(/Scaled down replica set web-\S+ from 5 to 3/);
    await eventually(async () => (await inNamespace('get', 'pods', '-o', 'name')).trim().split('\n').length === 3);
    return watch.lines.map((line) => line.split(/\s+/)[0] ?? '');
  }

  installed('shows the events of scaling from 5 to 3 in their order', async () => {
    // Controllers and kubelets report by themselves: on a machine that is busy elsewhere one of them may be late a few times.
    const wanted = ['ScalingReplicaSet', 'Killing', 'SuccessfulDelete'];
    let order: string[] = [];
    for (let attempt = 0; attempt < 6 && order.join() !== wanted.join(); attempt++) {
      if (attempt > 0) {
        await inNamespace('scale', 'deployment', 'web', '--replicas', '5');
        await inNamespace('rollout', 'status', 'deployment/web', '--timeout=60s');
      }
      order = [...new Set((await reasonsOfScaling()).filter((reason) => wanted.includes(reason)))];
    }
    expect(order).toEqual(wanted);
  });

  installed('rolls out a new image and undoes it', async () => {
    await inNamespace('set', 'image', 'deployment/web', 'nginx=nginx:1.29');
    await inNamespace('rollout', 'status', 'deployment/web', '--timeout=60s');
    expect(await inNamespace('rollout', 'history', 'deployment/web')).toMatch(/1\s+<none>\n2\s+<none>/);
    await inNamespace('rollout', 'undo', 'deployment/web');
    await inNamespace('rollout', 'status', 'deployment/web', '--timeout=60s');
    expect(
      await inNamespace('get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image}'),
    ).toBe('nginx:1.28');
    await inNamespace('rollout', 'restart', 'deployment/web');
    await inNamespace('rollout', 'status', 'deployment/web', '--timeout=60s');
  });

  installed('labels, annotates and patches in three types', async () => {
    expect(await inNamespace('label', 'deployment', 'web', 'tier=front')).toBe('deployment.apps/web labeled\n');
    expect(await inNamespace('annotate', 'deployment', 'web', 'note=hello')).toMatch(
      /^deployment.apps\/web annotated?\n$/,
    );
    const patches = [
      [
        'strategic',
        '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","env":[{"name":"A","value":"1"}]}]}}}}',
      ],
      ['merge', '{"metadata":{"annotations":{"note":null,"other":"x"}}}'],
      ['json', '[{"op":"add","path":"/metadata/labels/third","value":"y"}]'],
    ] as const;
    for (const [type, patch] of patches) {
      expect(await inNamespace('patch', 'deployment', 'web', '--type', type, '-p', patch)).toBe(
        'deployment.apps/web patched\n',
      );
    }
    const { metadata, spec } = JSON.parse(await inNamespace('get', 'deployment', 'web', '-o', 'json')) as {
      metadata: { labels: object; annotations: Record<string, string> };
      spec: { template: { spec: { containers: { env: object[]; image: string }[] } } };
    };
    expect(metadata.labels).toMatchObject({ tier: 'front', third: 'y' });
    expect(metadata.annotations['note']).toBeUndefined();
    expect(spec.template.spec.containers).toMatchObject([{ image: 'nginx:1.28', env: [{ name: 'A', value: '1' }] }]);
  });

  installed('is told of a conflict when it replaces what has changed', async () => {
    const stale = JSON.parse(await inNamespace('get', 'configmap', 'kube-root-ca.crt', '-o', 'json')) as {
      metadata: object;
    };
    await inNamespace('annotate', 'configmap', 'kube-root-ca.crt', 'changed=yes');
    const { code, stderr } = await k.run(['-n', namespace, 'replace', '-f', '-'], JSON.stringify(stale));
    expect(code).toBe(1);
    expect(stderr).toContain(
      'the object has been modified; please apply your changes to the latest version and try again',
    );
  });

  installed('watches, waits and reads logs', async () => {
    const watch = k.start(['-n', namespace, 'get', 'pods', '--watch']);
    const directory = mkdtempSync(join(tmpdir(), 'kubehive-e2e-'));
    const file = join(directory, 'pod.yaml');
    writeFileSync(
      file,
      'apiVersion: v1\nkind: Pod\nmetadata: { name: lone }\nspec:\n  terminationGracePeriodSeconds: 0\n  containers: [{ name: c, image: "busybox:1" }]\n',
    );
    await inNamespace('create', '-f', file);
    expect(await inNamespace('wait', '--for=condition=Ready', 'pod/lone', '--timeout=60s')).toBe(
      'pod/lone condition met\n',
    );
    await watch.until(/^lone\s+1\/1\s+Running/);
    watch.stop();
    expect((await k.run(['-n', namespace, 'logs', 'lone'])).code).toBe(0);
    await inNamespace('delete', 'pod', 'lone');
    expect((await k.run(['-n', namespace, 'get', 'pod', 'lone'])).stderr).toBe(
      'Error from server (NotFound): pods "lone" not found\n',
    );
  });

  installed('lists resources and explains fields', async () => {
    expect(await k.ok(['api-resources', '--api-group=apps'])).toMatch(
      /deployments\s+deploy\s+apps\/v1\s+true\s+Deployment/,
    );
    expect(await k.ok(['explain', 'deployment.spec.strategy.rollingUpdate.maxSurge'])).toContain(
      'maximum number of pods that can be scheduled above the desired number',
    );
    expect(await k.ok(['explain', 'pod.spec', '--recursive'])).toContain('terminationGracePeriodSeconds');
    expect(await k.ok(['version'])).toMatch(/Server Version: .*v1\.36/);
  });

  installed('cordons, drains and uncordons a node', async () => {
    expect(await k.ok(['cordon', 'node-2'])).toContain('node/node-2 cordoned');
    expect(await k.ok(['get', 'node', 'node-2'])).toContain('Ready,SchedulingDisabled');
    const drained = await k.ok([
      'drain',
      'node-2',
      '--ignore-daemonsets',
      '--delete-emptydir-data',
      '--force',
      '--timeout=90s',
    ]);
    expect(drained).toContain('node/node-2 drained');
    expect(await k.ok(['uncordon', 'node-2'])).toContain('node/node-2 uncordoned');
  });

  installed('deletes with each cascade', async () => {
    const count = async () =>
      (await inNamespace('get', 'pods', '-l', 'app=web', '-o', 'name')).split('\n').filter(Boolean).length;
    const replicaSets = async () =>
      (await inNamespace('get', 'replicasets', '-l', 'app=web', '-o', 'name')).split('\n').filter(Boolean);
    await inNamespace('delete', 'deployment', 'web', '--cascade=orphan');
    expect((await replicaSets()).length).toBeGreaterThan(0);
    expect(await count()).toBe(3);
    for (const name of await replicaSets()) await inNamespace('delete', name, '--cascade=foreground');
    await eventually(async () => (await count()) === 0);
    await k.ok(['-n', namespace, 'apply', '-f', '-'], manifest(2));
    await inNamespace('rollout', 'status', 'deployment/web', '--timeout=60s');
    await inNamespace('delete', 'deployment', 'web', '--cascade=background');
    await eventually(async () => (await count()) === 0 && (await replicaSets()).length === 0);
    await k.ok(['delete', 'namespace', namespace, '--timeout=60s']);
    expect((await k.run(['get', 'namespace', namespace])).code).toBe(1);
  });
});
