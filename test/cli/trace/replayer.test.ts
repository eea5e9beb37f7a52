/** What is recorded on one cluster and replayed on another, in virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Deployment, Pod } from '../../../src/api/index.ts';
import { parseTrace, resourceNamed, type TraceEvent, traceLine } from '../../../src/cli/trace/format.ts';
import { Recorder, recordedByDefault } from '../../../src/cli/trace/recorder.ts';
import { type ReplayResult, replay } from '../../../src/cli/trace/replayer.ts';
import { deployments, nodes, pods } from '../../../src/client/resources.ts';
import { Cluster, type ClusterOptions } from '../../../src/cluster/index.ts';
import { seededRandom } from '../../../src/runtime/index.ts';

const clusters: Cluster[] = [];

async function cluster(options: ClusterOptions = {}): Promise<Cluster> {
  const started = await Cluster.start({ threads: 'inline', clock: 'virtual', https: false, nodes: 0, ...options });
  clusters.push(started);
  return started;
}

afterEach(async () => {
  for (const one of clusters.splice(0)) await one.stop();
});

async function recorder(from: Cluster, owned = false) {
  const lines: string[] = [];
  const fail = (message: string) => {
    throw new Error(message);
  };
  const recording = new Recorder({
    client: from.client,
    clock: from.clock,
    random: seededRandom(1, 'record'),
    log: { debug: () => undefined, info: () => undefined, warn: fail, error: fail },
    resources: recordedByDefault.map(resourceNamed),
    owned,
    write: (line) => lines.push(traceLine(line)),
  });
  await recording.start();
  return { recording, trace: () => parseTrace(lines.join('')) };
}

/** Replays in virtual time, which moves while somebody waits. */
async function replayOn(onto: Cluster, events: readonly TraceEvent[], speed = 1): Promise<ReplayResult> {
  let result: ReplayResult | undefined;
  const going = replay(events, { client: onto.client, clock: onto.clock, speed }).then((value) => {
    result = value;
  });
  while (result === undefined) await Promise.race([going, onto.settled()]);
  await onto.settled();
  return result;
}

const web = (replicas: number): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } },
  },
});

const lonely = (name: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { containers: [{ name: 'c', image: 'nginx' }] },
});

/** Two seconds after the beginning a Deployment, which grows two seconds later; a pod that comes and goes. */
async function work(on: Cluster): Promise<void> {
  const { client, clock } = on;
  const pause = async () => {
    const slept = clock.sleep(2000);
    await on.settled();
    await slept;
  };
  await pause();
  await client.create(deployments, web(2));
  await client.create(pods, lonely('short'));
  await pause();
  await client.patch(deployments, { namespace: 'default', name: 'web' }, 'merge', { spec: { replicas: 5 } });
  await pause();
  await client.delete(pods, { namespace: 'default', name: 'short' });
  await on.settled();
}

describe('a recording', () => {
  it('tells what users did and when, and does the same elsewhere', async () => {
    const first = await cluster({ nodes: 2 });
    await first.settled();
    const { recording, trace } = await recorder(first);
    await work(first);
    recording.stop();
    const { header, events } = trace();
    expect(header).toMatchObject({ kind: 'Trace', owned: false });
    const users = events.filter(({ initial }) => initial !== true);
    expect(users.map(({ verb, resource, name }) => `${verb} ${resource}/${name}`)).toEqual([
      'create deployments/web',
      'create pods/short',
      'patch deployments/web',
      'delete pods/short',
    ]);
    expect(users.map(({ atMs }) => Math.round(atMs / 1000))).toEqual([2, 2, 4, 6]);
    expect(users[2]?.patch).toEqual({ spec: { replicas: 5 } });
    expect(events.filter(({ resource }) => resource === 'nodes').map(({ name }) => name)).toEqual(['node-0', 'node-1']);
    expect(recording.counts).toMatchObject({ created: 2, patched: 1, deleted: 1 });

    const second = await cluster({ nodes: 2 });
    await second.settled();
    const result = await replayOn(second, events);
    expect(result).toMatchObject({ created: 2, patched: 1, deleted: 1, missing: 0, failed: 0, failures: [] });
    expect(Math.round(result.durationMs / 1000)).toBe(6);
    const { items } = await second.client.list(pods, { namespace: 'default' });
    expect(items.map(({ status }) => status?.phase)).toEqual(Array(5).fill('Running'));
  });

  it('of what controllers made too is replayed where there are none', async () => {
    const first = await cluster({ nodes: 1 });
    await first.settled();
    const { recording, trace } = await recorder(first, true);
    await first.client.create(deployments, web(3));
    await first.settled();
    recording.stop();
    const second = await cluster({ components: ['apiserver', 'scheduler'] });
    const result = await replayOn(second, trace().events);
    expect(result.failures).toEqual([]);
    const { items } = await second.client.list(pods, { namespace: 'default' });
    // Its nodes are objects alone, without the taint of a node that nobody has seen Ready.
    expect(items.map(({ spec }) => spec?.nodeName)).toEqual(Array(3).fill('node-0'));
  });
});

describe('a replay', () => {
  const create = (atMs: number, name: string): TraceEvent => ({
    atMs,
    verb: 'create',
    version: 'v1',
    resource: 'nodes',
    kind: 'Node',
    name,
    object: { apiVersion: 'v1', kind: 'Node', metadata: { name } } as never,
  });
  const about = { version: 'v1', resource: 'nodes', kind: 'Node' };

  it('is faster by its speed, and without end keeps only the order', async () => {
    const onto = await cluster({ components: ['apiserver'] });
    const events = [create(0, 'a'), create(60_000, 'b')];
    expect((await replayOn(onto, events, 10)).durationMs).toBe(6000);
    const again: TraceEvent[] = [
      { atMs: 0, verb: 'delete', name: 'a', ...about },
      { ...create(90_000, 'a') },
      { atMs: 99_000, verb: 'patch', name: 'a', patch: { metadata: { labels: { x: 'y' } } }, ...about },
    ];
    expect(await replayOn(onto, again, Number.POSITIVE_INFINITY)).toMatchObject({ durationMs: 0, failed: 0 });
    expect((await onto.client.get(nodes, { name: 'a' })).metadata?.labels).toMatchObject({ x: 'y' });
  });

  it('counts what is there already or gone, and tells failures', async () => {
    const onto = await cluster({ components: ['apiserver'] });
    const result = await replayOn(onto, [
      create(0, 'a'),
      create(1, 'a'),
      { atMs: 2, verb: 'delete', name: 'b', ...about },
      { atMs: 3, verb: 'patch', name: 'a', patch: { status: { capacity: { cpu: 'much' } } }, ...about },
    ]);
    expect(result).toMatchObject({ created: 1, existing: 1, missing: 1, failed: 1 });
    expect(result.failures[0]).toMatch(/^patch nodes a: .*quantities must match/);
  });
});
