/** A workload scheduled by a program outside that speaks nothing but the API over HTTP. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readWorkloads } from '../../bench/config.ts';
import { runWorkload } from '../../bench/runner.ts';

const file = join(mkdtempSync(join(tmpdir(), 'kubehive-bench-')), 'performance-config.yaml');
writeFileSync(
  file,
  `
- name: External
  workloadTemplate:
    - { opcode: createNodes, count: 3 }
    - { opcode: createPods, count: 20, collectMetrics: true }
  workloads: [{ name: small }]
`,
);

interface Listed {
  items: { metadata: { name: string; namespace: string }; spec: { nodeName?: string } }[];
}

/** Binds every pod without a node to the nodes in turn, until stopped. */
async function roundRobin(server: string, stopped: () => boolean): Promise<void> {
  const get = async (path: string) => (await (await fetch(`${server}${path}`)).json()) as Listed;
  for (let turn = 0; !stopped(); ) {
    const nodes = (await get('/api/v1/nodes')).items;
    const pending = (await get('/api/v1/pods?fieldSelector=spec.nodeName%3D')).items;
    for (const { metadata } of nodes.length === 0 ? [] : pending) {
      const node = nodes[turn++ % nodes.length]!.metadata.name;
      await fetch(`${server}/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}/binding`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ apiVersion: 'v1', kind: 'Binding', metadata, target: { kind: 'Node', name: node } }),
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('the bench measures a scheduler that it did not start', async () => {
  let stopped = false;
  let working: Promise<void> | undefined;
  const [workload] = readWorkloads(file);
  const result = await runWorkload(workload!, () => undefined, {
    threads: 'inline',
    external: ({ http }) => {
      working = roundRobin(http, () => stopped).catch((error: unknown) => {
        // The bench has stopped its server: until then every error counts.
        if (!(error instanceof TypeError && error.message === 'fetch failed')) throw error;
      });
    },
  });
  stopped = true;
  await working;
  expect(result.podsBound).toBe(20);
  expect(result.podsVerified).toBe(20);
  expect(result.quality).toMatchObject({ nodesUsed: 3, hostSkew: 1 });
}, 60_000);
