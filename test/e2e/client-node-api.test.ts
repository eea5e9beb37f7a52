/**
 * The JavaScript client library against a server with every version switched on: each list call of each typed client, the generic
 * client with every kind of write, server-side apply, metrics, health, and files copied in and out of containers.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import * as library from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Up, up } from '../support/up.ts';

const {
  CoreV1Api,
  Cp,
  Exec,
  Health,
  KubeConfig,
  KubernetesObjectApi,
  Metrics,
  PatchStrategy,
  ResourceV1Api,
  ResourceV1beta1Api,
  topNodes,
} = library;
const namespace = 'default';

let cluster: Up;
const config = new KubeConfig();

beforeAll(async () => {
  cluster = await up(['--nodes', '1', '--resource-metrics', '--runtime-config', 'api/all=true']);
  config.loadFromFile(cluster.kubeconfig);
});
afterAll(async () => {
  expect(await cluster.stop(), cluster.output()).toBe(0);
});

type Call = (
  request: object,
) => Promise<{ kind?: string; apiVersion?: string; items?: unknown[]; groupVersion?: string }>;
type Api = new () => library.ApiType;

/** The classes of the library by name, `CoreV1Api` to `StoragemigrationV1beta1Api`. */
const clients = Object.entries(library).filter(([name]) => /V\d+((alpha|beta)\d+)?Api$/.test(name)) as unknown as [
  string,
  Api,
][];
const methodsOf = (client: library.ApiType): string[] =>
  Object.getOwnPropertyNames(Object.getPrototypeOf(client)).filter((name) => !name.endsWith('WithHttpInfo'));

describe('typed clients', () => {
  it('are there for every version that is served', async () => {
    expect(clients.length).toBeGreaterThanOrEqual(35);
    const { groups } = await config.makeApiClient(library.ApisApi).getAPIVersions();
    const served = groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => groupVersion));
    const known = await Promise.all(
      clients.map(async ([, type]) => {
        const client = config.makeApiClient(type) as unknown as { getAPIResources?: Call };
        return (await client.getAPIResources?.({}))?.groupVersion;
      }),
    );
    // The library has no client of metrics.k8s.io; it reads them by other means.
    expect([...known].sort()).toEqual(['v1', ...served].filter((name) => !name.startsWith('metrics.')).sort());
  });

  it.each(clients)('%s lists everything', async (_name, type) => {
    const client = config.makeApiClient(type) as unknown as library.ApiType & Record<string, Call>;
    for (const method of methodsOf(client).filter((name) => name.startsWith('list'))) {
      const list = await client[method]?.({ namespace });
      expect(Array.isArray(list?.items), `${method}: ${JSON.stringify(list)}`).toBe(true);
      expect(list?.kind, method).toMatch(/List$/);
    }
  });

  it('read in one version what was written in another', async () => {
    const name = 'typed';
    await config.makeApiClient(ResourceV1beta1Api).createNamespacedResourceClaim({
      namespace,
      body: { metadata: { name }, spec: { devices: { requests: [{ name: 'a', deviceClassName: 'gpu' }] } } },
    });
    const claim = await config.makeApiClient(ResourceV1Api).readNamespacedResourceClaim({ namespace, name });
    expect(claim.spec.devices?.requests?.[0]?.exactly?.deviceClassName).toBe('gpu');
  });
});

