/** The API server's bench runs here too, small: every request is answered as it should be, and the store has what was written. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../support/up.ts';

const bench = join(import.meta.dirname, '../../dist/bench-api.js');

describe("the API server's bench", () => {
  it('gets the right answer to every request of every workload, each way', async () => {
    const { code, stdout, stderr } = await run(['--scale', '0.004', '--connections', '4', '--json'], bench);
    expect(code, stderr).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const names = lines.map(({ workload }) => String(workload));
    const workloads = ['WatchPods', 'CreatePods', 'GetPods', 'ListPods', 'ApplyDeployments', 'CreateDefinitions'];
    for (const transport of ['http1', 'https1', 'http2', 'bus']) {
      expect(names).toEqual(expect.arrayContaining(workloads.map((name) => `${name}/${transport}`)));
    }
    expect(names).toEqual(expect.arrayContaining(['ListPodsAsTable/http2', 'ListPodsAsProtobuf/http2']));
    for (const line of lines) {
      expect(line['requests']).toBeGreaterThan(0);
      expect(line).toMatchObject({ case: 'ApiServer', answered: line['requests'], perSecond: expect.any(Number) });
      expect(line['stored']).toBe(line['storedExpected']);
      expect(line['serverCpuMs']).toBeGreaterThan(0);
    }
  });

  it('names what it does not know and runs nothing', async () => {
    const one = await run(['Juggle'], bench);
    expect([one.code, one.stderr]).toEqual([2, expect.stringContaining('Juggle is not known; there are WatchPods')]);
    const other = await run(['--transports', 'http1,carrier-pigeon'], bench);
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('carrier-pigeon is not known')]);
    const none = await run(['--scale', 'much'], bench);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('a number above 0')]);
    const help = await run(['--help'], bench);
    expect([help.code, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toMatch(/--connections[\s\S]*Examples:/);
  });
});
