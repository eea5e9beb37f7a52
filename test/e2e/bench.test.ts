/** Every benchmark of the project's own set runs here too, small: each does the work that it claims, and finds it in the store. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { run } from '../support/up.ts';

const own = join(import.meta.dirname, '../../bench/workloads/performance-config.yaml');

interface Case {
  name: string;
  workloads: { name: string; params: Record<string, number> }[];
}

const few: Record<string, number> = {
  nodes: 8,
  taintedNodes: 4,
  initPods: 2,
  measurePods: 6,
  namespaces: 1,
  gatedPods: 3,
  added: 2,
};
/** Four pods fill a node, so that every preemptor finds victims. */
const fewThatPreempt: Record<string, number> = { nodes: 4, initPods: 16, preemptors: 2, measurePods: 4 };

/** Ten make a gang. */
const aGang: Record<string, number> = { nodes: 8, gangs: 1, measurePods: 10 };

const numbersOf = (name: string): Record<string, number> =>
  name.startsWith('Preemption') ? fewThatPreempt : name === 'Gangs' ? aGang : few;

const measured = (name: string): number => numbersOf(name)['measurePods']!;

/** The own set with one small workload a case. Paths become absolute, since the file lies elsewhere. */
function smallSet(): string {
  const text = readFileSync(own, 'utf8').replace(/templates\/[\w-]+\.yaml/g, (path) => resolve(dirname(own), path));
  const cases = (parse(text) as Case[]).map((one) => {
    const numbers = numbersOf(one.name);
    const names = Object.keys(one.workloads[0]!.params);
    expect(Object.keys(numbers), one.name).toEqual(expect.arrayContaining(names));
    return {
      ...one,
      workloads: [{ name: 'small', params: Object.fromEntries(names.map((name) => [name, numbers[name]])) }],
    };
  });
  const path = join(mkdtempSync(join(tmpdir(), 'kubehive-bench-')), 'small.yaml');
  writeFileSync(path, stringify(cases));
  return path;
}

describe('the bench suite', () => {
  it('runs every case, verifies every pod, and reports in every form', async () => {
    const file = smallSet();
    const out = join(dirname(file), 'report');
    const { code, stdout, stderr } = await run(['bench', file, '--json', '--threads', 'inline', '--out', out]);
    const cases = (parse(readFileSync(file, 'utf8')) as Case[]).length;
    expect(cases).toBeGreaterThan(25);
    expect(stderr).toContain(`${cases} run, 0 failed, 0 skipped`);
    expect(code).toBe(0);
    const summaries = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const summary of summaries) {
      const pods = measured(String(summary['case']));
      expect(summary).toMatchObject({ workload: 'small', podsBound: pods, podsVerified: pods });
      expect(summary['podsPerSecond']).toMatchObject({
        average: expect.any(Number),
        p99: expect.any(Number),
        total: expect.any(Number),
      });
      expect(summary['cpuMsPerPod']).toBeGreaterThan(0);
      expect(summary['peakRssBytes']).toBeGreaterThan(0);
    }
    const written = readdirSync(out).find((name) => name.startsWith('BenchmarkPerfScheduling_benchmark_')) ?? '';
    const items = JSON.parse(readFileSync(join(out, written), 'utf8')) as {
      version: string;
      dataItems: { unit: string }[];
    };
    expect(items.version).toBe('v1');
    expect(items.dataItems.filter(({ unit }) => unit === 'pods/s')).toHaveLength(cases);
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('<svg');
    expect(readFileSync(join(out, 'results.ndjson'), 'utf8')).toBe(stdout);
  });

  it('names what it cannot run and skips it aloud', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'kubehive-bench-')), 'unknown.yaml');
    writeFileSync(
      path,
      stringify([{ name: 'Odd', workloadTemplate: [{ opcode: 'juggle' }], workloads: [{ name: 'a' }] }]),
    );
    const { code, stderr } = await run(['bench', path]);
    expect(stderr).toMatch(/SKIPPED Odd\/a: opcode juggle is not supported/);
    expect(code).toBe(0);
  });
});