describe('the generic client', () => {
  const objects = () => KubernetesObjectApi.makeApiClient(config);
  const header = (data: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'generic', namespace },
    data,
  });

  it('creates, reads, lists, replaces, patches in each way, applies and deletes', async () => {
    const client = objects();
    const created = await client.create(header({ a: '1' }));
    expect(created.metadata).toHaveProperty('uid');
    expect(await client.read(header({}))).toMatchObject({ data: { a: '1' } });
    const list = await client.list(
      'v1',
      'ConfigMap',
      namespace,
      undefined,
      undefined,
      undefined,
      'metadata.name=generic',
    );
    expect(list.items).toHaveLength(1);
    expect(await client.replace({ ...created, data: { a: '2' } })).toMatchObject({ data: { a: '2' } });
    const patch = (data: object, strategy: string, manager?: string) =>
      client.patch({ ...header({}), data } as never, undefined, undefined, manager, undefined, strategy as never);
    expect(await patch({ b: '3' }, PatchStrategy.MergePatch)).toMatchObject({ data: { a: '2', b: '3' } });
    expect(await patch({ c: '4' }, PatchStrategy.StrategicMergePatch)).toMatchObject({ data: { b: '3', c: '4' } });
    expect(await patch({ d: '5' }, PatchStrategy.ServerSideApply, 'me')).toMatchObject({ data: { c: '4', d: '5' } });
    // What its manager applies no more goes; what others wrote stays.
    const applied = (await patch({ e: '6' }, PatchStrategy.ServerSideApply, 'me')) as unknown as { data: object };
    expect(applied.data).toEqual({ a: '2', b: '3', c: '4', e: '6' });
    await client.delete(header({}));
    await expect(client.read(header({}))).rejects.toMatchObject({ code: 404 });
  });

  it('writes kinds of alpha versions, and of definitions', async () => {
    const group = {
      apiVersion: 'scheduling.k8s.io/v1alpha2',
      kind: 'PodGroup',
      metadata: { name: 'gang', namespace },
      spec: { schedulingPolicy: { gang: { minCount: 2 } } },
    };
    expect(await objects().create(group)).toMatchObject({ spec: { disruptionMode: 'Pod' } });
    await objects().create({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.example.com' },
      spec: {
        group: 'example.com',
        names: { kind: 'Widget', plural: 'widgets' },
        scope: 'Namespaced',
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } },
              },
            },
          },
        ],
      },
    } as never);
    const widget = {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'w', namespace },
      spec: { size: 3 },
    };
    // A client learns of new kinds once: until they are established it is made anew.
    await eventually(async () => {
      const made = await objects()
        .create(widget)
        .catch(() => undefined);
      return made !== undefined;
    });
    expect(await objects().read(widget)).toMatchObject({ spec: { size: 3 } });
  });
});

/** What a command in the pod `web` prints. */
async function outputOf(command: string[]): Promise<string> {
  let text = '';
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  await new Promise<void>((resolve, reject) => {
    new Exec(config).exec(namespace, 'web', 'main', command, output, null, null, false, () => resolve()).catch(reject);
  });
  return text;
}

describe('what else the library does', () => {
  it('reads metrics and health', async () => {
    const core = config.makeApiClient(CoreV1Api);
    await core.createNamespacedPod({
      namespace,
      body: { metadata: { name: 'web' }, spec: { containers: [{ name: 'main', image: 'nginx' }] } },
    });
    const metrics = new Metrics(config);
    await eventually(async () =>
      (await metrics.getPodMetrics(namespace)).items.some(({ metadata }) => metadata.name === 'web'),
    );
    const { items } = await metrics.getNodeMetrics();
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['node-0']);
    const [status] = await topNodes(core);
    expect(Number(status?.CPU.Capacity)).toBeGreaterThan(0);
    expect(await new Health(config).readyz({})).toBe(true);
    expect(await new Health(config).livez({})).toBe(true);
  });

  it('copies files into a container and out of it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kubehive-cp-'));
    const [source, target] = [join(folder, 'source'), join(folder, 'target')];
    for (const path of [source, target]) mkdirSync(path);
    writeFileSync(join(source, 'note.txt'), 'carried\n');
    const cp = new Cp(config);
    await cp.cpToPod(namespace, 'web', 'main', source, '/tmp');
    // The library does not wait until a copy is done: what is there tells.
    await eventually(async () => (await outputOf(['cat', '/tmp/note.txt'])) === 'carried\n');
    await cp.cpFromPod(namespace, 'web', 'main', 'note.txt', target, '/tmp');
    const copy = join(target, 'note.txt');
    await eventually(async () => existsSync(copy) && readFileSync(copy, 'utf8') === 'carried\n');
  });
});
