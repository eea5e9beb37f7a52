/** `kubehive record` and `kubehive replay` as users run them, over HTTPS and in virtual time. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { parseTrace } from '../../src/cli/trace/format.ts';
import { cli, eventually, run, type Up, up } from '../support/up.ts';

const directory = mkdtempSync(join(tmpdir(), 'kubehive-traces-'));
const file = join(directory, 'trace.ndjson');
const clusters: Up[] = [];

afterAll(async () => {
  for (const cluster of clusters) await cluster.stop();
});

async function started(...args: string[]): Promise<{ cluster: Up; server: string }> {
  const cluster = await up(['--port', '0', '--threads', '2', ...args]);
  clusters.push(cluster);
  return { cluster, server: /http:\/\/\S+/.exec(cluster.readyLine)?.[0] ?? '' };
}

async function send(url: string, method: string, body?: object, type = 'application/json'): Promise<void> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': type },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${url}: ${await response.text()}`);
}

async function podsRunning(server: string, count: number): Promise<boolean> {
  const { items } = (await (await fetch(`${server}/api/v1/namespaces/default/pods`)).json()) as {
    items: { status: { phase: string } }[];
  };
  return items.length === count && items.every(({ status }) => status.phase === 'Running');
}

/** Records `work` done on the cluster. Resolves with what the command printed. */
async function recorded(kubeconfig: string, work: () => Promise<void>): Promise<string> {
  const child = spawn(process.execPath, [cli, 'record', file, '--kubeconfig', kubeconfig, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  let warned = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    warned += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`kubehive record ended: ${warned}`);
    return warned.includes('recording');
  }, 60_000);
  await work();
  child.kill('SIGINT');
  expect(await ended, warned).toBe(0);
  return printed;
}

it('records a cluster and replays it on another, at any speed, and in virtual time', async () => {
  const { cluster, server } = await started('--nodes', '2');
  const deployments = `${server}/apis/apps/v1/namespaces/default/deployments`;
  const counts = await recorded(cluster.kubeconfig, async () => {
    await send(deployments, 'POST', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } },
      },
    });
    await eventually(() => podsRunning(server, 1), 60_000);
    await send(`${deployments}/web`, 'PATCH', { spec: { replicas: 4 } }, 'application/merge-patch+json');
    await eventually(() => podsRunning(server, 4), 60_000);
    // What was done is in the file before the recording ends.
    await eventually(async () => readFileSync(file, 'utf8').includes('"verb":"patch"'), 60_000);
  });
  expect(JSON.parse(counts)).toMatchObject({ deleted: 0 });
  const { events } = parseTrace(readFileSync(file, 'utf8'));
  const ofDeployment = events.filter(({ resource }) => resource === 'deployments');
  expect(ofDeployment.map(({ verb }) => verb)).toEqual(['create', 'patch']);
  expect(events.filter(({ resource }) => resource === 'pods')).toEqual([]);

  const other = await started('--nodes', '2');
  const replayed = await run(['replay', file, '--speed', 'max', '--kubeconfig', other.cluster.kubeconfig, '--json']);
  expect(replayed.code, replayed.stderr).toBe(0);
  expect(JSON.parse(replayed.stdout)).toMatchObject({ failed: 0 });
  await eventually(() => podsRunning(other.server, 4), 60_000);

  const virtual = await run(['replay', file, '--virtual', '--json']);
  expect(virtual.code, virtual.stderr).toBe(0);
  expect(JSON.parse(virtual.stdout)).toMatchObject({ failed: 0, podsBound: 4, podsPending: 0 });
});

it('replays a recording of kwok', async () => {
  const path = join(directory, 'kwok.yaml');
  writeFileSync(
    path,
    `apiVersion: v1
kind: Node
metadata: { name: kwok-0 }
status: { capacity: { cpu: "8", memory: 16Gi, pods: "110" }, allocatable: { cpu: "8", memory: 16Gi, pods: "110" } }
---
apiVersion: action.kwok.x-k8s.io/v1alpha1
kind: ResourcePatch
method: create
durationNanosecond: 3000000000
resource: { version: v1, resource: pods }
target: { name: one, namespace: default }
template: { metadata: { name: one, namespace: default }, spec: { containers: [{ name: c, image: busybox }] } }
`,
  );
  const { code, stdout, stderr } = await run(['replay', path, '--virtual', '--json']);
  expect(code, stderr).toBe(0);
  const outcome = JSON.parse(stdout) as { durationMs: number };
  expect(outcome).toMatchObject({ created: 2, failed: 0, podsBound: 1 });
  expect(outcome.durationMs).toBeGreaterThanOrEqual(3000);
});

it('says in one line what is wrong', async () => {
  writeFileSync(join(directory, 'broken.ndjson'), '{"kind":"Pod"}\n');
  const wrong: [string[], number, RegExp][] = [
    [['replay', '/nowhere.ndjson'], 2, /cannot read \/nowhere.ndjson/],
    [['replay', join(directory, 'broken.ndjson')], 2, /line 1: a trace begins with/],
    [['replay', file, '--speed', '0'], 2, /a factor above 0/],
    [['record', join(directory, 'x'), '--resources', 'gadgets'], 2, /there is no resource called "gadgets"/],
    [['record', join(directory, 'x'), '--duration', 'long'], 2, /a time such as 90s/],
    [['record', join(directory, 'x'), '--kubeconfig', '/nowhere'], 1, /is a cluster up\?/],
  ];
  for (const [args, exit, message] of wrong) {
    const { code, stderr } = await run(args);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(exit);
  }
});
