/**
 * Odd objects that the API accepts are written to a whole cluster: none of its actors crashes over one,
 * none fails over one by a bug, and none stops working.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { builtinKinds, createKindRegistry } from '../../src/api/index.ts';
import { configMaps, deployments } from '../../src/client/index.ts';
import { Cluster } from '../../src/cluster/index.ts';
import { collectionOf, randomObject } from '../actors/apiserver/http/random-objects.ts';
import { runsFactor } from '../actors/apiserver/http/sender.ts';

let cluster: Cluster;
const crashes: string[] = [];

beforeAll(async () => {
  cluster = await Cluster.start({
    nodes: 2,
    threads: 'inline',
    https: false,
    http: {},
    log: ({ level, address, message, fields }) => {
      const text = JSON.stringify(fields, (_, value) => (value instanceof Error ? value.stack : value));
      if (level === 'error' || /(Type|Range|Reference|Syntax)Error/.test(text ?? ''))
        crashes.push(`${address}: ${message} ${text}`);
    },
    logLevel: 'warn',
  });
  cluster.actors.events$.subscribe((event) => {
    if (event.type === 'crashed' || event.type === 'gaveUp')
      crashes.push(
        `${event.type} ${event.address}: ${event.error instanceof Error ? event.error.stack : String(event.error)}`,
      );
  });
});

afterAll(() => cluster.stop());

/** What ends the cluster by rights: its own namespaces, nodes and rules, and what refuses all further writes. */
const spared = [
  'Namespace',
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'ValidatingAdmissionPolicyBinding',
  'MutatingAdmissionPolicyBinding',
];
const kinds = createKindRegistry(builtinKinds)
  .all()
  .filter(({ kind, verbs }) => (verbs === undefined || verbs.includes('patch')) && !spared.includes(kind));

const timeout = 180_000 * runsFactor;

test('no actor crashes over an object that was accepted', { timeout }, async () => {
  const base = cluster.endpoints.http as string;
  const call = async (method: string, path: string, body: unknown, type = 'application/json') => {
    const response = await fetch(base + path, {
      method,
      headers: { 'content-type': type },
      body: JSON.stringify(body),
    });
    return { ok: response.ok, text: await response.text() };
  };
  const written = fc
    .constantFrom(...kinds)
    .chain((kind) => fc.tuple(fc.constant(kind), randomObject(kind, 60), randomObject(kind, 60)));
  let accepted = 0;
  let number = 0;
  await fc.assert(
    fc.asyncProperty(written, async ([kind, object, next]) => {
      const where = collectionOf(kind);
      const name = `${(object['metadata'] as { name?: unknown }).name === 'one' ? 'x' : 'y'}-${number++}`;
      const named = { ...object, metadata: { ...(object['metadata'] as object), name } };
      const { ok } = await call('POST', where, named);
      if (ok) accepted++;
      const merge = 'application/merge-patch+json';
      if (ok && 'status' in object) await call('PATCH', `${where}/${name}/status`, { status: object['status'] }, merge);
      if (ok) await call('PATCH', `${where}/${name}`, { ...next, metadata: undefined }, merge);
      if (ok && number % 3 === 0) await call('DELETE', `${where}/${name}`, {});
      expect(crashes, JSON.stringify(named)).toEqual([]);
    }),
    { numRuns: 400 * runsFactor, endOnFailure: true },
  );
  expect(accepted).toBeGreaterThan(20);
  const { client } = cluster;
  await client.create(configMaps, { metadata: { namespace: 'default', name: 'after' } });
  await client.create(deployments, {
    metadata: { namespace: 'default', name: 'after' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'after' } },
      template: { metadata: { labels: { app: 'after' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } },
    },
  });
  await vi.waitFor(
    async () => {
      const { status } = await client.get(deployments, { namespace: 'default', name: 'after' });
      expect(status?.availableReplicas, JSON.stringify(status)).toBe(2);
    },
    { timeout: 60_000, interval: 100 },
  );
  expect(crashes).toEqual([]);
});
