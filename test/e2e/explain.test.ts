/** `kubectl explain --recursive` of every resource: the OpenAPI documents hold together for a real reader. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectl, newestKubectl } from '../support/kubectl.ts';
import { type Up, up } from '../support/up.ts';

const binary = newestKubectl();
let cluster: Up;

beforeAll(async () => {
  cluster = await up(['--nodes', '0', '--components', 'apiserver']);
});
afterAll(() => cluster.stop());

// Skipped, by name in the report, where no kubectl is installed: these tests are about real ones.
describe.skipIf(binary === undefined)('kubectl explain', () => {
  it('prints every field of every resource', async () => {
    const client = kubectl(binary as string, cluster.kubeconfig);
    const names = (await client.ok(['api-resources', '--output', 'name'])).trim().split('\n');
    expect(names.length).toBeGreaterThan(60);
    for (const name of names) {
      const text = await client.ok(['explain', name.split('.')[0] as string, '--recursive']);
      expect(text, name).toMatch(/^(GROUP: +\S+\n)?KIND: +\w+\nVERSION: +v\d/);
      expect(text, name).toMatch(/\nFIELDS:\n {2}\w+\t</);
    }
  });
});
