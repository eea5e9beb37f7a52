/** What `npm start` shows, small. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../support/up.ts';

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
