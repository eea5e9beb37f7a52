/** Plugins and extenders from users, in a whole cluster. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import type { Pod } from '../../../src/api/index.ts';
import { nodes, pods } from '../../../src/client/index.ts';
import { Cluster } from '../../../src/cluster/index.ts';
import { makeNode, makeScheduler } from '../../support/scheduling.ts';

const example = fileURLToPath(new URL('../../../docs/examples/prefer-named-nodes.mjs', import.meta.url));
let cluster: Cluster | undefined;
let server: Server | undefined;

afterEach(async () => {
  await cluster?.stop();
  server?.close();
  cluster = undefined;
  server = undefined;
});

async function start(schedulerConfiguration: Record<string, unknown> | Record<string, unknown>[]): Promise<Cluster> {
  cluster = await Cluster.start({
    nodes: 0,
    components: ['apiserver', 'scheduler'],
    threads: 'inline',
    https: false,
    disabledAdmissionPlugins: ['ServiceAccount', 'TaintNodesByCondition'],
    schedulerConfiguration,
  });
  for (const name of ['n1', 'n2', 'n3']) await cluster.client.create(nodes, makeNode(name));
  return cluster;
}

const podNamed = (name: string, annotations: Record<string, string> = {}, more: Partial<Pod['spec']> = {}): Pod => ({
  metadata: { name, namespace: 'default', annotations },
  spec: { containers: [{ name: 'c', image: 'i' }], ...more },
});

/** The pod once the condition holds. */
async function until(name: string, holds: (pod: Pod) => boolean): Promise<Pod> {
  for (let attempt = 0; attempt < 2400; attempt++) {
    const pod = await cluster!.client.get(pods, { namespace: 'default', name });
    if (holds(pod)) return pod;
    await cluster!.clock.sleep(25);
  }
  throw new Error(`pod ${name} did not get there`);
}

const nodeOf = async (name: string) => (await until(name, ({ spec }) => Boolean(spec?.nodeName))).spec?.nodeName;
const messageOf = async (name: string) => {
  const isRefused = ({ status }: Pod) => status?.conditions?.some(({ status: given }) => given === 'False') ?? false;
  const pod = await until(name, isRefused);
  return pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message;
};

const withExample = {
  pluginModules: [example],
  profiles: [{ plugins: { multiPoint: { enabled: [{ name: 'PreferNamedNodes', weight: 50 }] } } }],
};

test('the documented plugin filters and scores', async () => {
  const { client } = await start(withExample);
  await client.create(pods, podNamed('near', { 'example.com/prefer': 'n2' }));
  await client.create(pods, podNamed('far', { 'example.com/avoid': 'n1,n2' }));
  await client.create(pods, podNamed('nowhere', { 'example.com/avoid': 'n1,n2,n3' }));
  expect(await nodeOf('near')).toBe('n2');
  expect(await nodeOf('far')).toBe('n3');
  expect(await messageOf('nowhere')).toBe(
    '0/3 nodes are available: 3 node(s) are avoided by the pod. no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
  );
});

test('the documented plugin answers alike for one node and for all', async () => {
  const { plugins } = await import('../../../actors/scheduler/index.ts');
  const { loadPlugins } = await import('../../../actors/scheduler/plugin-modules.ts');
  const binder = { name: 'DefaultBinder', create: () => ({ name: 'DefaultBinder', bind: () => undefined }) };
  const known = [...plugins.filter(({ name }) => name !== binder.name), binder, ...(await loadPlugins([example]))];
  const placedBy = (plain: boolean) => {
    const { addNodes, addPods, run, scheduler, messageOf } = makeScheduler({
      plain,
      plugins: known,
      configuration: { profiles: withExample.profiles },
    });
    addNodes(...['n1', 'n2', 'n3', 'n4'].map((name) => makeNode(name)));
    for (let i = 0; i < 24; i++) {
      const annotations = {
        'example.com/prefer': `n${(i % 4) + 1}`,
        'example.com/avoid': i % 6 === 5 ? 'n1,n2,n3,n4' : `n${((i + 1) % 4) + 1}`,
      };
      const { metadata, spec } = podNamed(`p${i}`, annotations);
      addPods({ metadata: { ...metadata, uid: `u${i}` }, spec: spec! });
    }
    const placed = [...run()];
    scheduler.stop();
    return [placed, messageOf('p5')];
  };
  expect(placedBy(false)).toEqual(placedBy(true));
  expect(placedBy(false)[1]).toContain('4 node(s) are avoided by the pod');
});

test('a module without a plugin is refused by name', async () => {
  const { loadPlugins } = await import('../../../actors/scheduler/plugin-modules.ts');
  await expect(loadPlugins(['./nowhere.mjs'])).rejects.toThrow(/pluginModules\[0\].*cannot be loaded/);
  await expect(loadPlugins([fileURLToPath(import.meta.resolve('yaml'))])).rejects.toThrow(/must export `plugin`/);
});

