/**
 * What every controller must stand: its scenario ends in the same state whatever happens on the way. A scenario is a list of
 * steps; after each the cluster settles. The state is all objects but Events and Leases, without what differs between runs
 * (uids, versions, times, addresses, generated names).
 */
import { enabledRows, isStatusError } from '../../../src/api/index.ts';
import { coreEvents, type KubernetesObject, type Resource } from '../../../src/client/index.ts';
import type { ControllerSettings } from '../../../src/controller/index.ts';
import { type Interceptor, seededRandom } from '../../../src/runtime/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

export interface Scenario {
  /** Other controllers that take part. */
  readonly besides?: readonly string[];
  readonly settings?: ControllerSettings;
  readonly steps: readonly ((cluster: TestCluster) => Promise<unknown>)[];
  /** Something of the end state that shows that the controller has worked. */
  readonly shows: RegExp;
  /** Something that the controller takes away: what `shows` says is there without it. */
  readonly takes?: RegExp;
  /** Reason of an Event, for a controller that writes nothing else. */
  readonly says?: string;
  /** What it does anew whenever it starts, as upstream does: by the verb and resource of the writes. Default: nothing. */
  readonly atStart?: readonly string[];
  /** Virtual time that passes after the last step; default 20 s, so that what backs off comes back. */
  readonly restMs?: number;
}

/** Faults of one run. */
export interface Faults {
  readonly seed?: number;
  /** The controller's actor is killed at its call of this number; 1 is the first after the scenario has begun. */
  readonly killAtCall?: number;
  /** Events of the API server come late, doubled and, across resources, in another order. */
  readonly disturbed?: boolean;
  /** The controllers ask for what they need alone, as they do when each has a thread. */
  readonly alone?: boolean;
}

export interface Outcome {
  readonly state: readonly string[];
  /** Calls of the controller to the API server, from the beginning of the scenario. */
  readonly calls: number;
  /** Reasons of all Events that there are, by the component that they name. */
  readonly events: ReadonlyMap<string, ReadonlySet<string>>;
  /** Writes to the API server in the time after the controller was started again at the end. Events are not counted. */
  readonly writesAgain: readonly string[];
}

/** What is served to be listed: of each kind the version that comes first. */
function listedBy(cluster: TestCluster): readonly Resource[] {
  const rows = enabledRows(cluster.settings.runtimeConfig).filter(
    ({ verbs, plural }) =>
      (verbs === undefined || verbs.includes('list')) && !/^(events|leases|componentstatuses)$/.test(plural),
  );
  const first = rows
    .toReversed()
    .map(({ group, version, plural, kind, namespaced, storagePrefix }): [string, Resource] => [
      storagePrefix,
      { group, version, resource: plural, kind, namespaced },
    ]);
  return [...new Map(first).values()];
}

async function allObjects(cluster: TestCluster): Promise<KubernetesObject[]> {
  const listed = listedBy(cluster);
  const lists = await Promise.all(listed.map((resource) => cluster.client.list(resource)));
  return lists.flatMap(({ items }, at) => items.map((item) => ({ ...item, kind: listed[at]?.kind })));
}

