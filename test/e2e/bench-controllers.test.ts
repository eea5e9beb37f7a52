/** The controllers' bench as a user starts it: it explains itself, refuses what it does not know, and measures every stage. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../support/up.ts';

const bench = join(import.meta.dirname, '../../dist/bench-controllers.js');

describe("the controllers' bench", () => {
  it('explains itself, and names what it does not know', async () => {
    const help = await run(['--help'], bench);
    expect([help.code, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toMatch(/DeploymentOf500[\s\S]*--runs[\s\S]*--json[\s\S]*Examples:/);
    const unknown = await run(['Juggle'], bench);
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('Juggle is not known; there are 600')]);
    const wrong = await run(['--runs', 'many'], bench);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('whole number')]);
  });

  it('gives time and processor time of every stage, for people and for programs', async () => {
    const words = ['NamespaceOf81PodsAnd100ConfigMaps', '--no-record'];
    const json = await run([...words, '--json'], bench);
    expect(json.code, json.stderr).toBe(0);
    expect(JSON.parse(json.stdout)).toMatchObject({
      workload: 'NamespaceOf81PodsAnd100ConfigMaps',
      stages: { gone: { ms: expect.any(Number), cpuMs: expect.any(Number), cpuMsPerObject: expect.any(Number) } },
    });
    const table = await run(words, bench);
    expect(table.stdout).toMatch(/^WORKLOAD +STAGE +MS .*\nNamespaceOf81PodsAnd100ConfigMaps +gone +\d/);
  });
});
