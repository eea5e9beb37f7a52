/** What `npm start` shows, small. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { kubectl, newestKubectl } from '../support/kubectl.ts';
import { eventually, run } from '../support/up.ts';

it('brings up nodes, rolls a Deployment out, scales it both ways, and ends', async () => {
  const kubeconfig = join(mkdtempSync(join(tmpdir(), 'kubehive-demo-')), 'kubeconfig');
  const { code, stdout, stderr } = await run([
    'demo',
    '--nodes',
    '20',
    '--pods',
    '40',
    '--exit',
    '--kubeconfig',
    kubeconfig,
  ]);
  expect(stdout).toMatch(/control plane ready in [\d.]+ s: https:/);
  expect(stdout).toMatch(/20 nodes Ready in [\d.]+ s/);
  expect(stdout).toMatch(/Deployment demo\/web: 20 pods available in [\d.]+ s \(\d+ pods\/s\)/);
  expect(stdout).toMatch(/scaled from 20 to 40 in [\d.]+ s \(\d+ pods\/s\)/);
  expect(stdout).toMatch(/scaled from 40 to 20 in [\d.]+ s/);
  expect(stderr).toMatch(/█+ 40\/40/);
  expect(code).toBe(0);
});

it('stays up after npm start, with kubectl lines that work, until Ctrl-C, which is no failure', async () => {
  const kubeconfig = join(mkdtempSync(join(tmpdir(), 'kubehive-demo-')), 'kubeconfig');
  // A group of its own, as a terminal's job has: Ctrl-C reaches npm and what it started.
  const child = spawn('npm', ['start', '--', '--nodes', '10', '--pods', '10', '--kubeconfig', kubeconfig], {
    cwd: join(import.meta.dirname, '..', '..'),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += String(chunk)));
  const ended = once(child, 'exit');
  try {
    await eventually(async () => /Ctrl-C stops the cluster/.test(printed));
    const lines = [...printed.matchAll(/^ {2}kubectl (.*)$/gm)].map(([, line]) => line!.split(' '));
    expect(lines).toHaveLength(3);
    const binary = newestKubectl();
    if (binary === undefined) process.stderr.write('skipped: no kubectl is installed to try the lines with\n');
    else for (const line of lines) await kubectl(binary, kubeconfig).ok(line);
  } finally {
    process.kill(-child.pid!, 'SIGINT');
  }
  const [code] = await ended;
  expect(code, printed).toBe(0);
});
