/**
 * Streams with real clients against one running cluster: exec, attach, port-forward, cp, logs and proxy with every installed
 * kubectl from 1.27 to 1.33 (SPDY in the old ones, WebSockets in the new), and the same through the JavaScript client library.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import {
  Attach,
  CoreV1Api,
  Exec,
  KubeConfig,
  KubernetesObjectApi,
  Log,
  PatchStrategy,
  PortForward,
  type V1Status,
  Watch,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findKubectl, type Kubectl, kubectl, kubectlMinors } from '../support/kubectl.ts';
import { eventually, type Up, up } from '../support/up.ts';

const manifest = `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { app.conf: "color=blue\\n" }
---
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: nginx:1.28
      ports: [{ containerPort: 80 }]
      env: [{ name: COLOR, value: blue }]
      volumeMounts: [{ name: settings, mountPath: /etc/settings }]
    - name: ticker
      image: busybox
      command: [sh, -c, "echo one; sleep 1; echo two; sleep 1; echo three; sleep infinity"]
  volumes: [{ name: settings, configMap: { name: settings } }]
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 8080, targetPort: 80 }] }
`;

let cluster: Up;

beforeAll(async () => {
  cluster = await up(['--nodes', '2']);
});

afterAll(async () => {
  expect(await cluster.stop('SIGINT'), cluster.output()).toBe(0);
});

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server: Server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/** A terminal around a command, where the machine has the program that makes one. */
const script = (() => {
  try {
    return execFileSync('sh', ['-c', 'command -v script'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
})();

function inTerminal(command: string, typed: string): Promise<{ code: number | null; text: string }> {
  const child = spawn(script as string, ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  child.stdin.write(typed);
  return new Promise((resolve) => child.on('exit', (code) => resolve({ code, text })));
}

describe.each(kubectlMinors)('kubectl 1.%i', (minor) => {
  const binary = findKubectl(minor);
  if (binary === undefined) {
    it.skip(`is not installed: kubectl.1.${minor} is neither on PATH nor beside kubectl`, () => undefined);
    return;
  }
  const namespace = `streams-${minor}`;
  let k: Kubectl;
  const run = (...args: string[]) => k.run(['-n', namespace, ...args]);
  const ok = (...args: string[]) => k.ok(['-n', namespace, ...args]);

  beforeAll(async () => {
    k = kubectl(binary, cluster.kubeconfig);
    await k.ok(['create', 'namespace', namespace]);
    await eventually(async () => (await run('get', 'serviceaccount', 'default')).code === 0);
    await k.ok(['-n', namespace, 'apply', '-f', '-'], manifest);
    await ok('wait', '--for=condition=Ready', 'pod/web', '--timeout=60s');
  });

  it('runs commands in containers: output, input, exit code, environment, mounted files', async () => {
    expect(await ok('exec', 'web', '-c', 'main', '--', 'hostname')).toBe('web\n');
    expect(await ok('exec', 'web', '-c', 'main', '--', 'sh', '-c', 'echo $COLOR; cat /etc/settings/app.conf')).toBe(
      'blue\ncolor=blue\n',
    );
    expect(await ok('exec', 'web', '-c', 'main', '--', 'ls', '/var/run/secrets/kubernetes.io/serviceaccount')).toBe(
      'ca.crt\nnamespace\ntoken\n',
    );
    expect(await k.ok(['-n', namespace, 'exec', '-i', 'web', '-c', 'main', '--', 'cat'], 'through\n')).toBe(
      'through\n',
    );
    const failed = await run('exec', 'web', '-c', 'main', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7');
    expect(failed).toMatchObject({ code: 7, stdout: 'out\n' });
    expect(failed.stderr).toBe('err\ncommand terminated with exit code 7\n');
  });

  it("is refused in upstream's words", async () => {
    const missing = await run('exec', 'web', '-c', 'main', '--', 'vim');
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('exec: "vim": executable file not found in $PATH');
    expect((await run('exec', 'web', '-c', 'nope', '--', 'ls')).stderr).toContain(
      'container nope is not valid for pod web',
    );
    expect((await run('exec', 'nobody', '--', 'ls')).stderr).toBe(
      'Error from server (NotFound): pods "nobody" not found\n',
    );
  });

  // Skipped without `script`, which makes the terminal that this needs.
  it.skipIf(script === undefined)('gives a person a shell', async () => {
    const command = `${binary} --kubeconfig ${cluster.kubeconfig} -n ${namespace} exec -it web -c main -- sh`;
    const { code, text } = await inTerminal(command, 'echo typed $COLOR\nexit 4\n');
    expect(text).toContain('/ # typed blue\r\n'.slice(4));
    expect(text).toContain('command terminated with exit code 4');
    expect(code).toBe(4);
  });

  it('attaches to a container that reads its input', async () => {
    const args = [
      '-n',
      namespace,
      'run',
      'reader',
      '-i',
      '--rm',
      '--restart=Never',
      '--image=busybox',
      '--',
      'sh',
      '-c',
    ];
    const output = await k.ok([...args, 'read line; echo got $line'], 'a line\n');
    expect(output).toContain('got a line');
  });

  it('copies files and folders in and out', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kubehive-cp-'));
    mkdirSync(join(folder, 'in', 'deep'), { recursive: true });
    writeFileSync(join(folder, 'in', 'deep', 'text.txt'), 'hello\n');
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919) % 251));
    writeFileSync(join(folder, 'in', 'bytes'), bytes);
    await ok('cp', join(folder, 'in'), 'web:/tmp/in', '-c', 'main');
    expect(await ok('exec', 'web', '-c', 'main', '--', 'cat', '/tmp/in/deep/text.txt')).toBe('hello\n');
    await ok('cp', 'web:/tmp/in', join(folder, 'out'), '-c', 'main');
    expect(readFileSync(join(folder, 'out', 'deep', 'text.txt'), 'utf8')).toBe('hello\n');
    expect(readFileSync(join(folder, 'out', 'bytes')).equals(bytes)).toBe(true);
  });

  it('forwards ports', async () => {
    const port = await freePort();
    const forwarding = k.start(['-n', namespace, 'port-forward', 'pod/web', `${port}:80`]);
    await forwarding.until(/^Forwarding from 127\.0\.0\.1/);
    for (const path of ['/one', '/two']) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      expect(await response.text()).toContain(`GET ${path} HTTP/1.1`);
    }
    forwarding.stop();
  });

  it('says what nothing listens on', async () => {
    const port = await freePort();
    const forwarding = k.start(['-n', namespace, 'port-forward', 'pod/web', `${port}:81`]);
    await forwarding.until(/^Forwarding from 127\.0\.0\.1/);
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
    expect(await forwarding.until(/error forwarding port 81 to pod/)).toContain('connection refused');
    forwarding.stop();
  });

  it('reads logs, follows them, and names what is missing', async () => {
    const followed = k.start(['-n', namespace, 'logs', '-f', 'web', '-c', 'ticker']);
    await followed.until(/^three$/);
    followed.stop();
    expect(await ok('logs', 'web', '-c', 'ticker', '--tail=2')).toBe('two\nthree\n');
    expect(await ok('logs', 'web', '-c', 'ticker', '--limit-bytes=5')).toBe('one\nt');
    expect(await ok('logs', 'web', '--all-containers', '--prefix')).toContain('[pod/web/ticker] one\n');
    expect((await run('logs', 'web', '-c', 'ticker', '--previous')).stderr).toContain(
      'previous terminated container "ticker" in pod "web" not found',
    );
  });

  it('proxies to pods, services and nodes', async () => {
    const proxied = (path: string) => ok('get', '--raw', path);
    expect(await proxied(`/api/v1/namespaces/${namespace}/pods/web/proxy/page?q=1`)).toContain(
      'GET /page?q=1 HTTP/1.1',
    );
    expect(await proxied(`/api/v1/namespaces/${namespace}/services/web:8080/proxy/`)).toContain('Hostname: web');
    expect((await run('get', '--raw', `/api/v1/namespaces/${namespace}/pods/web:81/proxy/`)).stderr).toMatch(
      /^Error from server \(ServiceUnavailable\): error trying to reach service: dial tcp [\d.]+:81: connect: connection refused\n$/,
    );
    expect(await proxied('/api/v1/nodes/node-0/proxy/healthz')).toBe('ok');
    expect(JSON.parse(await proxied('/api/v1/nodes/node-0/proxy/stats/summary')).node.nodeName).toBe('node-0');
    expect(JSON.parse(await proxied('/api/v1/nodes/node-0/proxy/configz')).kubeletconfig.maxPods).toBe(110);
    expect(await proxied('/api/v1/nodes/node-1/proxy/metrics')).toContain('kubelet_node_name{node="node-1"} 1');
    const port = await freePort();
    const proxy = k.start(['proxy', `--port=${port}`]);
    await proxy.until(/^Starting to serve/);
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/namespaces/${namespace}/services/web/proxy/through`);
    expect(await response.text()).toContain('GET /through HTTP/1.1');
    proxy.stop();
  });
});

describe('@kubernetes/client-node', () => {
  const namespace = 'streams-library';
  let config: KubeConfig;

  beforeAll(async () => {
    config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig);
    const core = config.makeApiClient(CoreV1Api);
    const objects = KubernetesObjectApi.makeApiClient(config);
    await core.createNamespace({ body: { metadata: { name: namespace } } });
    await eventually(() => core.readNamespacedServiceAccount({ namespace, name: 'default' }));
    await objects.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace },
      spec: {
        containers: [
          { name: 'main', image: 'nginx', ports: [{ containerPort: 80 }] },
          { name: 'echo', image: 'busybox', stdin: true, command: ['cat'] },
        ],
      },
    } as never);
    await eventually(
      async () => (await core.readNamespacedPod({ namespace, name: 'web' })).status?.phase === 'Running',
    );
  });

  const collector = () => {
    let text = '';
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    });
    return { stream, text: () => text };
  };

  it('executes, with input and the final status', async () => {
    const out = collector();
    const input = new PassThrough();
    const status = new Promise<V1Status>((resolve, reject) => {
      new Exec(config)
        .exec(
          namespace,
          'web',
          'main',
          ['sh', '-c', 'read x; echo got $x; exit 3'],
          out.stream,
          null,
          input,
          false,
          resolve,
        )
        .then(() => input.write('this\n'), reject);
    });
    expect(await status).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    });
    expect(out.text()).toBe('got this\n');
  });

  it('attaches', async () => {
    const out = collector();
    const input = new PassThrough();
    const socket = await new Attach(config).attach(namespace, 'web', 'echo', out.stream, null, input, false);
    input.write('said\n');
    await eventually(async () => out.text().includes('said\n'));
    socket.close();
  });

  it('forwards a port', async () => {
    const out = collector();
    const input = new PassThrough();
    const socket = await new PortForward(config).portForward(namespace, 'web', [80], out.stream, null, input);
    input.write('GET /library HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n');
    await eventually(async () => out.text().includes('GET /library HTTP/1.1'));
    expect(out.text()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    (typeof socket === 'function' ? socket() : socket)?.close();
  });

  it('applies objects and is told who owns a field', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config);
    const settings = (value: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'applied', namespace },
      data: { key: value },
    });
    const apply = (value: string, manager: string, force: boolean) =>
      objects.patch(settings(value), undefined, undefined, manager, force, PatchStrategy.ServerSideApply);
    expect(await apply('one', 'first', false)).toMatchObject({ data: { key: 'one' } });
    await expect(apply('two', 'second', false)).rejects.toMatchObject({ code: 409 });
    expect(await apply('two', 'second', true)).toMatchObject({ data: { key: 'two' } });
    expect(await objects.read(settings(''))).toMatchObject({ data: { key: 'two' } });
  });

  it('watches', async () => {
    const seen: string[] = [];
    const core = config.makeApiClient(CoreV1Api);
    const controller = await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { labelSelector: 'watched=yes' },
      (type, object: { metadata: { name: string } }) => seen.push(`${type} ${object.metadata.name}`),
      () => undefined,
    );
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'w', labels: { watched: 'yes' } } } });
    await core.deleteNamespacedConfigMap({ namespace, name: 'w' });
    await eventually(async () => seen.length === 2);
    expect(seen).toEqual(['ADDED w', 'DELETED w']);
    controller.abort();
  });

  it('reads a log', async () => {
    const out = collector();
    await new Log(config).log(namespace, 'web', 'main', out.stream, { tailLines: 1 });
    await eventually(async () => out.text().includes('main of streams-library/web runs nginx'));
  });
});