/** Objects as text without what differs from run to run, in an order that does not depend on names. */
export async function stateOf(cluster: TestCluster): Promise<string[]> {
  const objects = await allObjects(cluster);
  const generated = objects
    .filter(({ metadata }) => {
      // A pod of a StatefulSet has a prefix, too, but a name that was not made of it.
      const { name = '', generateName } = metadata ?? {};
      return generateName !== undefined && name.length === generateName.length + 5;
    })
    .map(({ metadata }): [string, string] => [metadata?.name ?? '', `${metadata?.generateName}*`])
    .sort(([left], [right]) => right.length - left.length);
  const plain = (text: string) =>
    generated
      .reduce(
        (rest, [name, prefix]) => rest.replaceAll(`"${name}"`, `"${prefix}"`).replaceAll(`/${name}"`, `/${prefix}"`),
        text,
      )
      .replace(/"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"/g, '"uid"')
      .replace(/csi-[0-9a-f]{64}/g, 'csi-hash')
      .replace(/loadbalancer\.[0-9a-f-]{36}/g, 'loadbalancer.uid')
      .replace(/"nodePort":\d+/g, '"nodePort":0')
      .replace(/pvc-[0-9a-f]{8}-[0-9a-f-]{27}/g, 'pvc-uid')
      .replace(/"resourceVersion":"\d+",?/g, '')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'time')
      .replace(/"(generation|observedGeneration)":\d+,?/g, '')
      .replace(/10\.(99|96)\.\d+\.\d+/g, 'ip')
      .replace(/10\.244\.\d+\.0/g, 'cidr')
      .replace(/("resourceClaimName":"[a-z-]+)-[a-z0-9]{5}"/g, '$1-*"')
      .replace(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-*')
      .replace(/ZXlK[A-Za-z0-9+/=]+/g, 'token')
      .replace(/"certificate":"[^"]+"/g, '"certificate":"pem"');
  return objects.map((object) => `${object.kind} ${plain(JSON.stringify(sorted(object)))}`).sort();
}

/** What is in one state and not in the other: lines that begin with `-` (only in the first) or `+` (only in the second). */
export function differences(first: readonly string[], second: readonly string[]): string[] {
  const left = [...second];
  const missing = first.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  return [...missing.map((line) => `- ${line}`), ...left.map((line) => `+ ${line}`)];
}

/** The same value with the members of its objects in the order of their names. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}

/** Writes that the API server has served, by verb and resource, those of Events and Leases left out. */
async function writesServed(cluster: TestCluster): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const line of (await cluster.system.metricsText()).split('\n')) {
    if (!line.startsWith('apiserver_request_total{')) continue;
    const label = (name: string) => new RegExp(`[{,]${name}="([^"]*)"`).exec(line)?.[1] ?? '';
    if (/^(GET|LIST|WATCH)$/.test(label('verb')) || /^(events|leases)$/.test(label('resource'))) continue;
    counts.set(
      `${label('verb')} ${label('resource')}/${label('subresource')} ${label('code')}`,
      Number(line.split(' ').pop()),
    );
  }
  return counts;
}

/** Delays and doubles what streams carry, each stream by itself: what one resource says may overtake what another says. */
export function disturbing(seed: number): Interceptor {
  const random = seededRandom(seed);
  return ({ from, kind }) => {
    if (from !== 'apiserver' || kind !== 'item') return 'deliver';
    const dice = random.next();
    if (dice < 0.25) return 'duplicate';
    return dice < 0.75 ? { delayMs: 1 + random.next() * 400, scope: 'stream' } : 'deliver';
  };
}

async function eventsOf(cluster: TestCluster): Promise<Map<string, Set<string>>> {
  const reasons = new Map<string, Set<string>>();
  for (const { source, reason = '' } of (await cluster.client.list(coreEvents)).items) {
    const component = source?.component ?? '';
    reasons.set(component, (reasons.get(component) ?? new Set()).add(reason));
  }
  return reasons;
}

/**
 * The end state of the scenario when the controller does not run: what the others and the client do alone. Steps that need what it
 * would have made fail; the state is that at the first of them.
 */
export async function playWithout({ besides = [], settings, steps, restMs = 20_000 }: Scenario): Promise<string[]> {
  const cluster = await startCluster(besides, settings);
  try {
    try {
      for (const step of steps) {
        await step(cluster);
        await cluster.system.settled();
      }
    } catch (error) {
      if (!isStatusError(error)) throw error;
    }
    await cluster.system.advance(restMs);
    await cluster.system.settled();
    return await stateOf(cluster);
  } finally {
    await cluster.stop();
  }
}

/** Plays the scenario once. */
export async function play(controller: string, scenario: Scenario, faults: Faults = {}): Promise<Outcome> {
  const { besides = [], settings, steps, restMs = 20_000 } = scenario;
  const { seed = 1, killAtCall, disturbed = false, alone = false } = faults;
  const cluster = await startCluster([...besides, controller], settings, { seed, alone });
  try {
    if (disturbed) cluster.system.intercept(disturbing(seed));
    let calls = 0;
    let killed: Promise<void> | undefined;
    cluster.system.tap(({ from, kind }) => {
      if (from !== controller || kind !== 'call') return;
      calls++;
      if (calls === killAtCall) killed = Promise.resolve().then(() => cluster.system.kill(controller));
    });
    for (const step of steps) {
      await step(cluster);
      await cluster.system.settled();
    }
    await killed;
    await cluster.system.advance(restMs);
    await cluster.system.settled();
    const state = await stateOf(cluster);
    const callsBefore = calls;
    const before = await writesServed(cluster);
    await cluster.system.kill(controller);
    await cluster.system.advance(1_000);
    await cluster.system.settled();
    const after = await writesServed(cluster);
    const writesAgain = [...after].filter(([write, count]) => count > (before.get(write) ?? 0)).map(([write]) => write);
    return { state, calls: callsBefore, events: await eventsOf(cluster), writesAgain };
  } finally {
    await cluster.stop();
  }
}
