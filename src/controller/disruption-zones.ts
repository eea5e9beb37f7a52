/**
 * How fast nodes that do not answer may lose their pods. Nodes are counted by zone; when much of a zone is unwell at once,
 * the trouble is more likely between the zone and us than in its nodes, and evictions slow down or stop.
 *
 * Worked example: a zone of 10 nodes, 6 not ready, is in partial disruption; it is small, so nothing is evicted. With 100
 * nodes, 60 not ready, one node is evicted every 100 s. A zone with no ready node at all goes on at the normal rate, one
 * every 10 s, unless all zones are like that: then nothing is evicted anywhere.
 *
 * @see kubernetes/pkg/controller/nodelifecycle/node_lifecycle_controller.go
 */
import type { Node } from '../api/index.ts';
import type { Clock, Timer } from '../runtime/index.ts';

const normalPerSecond = 0.1;
const reducedPerSecond = 0.01;
const largeZone = 50;
const unhealthyShare = 0.55;

interface Zone {
  ready: number;
  notReady: number;
  /** Nodes that wait for their turn, in order. */
  readonly queue: Set<string>;
  /** When the next may go; monotonic milliseconds. */
  nextMs: number;
  timer: Timer | undefined;
}

/** Nodes with this label say nothing of the state of their zone. */
const excludeLabel = 'node.kubernetes.io/exclude-disruption';

interface Member {
  readonly zone: string;
  readonly ready: boolean;
  readonly counts: boolean;
}

export class DisruptionZones {
  readonly #clock: Clock;
  readonly #zones = new Map<string, Zone>();
  readonly #members = new Map<string, Member>();
  readonly #allow: (node: string) => void;
  readonly #switch: (allDisrupted: boolean) => void;
  #wasDisrupted = false;

  /** `allow` is told of each node whose turn has come, `onSwitch` when all zones come to be without a ready node, or no longer are. */
  constructor(
    clock: Clock,
    allow: (node: string) => void,
    onSwitch: (allDisrupted: boolean) => void = () => undefined,
  ) {
    this.#clock = clock;
    this.#allow = allow;
    this.#switch = onSwitch;
  }

  /** Counts the node under its zone and readiness. */
  set(node: Node, ready: boolean): void {
    const name = node.metadata?.name ?? '';
    const zone = zoneOf(node);
    const counts = node.metadata?.labels?.[excludeLabel] === undefined;
    const before = this.#members.get(name);
    if (before?.zone === zone && before.ready === ready && before.counts === counts) return;
    this.#forget(name, ready);
    this.#members.set(name, { zone, ready, counts });
    this.#count(zone, ready, counts ? 1 : 0);
    this.#settle();
  }

  remove(name: string): void {
    this.#forget(name, true);
    this.#settle();
  }

  /** `leave` also takes it from the queue. */
  #forget(name: string, leave: boolean): void {
    const member = this.#members.get(name);
    if (member === undefined) return;
    this.#members.delete(name);
    this.#count(member.zone, member.ready, member.counts ? -1 : 0);
    if (leave) this.#zone(member.zone).queue.delete(name);
  }

  #count(name: string, ready: boolean, difference: number): void {
    const zone = this.#zone(name);
    if (ready) zone.ready += difference;
    else zone.notReady += difference;
  }

  #settle(): void {
    const disrupted = this.allDisrupted;
    if (disrupted !== this.#wasDisrupted) {
      this.#wasDisrupted = disrupted;
      this.#switch(disrupted);
    }
    this.#drainAll();
  }

  /** Asks for a turn for a node that is counted. */
  request(name: string): void {
    const member = this.#members.get(name);
    if (member === undefined) return;
    this.#zone(member.zone).queue.add(name);
    this.#drain(this.#zone(member.zone));
  }

  /** The node needs no turn any more. */
  cancel(name: string): void {
    const member = this.#members.get(name);
    if (member !== undefined) this.#zone(member.zone).queue.delete(name);
  }

  /** How many nodes each zone has, by its name. */
  counts(): Iterable<readonly [string, { readonly ready: number; readonly notReady: number }]> {
    return this.#zones;
  }

  stop(): void {
    for (const zone of this.#zones.values()) zone.timer?.cancel();
  }

  /** Every zone is without a ready node: more likely we are cut off than all of them. */
  get allDisrupted(): boolean {
    let some = false;
    for (const { ready, notReady } of this.#zones.values()) {
      if (ready > 0) return false;
      some ||= notReady > 0;
    }
    return some;
  }

  #zone(name: string): Zone {
    let zone = this.#zones.get(name);
    if (zone === undefined) {
      zone = { ready: 0, notReady: 0, queue: new Set(), nextMs: 0, timer: undefined };
      this.#zones.set(name, zone);
    }
    return zone;
  }

  #perSecond(zone: Zone): number {
    if (this.allDisrupted) return 0;
    const size = zone.ready + zone.notReady;
    if (zone.ready === 0 || zone.notReady <= 2 || zone.notReady / size < unhealthyShare) return normalPerSecond;
    return size > largeZone ? reducedPerSecond : 0;
  }

  #drainAll(): void {
    for (const zone of this.#zones.values()) if (zone.queue.size > 0) this.#drain(zone);
  }

  #drain(zone: Zone): void {
    zone.timer?.cancel();
    zone.timer = undefined;
    const perSecond = this.#perSecond(zone);
    const [name] = zone.queue;
    if (name === undefined || perSecond === 0) return;
    const nowMs = this.#clock.monotonic();
    if (nowMs >= zone.nextMs) {
      zone.queue.delete(name);
      zone.nextMs = nowMs + 1_000 / perSecond;
      this.#allow(name);
      if (zone.queue.size === 0) return;
    }
    const waitMs = zone.nextMs - nowMs;
    zone.timer = this.#clock.after(waitMs, () => this.#drain(zone), { background: true });
  }
}

/** Region and zone of a node, as zones are told apart and named in metrics. */
export function zoneOf(node: Node): string {
  const { labels } = node.metadata ?? {};
  const region =
    labels?.['topology.kubernetes.io/region'] ?? labels?.['failure-domain.beta.kubernetes.io/region'] ?? '';
  const zone = labels?.['topology.kubernetes.io/zone'] ?? labels?.['failure-domain.beta.kubernetes.io/zone'] ?? '';
  return `${region}/${zone}`;
}
