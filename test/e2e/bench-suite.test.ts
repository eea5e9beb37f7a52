/** A run over folders of workloads as a user has it: it goes on after a failure, tells how far it is, and is taken up again. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../support/up.ts';

const pod =
  'apiVersion: v1\nkind: Pod\nmetadata: { generateName: pod- }\nspec: { containers: [{ name: c, image: pause }] }\n';

const configuration = (name: string, template: string, pods: number) => `
- name: ${name}
  workloadTemplate:
    - { opcode: createNodes, count: 3 }
    - { opcode: createPods, countParam: $pods, podTemplatePath: ${template}, collectMetrics: true }
  workloads: [{ name: pods, threshold: 1, params: { pods: ${pods} } }]
`;

/** Two folders of workloads: the smaller one's template is not there yet. */
function folders(): string {
  const root = mkdtempSync(join(tmpdir(), 'kubehive-suite-'));
  mkdirSync(join(root, 'large/deep'), { recursive: true });
  mkdirSync(join(root, 'small'));
  writeFileSync(join(root, 'large/deep/performance-config.yaml'), configuration('Large', 'pod.yaml', 40));
  writeFileSync(join(root, 'large/deep/pod.yaml'), pod);
  writeFileSync(join(root, 'small/performance-config.yaml'), configuration('Small', 'pod.yaml', 20));
  return root;
}

describe('kubehive bench over folders', () => {
  it('goes on after a failure, and with --resume does only what is left', async () => {
    const root = folders();
    const out = join(root, 'out');
    const page = join(root, 'page.md');
    const words = ['bench', join(root, 'large'), join(root, 'small'), '--smallest-first', '--isolate', '--out', out];
    const first = await run([...words, '--markdown', page, '--threads', 'inline']);
    expect(first.code, first.stderr).toBe(1);
    expect(first.stderr).toMatch(/^1\/2 Small\/pods: failed after [\d.]+ s; 1 failed so far$/m);
    expect(first.stderr).toMatch(
      /^2\/2 Large\/pods: \d+ pods\/s, [\d.]+ CPU ms\/pod, \d+ MiB, [\d.]+ s; 1 failed so far$/m,
    );
    expect(first.stderr).toContain('1 run, 1 failed, 0 skipped');
    expect(readFileSync(page, 'utf8')).toMatch(
      /## small[\s\S]*failed[\s\S]*pod\.yaml[\s\S]*## deep[\s\S]*\| passed \|/,
    );
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('Small/pods failed');

    writeFileSync(join(root, 'small/pod.yaml'), pod);
    const again = await run([...words, '--markdown', page, '--threads', 'inline', '--resume', '--json']);
    expect(again.code, again.stderr).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ case: 'Small', podsBound: 20, podsVerified: 20 });
    expect(again.stderr).not.toContain('Large/pods:');
    expect(again.stderr).toContain('2 run, 0 failed, 0 skipped');
    expect(readFileSync(page, 'utf8')).toContain('2 workloads: 2 passed, 0 failed, 0 skipped.');
    const lines = readFileSync(join(out, 'results.ndjson'), 'utf8').trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { case: string }).case)).toEqual(['Small', 'Large']);
  });

  it('stops a workload that takes too long, and takes the next', async () => {
    const root = mkdtempSync(join(tmpdir(), 'kubehive-suite-'));
    const file = join(root, 'performance-config.yaml');
    const asleep = (name: string) =>
      `- { name: ${name}, workloadTemplate: [{ opcode: sleep, duration: 1h }], workloads: [{ name: long }] }\n`;
    writeFileSync(file, `${asleep('One')}${asleep('Two')}`);
    const { code, stderr } = await run(['bench', file, '--timeout', '2s']);
    expect(code).toBe(1);
    expect(stderr).toContain('FAILED One/long: not done after 2 s');
    expect(stderr).toContain('FAILED Two/long: not done after 2 s');
    expect(stderr).toContain('0 run, 2 failed, 0 skipped');
  });

  it('says what it cannot do', async () => {
    const root = folders();
    const nothing = await run(['bench', join(root, 'small'), join(root, 'nowhere')]);
    expect([nothing.code, nothing.stderr]).toEqual([2, expect.stringContaining('nowhere')]);
    const empty = mkdtempSync(join(tmpdir(), 'kubehive-suite-'));
    const none = await run(['bench', empty]);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('there is no performance-config.yaml')]);
    const resume = await run(['bench', join(root, 'small'), '--resume']);
    expect([resume.code, resume.stderr]).toEqual([2, expect.stringContaining('--out')]);
  });
});