test.each([
  [
    'throws',
    () => {
      throw new Error('broken');
    },
    'running "Odd" filter plugin: broken',
  ],
  [
    'answers nonsense',
    () => 'no' as never,
    'running "Odd" filter plugin: the plugin answered "no", which is no verdict',
  ],
])('a plugin that %s fails the attempt and not the scheduler', async (_what, filter, message) => {
  const { plugins } = await import('../../../actors/scheduler/index.ts');
  const failures: string[] = [];
  const { scheduler, addNodes, addPods } = makeScheduler({
    configuration: { profiles: [{ plugins: { filter: { enabled: [{ name: 'Odd' }] } } }] },
    plugins: [...plugins, { name: 'Odd', create: () => ({ name: 'Odd', filter }) }],
    onWarn: (_text, fields) => failures.push(String(fields?.['error'])),
  });
  addNodes(makeNode('n'));
  addPods({ ...podNamed('p'), metadata: { name: 'p', namespace: 'default', uid: 'u' } });
  expect(scheduler.attemptNext()).toBe(true);
  expect(scheduler.queue.sizes().backoff).toBe(1);
  expect(failures).toEqual([message]);
  scheduler.stop();
});

/** An extender that keeps what `keep` says, likes `liked`, and remembers what it was asked. */
async function extender(options: { keep: (name: string) => boolean; liked?: string }) {
  const asked: { path: string; body: Record<string, unknown> }[] = [];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (part) => {
      text += part;
    });
    request.on('end', () => {
      const body = JSON.parse(text) as { NodeNames: string[] };
      asked.push({ path: request.url ?? '', body });
      if (request.url === '/x/filter') {
        const failed = body.NodeNames.filter((name) => !options.keep(name));
        const failedNodes = Object.fromEntries(failed.map((name) => [name, 'the extender says no']));
        response.end(JSON.stringify({ nodenames: body.NodeNames.filter(options.keep), failedNodes }));
      } else
        response.end(JSON.stringify(body.NodeNames.map((host) => ({ host, score: host === options.liked ? 10 : 0 }))));
    });
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const urlPrefix = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`;
  return { asked, configuration: { urlPrefix, filterVerb: 'filter', nodeCacheCapable: true } };
}

test('an extender filters, scores and is told of the pod', async () => {
  const { asked, configuration } = await extender({ keep: (name) => name !== 'n1', liked: 'n3' });
  const { client } = await start({ extenders: [{ ...configuration, prioritizeVerb: 'rank', weight: 100 }] });
  await client.create(pods, podNamed('p'));
  expect(await nodeOf('p')).toBe('n3');
  expect(asked.map(({ path }) => path)).toEqual(['/x/filter', '/x/rank']);
  expect(asked[0]?.body).toMatchObject({ Pod: { metadata: { name: 'p' } }, Nodes: null });
});

test('what an extender refuses is in the message', async () => {
  const { configuration } = await extender({ keep: () => false });
  const { client } = await start({ extenders: [configuration] });
  await client.create(pods, podNamed('p', {}, { nodeSelector: { nowhere: 'x' } }));
  await client.create(pods, podNamed('q'));
  expect(await messageOf('q')).toBe(
    '0/3 nodes are available: 3 the extender says no. no new claims to deallocate, preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.',
  );
});

test('an extender that does not answer fails the attempt, unless it may be ignored', async () => {
  const dead = { urlPrefix: 'http://127.0.0.1:1/x', filterVerb: 'filter' };
  const managed = { ...dead, managedResources: [{ name: 'example.com/gpu' }] };
  const { client } = await start({ extenders: [{ ...dead, ignorable: true }, managed] });
  await client.create(pods, podNamed('p'));
  expect(await nodeOf('p')).toMatch(/^n/);
});

test('two schedulers, each with pods of its own', async () => {
  const { client } = await start([{}, { profiles: [{ schedulerName: 'second' }] }]);
  await client.create(pods, podNamed('first'));
  await client.create(pods, podNamed('other', {}, { schedulerName: 'second' }));
  await client.create(pods, podNamed('nobody', {}, { schedulerName: 'third' }));
  expect(await nodeOf('first')).toMatch(/^n/);
  expect(await nodeOf('other')).toMatch(/^n/);
  expect((await client.get(pods, { namespace: 'default', name: 'nobody' })).spec?.nodeName).toBeUndefined();
});

test('of two schedulers that elect a leader one works', async () => {
  const elected = { leaderElection: { leaderElect: true } };
  const { client } = await start([elected, elected]);
  await client.create(pods, podNamed('p'));
  expect(await nodeOf('p')).toMatch(/^n/);
});
