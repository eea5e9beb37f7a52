/** The kubehive command as scripts use it: ready line, exit codes, ports, data directories, signals. */
import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kubectl, newestKubectl } from '../support/kubectl.ts';
import { eventually, run, up } from '../support/up.ts';

const binary = newestKubectl();

describe('kubehive', () => {
  it.each([
    [['up', '--nodse', '3'], /unknown option '--nodse'/],
    [['up', '--nodes', 'many'], /it takes a whole number from 0 to 100000/],
    [['up', '--threads', 'some'], /it takes auto, dedicated, shared, inline/],
    [['up', '--components', 'etcd'], /unknown component "etcd"/],
    [['up', '--service-cidr', '10.0.0.0'], /it takes an address range such as 10.96.0.0\/16/],
    [['bench', '--case', 'NoSuchCase'], /no workload is called NoSuchCase/],
    [['frobnicate'], /unknown command 'frobnicate'/],
    [['route', 'a b c'], /is no Service/],
  ])('%j is refused in one line, with exit code 2', async (args, message) => {
    const { code, stderr } = await run(args);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(2);
  });

  it.each([
    ['--help'],
    ['up', '--help'],
    ['bench', '--help'],
    ['top', 'actors', '--help'],
    ['route', '--help'],
    ['demo', '--help'],
    ['version', '--help'],
  ])('%s %s shows help with examples', async (...args) => {
    const { code, stdout } = await run(args.filter((arg) => typeof arg === 'string'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/Usage: kubehive/);
    expect(stdout).toMatch(/Examples:\n {2}\$ kubehive /);
  });

  it('refuses more threads than the machine holds before anything starts, in one line, with exit code 1', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kubehive-'));
    const files = ['--data-dir', join(folder, 'data'), '--kubeconfig', join(folder, 'kubeconfig')];
    const { code, stdout, stderr } = await run(['up', '--threads', 'dedicated', '--nodes', '50000', ...files]);
    expect(stderr).toMatch(
      /^kubehive: 100\d\d\d worker threads were asked for, but the bound is \d+ \(.*\); .*--threads shared/,
    );
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect([code, stdout]).toEqual([1, '']);
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });

  it('tells its versions', async () => {
    const { stdout } = await run(['version', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      kubehive: expect.stringMatching(/^\d+\.\d+\.\d+/),
      kubernetes: expect.stringMatching(/^v1\.36\./),
    });
  });

  it('writes a kubeconfig for its owner alone and stops at SIGTERM and SIGINT with exit code 0', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const cluster = await up(['--nodes', '0', '--components', 'apiserver']);
      expect(cluster.readyLine).toMatch(/^ready https:\/\/127\.0\.0\.1:\d+ /);
      expect(statSync(cluster.kubeconfig).mode & 0o777).toBe(0o600);
      expect(readFileSync(cluster.kubeconfig, 'utf8')).toContain('client-certificate-data');
      expect(await cluster.stop(signal)).toBe(0);
    }
  });

  // Skipped where no kubectl is installed.
  it.skipIf(binary === undefined)(
    'comes back with the same state, and refuses a second process on the directory',
    async () => {
      const data = mkdtempSync(join(tmpdir(), 'kubehive-data-'));
      const first = await up(['--nodes', '0', '--data-dir', data]);
      const k = kubectl(binary ?? '', first.kubeconfig);
      await k.ok(['create', 'configmap', 'kept', '--from-literal=a=1']);
      const uid = await k.ok(['get', 'configmap', 'kept', '-o', 'jsonpath={.metadata.uid}']);
      const second = await run(['up', '--nodes', '0', '--data-dir', data, '--kubeconfig', join(data, 'other')]);
      expect(second.code).toBe(1);
      expect(second.stderr).toMatch(/in use/);
      expect(second.stderr).toContain(data);
      expect(existsSync(join(data, 'other'))).toBe(false);
      expect(await first.stop()).toBe(0);
      const again = await up(['--nodes', '0', '--data-dir', data]);
      const k2 = kubectl(binary ?? '', again.kubeconfig);
      expect(await k2.ok(['get', 'configmap', 'kept', '-o', 'jsonpath={.metadata.uid}'])).toBe(uid);
      expect(await again.stop()).toBe(0);
    },
  );

  // Skipped where no kubectl is installed.
  it.skipIf(binary === undefined)('survives SIGKILL without losing what it acknowledged', async () => {
    const data = mkdtempSync(join(tmpdir(), 'kubehive-data-'));
    const first = await up(['--nodes', '0', '--data-dir', data]);
    await kubectl(binary ?? '', first.kubeconfig).ok(['create', 'configmap', 'kept', '--from-literal=a=1']);
    await first.stop('SIGKILL');
    const again = await up(['--nodes', '0', '--data-dir', data]);
    expect(await kubectl(binary ?? '', again.kubeconfig).ok(['get', 'configmap', 'kept', '-o', 'name'])).toBe(
      'configmap/kept\n',
    );
    expect(await again.stop()).toBe(0);
  });

  it('tells what its actors do and where a connection goes', async () => {
    const cluster = await up(['--nodes', '2', '--port', '0']);
    const actors = JSON.parse((await run(['top', 'actors', '--json', '--kubeconfig', cluster.kubeconfig])).stdout) as {
      address: string;
      state: string;
    }[];
    expect(actors.map(({ address }) => address)).toEqual(
      expect.arrayContaining(['store', 'apiserver', 'scheduler', 'deployment-controller']),
    );
    const missing = await run(['route', 'nowhere', '--kubeconfig', cluster.kubeconfig]);
    expect(missing.code).toBe(1);
    expect(missing.stdout + missing.stderr).toMatch(/nowhere/);
    if (binary !== undefined) {
      const k = kubectl(binary, cluster.kubeconfig);
      await k.ok(['create', 'deployment', 'web', '--image=nginx', '--replicas=2', '--port=80']);
      await k.ok(['rollout', 'status', 'deployment/web', '--timeout=60s']);
      await k.ok(['expose', 'deployment', 'web', '--port=80']);
      const answer = await eventually(async () => {
        const { code, stdout } = await run(['route', 'web', '--json', '--kubeconfig', cluster.kubeconfig]);
        const parsed =
          code === 0 ? (JSON.parse(stdout) as { outcome: string; endpoint?: { pod?: string } }) : undefined;
        return parsed?.endpoint === undefined ? undefined : parsed;
      });
      expect(answer.outcome).toBe('endpoint');
      expect(answer.endpoint?.pod).toMatch(/^default\/web-/);
    }
    expect(await cluster.stop()).toBe(0);
  });
});
