/**
 * How fast nodes that do not answer may lose their pods. Nodes are counted by zone; when much of a zone is unwell at once,
 * the trouble is more likely between the zone and us than in its nodes, and evictions slow down or stop.
 *
 * Worked example: a zone of 10 nodes, 6 not ready, is in partial disruption; it is small, so nothing is evicted. With 100
 * nodes, 60 not ready, one node is evicted every 100 s. A zone with no ready node at all goes on at the normal rate, one
 * every 10 s, unless all zones are like that: then nothing is evicted anywhere. Who was waiting when a rate changes waits
 * a whole turn of the new rate.
 *
 * @see kubernetes/pkg/controller/nodelifecycle/node_lifecycle_controller.go and scheduler/rate_limited_queue.go
 */
import type { Node } from '../api/index.ts';
import type { Clock, Timer } from '../runtime/index.ts';

const normalPerSecond = 0.1;
const reducedPerSecond = 0.01;
const largeZone = 50;
const unhealthyShare = 0.55;

type ZoneState = 'Initial' | 'Normal' | 'PartialDisruption' | 'FullDisruption';

export interface ZoneCount {
  ready: number;
  notReady: number;
}

/** What a count changed for the whole cluster: no zone is left with a ready node, or one is again. */
export type DisruptionChange = 'entered' | 'left' | undefined;

interface Zone {
  perSecond: number;
  /** When the next may go; monotonic milliseconds. */
  nextMs: number;
  /** Nodes that wait for their turn, in order. */
  readonly queue: Set<string>;
  /** Those, and the ones that had it: each has one turn until it is taken out. */
  readonly known: Set<string>;
  timer: Timer | undefined;
}

export class DisruptionZones {
  readonly #clock: Clock;
  readonly #zones = new Map<string, Zone>();
  /** Of the zones that were counted last, and of those that were opened since. */
  readonly #states = new Map<string, ZoneState>();
  readonly #act: (node: string) => Promise<boolean>;
  #stopped = false;

  /** `act` is told of each node whose turn has come; a node for which it answers false has another. */
  constructor(clock: Clock, act: (node: string) => Promise<boolean>) {
    this.#clock = clock;
    this.#act = act;
  }

  /** A zone without a state begins anew, with nobody waiting and a turn to give. True for such a one. */
  open(name: string): boolean {
    if (this.#states.has(name)) return false;
    this.#states.set(name, 'Initial');
    this.#zones.get(name)?.timer?.cancel();
    this.#zones.delete(name);
    this.#zone(name);
    return true;
  }

  /** Asks for a turn for a node; one that had its turn gets another only after {@link remove}. */
  add(zoneName: string, node: string): void {
    const zone = this.#zone(zoneName);
    if (zone.known.has(node)) return;
    zone.known.add(node);
    zone.queue.add(node);
  }

  /** The node needs no turn any more, or a new one. */
  remove(zoneName: string, node: string): void {
    const zone = this.#zones.get(zoneName);
    if (zone?.known.delete(node) === true) zone.queue.delete(node);
  }

  /** Sets the rates by how many nodes each zone has; zones that are not among them are without a state. */
  settle(counts: ReadonlyMap<string, ZoneCount>): DisruptionChange {
    const states = new Map([...counts].map(([name, count]) => [name, stateOf(count)] as const));
    const areAll = [...states.values()].every((state) => state === 'FullDisruption');
    for (const name of this.#states.keys()) if (!states.has(name)) this.#states.delete(name);
    for (const name of states.keys()) if (!this.#states.has(name)) this.#states.set(name, 'Initial');
    const wereAll = [...this.#states.values()].every((state) => state === 'FullDisruption');
    if (areAll && wereAll) return undefined;
    for (const [name, state] of states) {
      if (areAll) this.#setRate(name, 0);
      else if (wereAll || this.#states.get(name) !== state) this.#setRate(name, rateOf(state, counts.get(name)!));
      this.#states.set(name, state);
    }
    if (areAll) return 'entered';
    return wereAll ? 'left' : undefined;
  }

  /** Lets those act whose turn has come, now and from now on. */
  drain(): void {
    for (const zone of this.#zones.values()) this.#drain(zone);
  }

  stop(): void {
    this.#stopped = true;
    for (const zone of this.#zones.values()) zone.timer?.cancel();
  }

  #zone(name: string): Zone {
    let zone = this.#zones.get(name);
    if (zone === undefined) {
      zone = { perSecond: normalPerSecond, nextMs: 0, queue: new Set(), known: new Set(), timer: undefined };
      this.#zones.set(name, zone);
    }
    return zone;
  }

  #setRate(name: string, perSecond: number): void {
    const zone = this.#zone(name);
    if (zone.perSecond === perSecond) return;
    const nowMs = this.#clock.monotonic();
    const waiting = zone.perSecond === 0 || nowMs < zone.nextMs;
    zone.perSecond = perSecond;
    if (waiting && perSecond > 0) zone.nextMs = nowMs + 1_000 / perSecond;
  }

  #drain(zone: Zone): void {
    zone.timer?.cancel();
    zone.timer = undefined;
    const [node] = zone.queue;
    if (this.#stopped || node === undefined || zone.perSecond === 0) return;
    const nowMs = this.#clock.monotonic();
    if (nowMs >= zone.nextMs) {
      zone.queue.delete(node);
      zone.nextMs = nowMs + 1_000 / zone.perSecond;
      void this.#act(node).then((done) => {
        if (done || !zone.known.has(node)) return;
        zone.queue.add(node);
        this.#drain(zone);
      });
    }
    if (zone.queue.size === 0) return;
    zone.timer = this.#clock.after(zone.nextMs - nowMs, () => this.#drain(zone), { background: true });
  }
}

function stateOf({ ready, notReady }: ZoneCount): ZoneState {
  if (ready === 0 && notReady > 0) return 'FullDisruption';
  return notReady > 2 && notReady / (notReady + ready) >= unhealthyShare ? 'PartialDisruption' : 'Normal';
}

function rateOf(state: ZoneState, { ready, notReady }: ZoneCount): number {
  if (state !== 'PartialDisruption') return normalPerSecond;
  return ready + notReady > largeZone ? reducedPerSecond : 0;
}

/** Nodes with this label say nothing of the state of their zone. */
export function isExcludedFromDisruption(node: Node): boolean {
  return node.metadata?.labels?.['node.kubernetes.io/exclude-disruption'] !== undefined;
}

/**
 * Region and zone of a node, as upstream tells zones apart and names them in metrics: labels of old count first, a NUL stands
 * between, and a node without either is in the zone without a name.
 *
 * @see k8s.io/component-helpers/node/topology/helpers.go
 */
export function zoneOf(node: Node): string {
  const labels = node.metadata?.labels ?? {};
  const zone = labels['failure-domain.beta.kubernetes.io/zone'] ?? labels['topology.kubernetes.io/zone'] ?? '';
  const region = labels['failure-domain.beta.kubernetes.io/region'] ?? labels['topology.kubernetes.io/region'] ?? '';
  return region === '' && zone === '' ? '' : `${region}:\u0000:${zone}`;
}
