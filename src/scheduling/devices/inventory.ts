/**
 * All devices that drivers publish, by pool, and which of them a node can reach. A pool consists of the slices of its
 * newest generation; it is incomplete while some of them are missing and invalid when device names repeat. Pools are
 * built anew after slices of theirs changed, on the next question.
 * @see staging/src/k8s.io/dynamic-resource-allocation/structured (GatherPools)
 */
import {
  type CounterSet,
  type Device,
  isDeviceSelected,
  type Node,
  type NodeSelector,
  type ResourceSlice,
  type ResourceV1beta2DeviceTaintRule,
} from '../../api/index.ts';
import { compileNodeSelector, type NodeMatcher } from '../selectors.ts';

/** A device and where it comes from. */
export interface DeviceEntry {
  /** `driver/pool/device`. */
  readonly id: string;
  readonly driver: string;
  readonly pool: Pool;
  readonly device: Device;
  readonly slice: ResourceSlice;
}

export interface Pool {
  /** `driver/pool`. */
  readonly id: string;
  readonly driver: string;
  readonly name: string;
  readonly incomplete: boolean;
  readonly invalid: boolean;
  /** Of the whole pool, whether a node can reach them or not. */
  readonly devices: readonly DeviceEntry[];
  readonly counterSets: readonly CounterSet[];
}

/** What a node can reach of a pool. */
export interface ReachablePool {
  readonly pool: Pool;
  readonly devices: readonly DeviceEntry[];
}

interface Reach {
  readonly pool: Pool;
  readonly reaches: (entry: DeviceEntry, node: Node) => boolean;
}

const matchers = new WeakMap<NodeSelector, NodeMatcher>();

function selects(selector: NodeSelector, node: Node): boolean {
  let matcher = matchers.get(selector);
  if (!matcher) {
    matcher = compileNodeSelector(selector);
    matchers.set(selector, matcher);
  }
  return matcher(node);
}

interface Selection {
  readonly nodeName?: string | undefined;
  readonly allNodes?: boolean | undefined;
  readonly nodeSelector?: NodeSelector | undefined;
}

function selected({ nodeName, allNodes, nodeSelector }: Selection, node: Node): boolean {
  if (nodeName) return node.metadata?.name === nodeName;
  if (allNodes) return true;
  return nodeSelector !== undefined && selects(nodeSelector, node);
}

/** The device with what rules taint it by. */
function taintedBy(
  rules: readonly ResourceV1beta2DeviceTaintRule[],
  driver: string,
  pool: string,
  device: Device,
): Device {
  const selecting = rules.filter(({ spec }) =>
    isDeviceSelected(spec.deviceSelector, { driver, pool, device: device.name }),
  );
  if (selecting.length === 0) return device;
  return { ...device, taints: [...(device.taints ?? []), ...selecting.map(({ spec }) => spec.taint)] };
}

function makePool(
  id: string,
  slices: readonly ResourceSlice[],
  rules: readonly ResourceV1beta2DeviceTaintRule[],
): Pool {
  const { driver, pool } = slices[0]!.spec;
  const devices: DeviceEntry[] = [];
  const names = new Set<string>();
  let invalid = false;
  const made: Pool = {
    id,
    driver,
    name: pool.name,
    incomplete: slices.length !== pool.resourceSliceCount,
    get invalid() {
      return invalid;
    },
    devices,
    counterSets: slices.flatMap(({ spec }) => spec.sharedCounters ?? []),
  };
  for (const slice of slices) {
    for (const published of slice.spec.devices ?? []) {
      const device = taintedBy(rules, driver, pool.name, published);
      if (names.has(device.name)) invalid = true;
      names.add(device.name);
      devices.push({ id: `${id}/${device.name}`, driver, pool: made, device, slice });
    }
  }
  return made;
}

const byName = <Item>(nameOf: (item: Item) => string) => {
  return (a: Item, b: Item) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0);
};

const poolIdOf = ({ spec }: ResourceSlice) => `${spec.driver}/${spec.pool.name}`;
const sliceName = ({ metadata }: ResourceSlice) => metadata?.name ?? '';

/** Told of the only node whose devices changed; undefined: those of several may have. */
export type DevicesListener = (nodeName: string | undefined) => void;

export class DeviceInventory {
  readonly #slices: () => readonly ResourceSlice[];
  readonly #rules: () => readonly ResourceV1beta2DeviceTaintRule[];
  readonly #listeners: DevicesListener[] = [];
  #stale = true;
  /** By pool and name, of all generations. */
  readonly #slicesOf = new Map<string, Map<string, ResourceSlice>>();
  /** Pools whose slices changed since they were built. */
  readonly #dirty = new Set<string>();
  /** Pools all of whose slices belong to one node, by its name, and all others. */
  readonly #local = new Map<string, ReachablePool[]>();
  /** The node that has a local pool, by `driver/pool`. */
  readonly #homes = new Map<string, string>();
  #shared: Reach[] = [];

  /** Of `rules`, those that select a device add their taint to it; {@link invalidate} when they change. */
  constructor(
    slices: () => readonly ResourceSlice[],
    rules: () => readonly ResourceV1beta2DeviceTaintRule[] = () => [],
  ) {
    this.#slices = slices;
    this.#rules = rules;
  }

  /** Any slices came, went or changed. */
  invalidate(): void {
    this.#stale = true;
  }

  /** A slice came (`previous` is undefined), went (`current` is) or changed. */
  changed(previous: ResourceSlice | undefined, current: ResourceSlice | undefined): void {
    if (this.#stale) return;
    if (previous) {
      this.#slicesOf.get(poolIdOf(previous))?.delete(sliceName(previous));
      this.#dirty.add(poolIdOf(previous));
    }
    if (current) {
      this.#file(current);
      this.#dirty.add(poolIdOf(current));
    }
  }

  /** Calls back when what nodes can reach has changed, at the latest before the next answer. */
  onChange(listener: DevicesListener): void {
    this.#listeners.push(listener);
  }

  /** The only node that can reach the pool `driver/pool`; undefined: there may be several, or it is not known now. */
  homeOf(pool: string): string | undefined {
    return this.#stale || this.#dirty.has(pool) ? undefined : this.#homes.get(pool);
  }

  /** The pools with devices that the node can reach, in an order that is always the same. */
  reachable(node: Node): readonly ReachablePool[] {
    this.refresh();
    const local = this.#local.get(node.metadata?.name ?? '') ?? [];
    if (this.#shared.length === 0) return local;
    const found = [...local];
    for (const { pool, reaches } of this.#shared) {
      const devices = pool.devices.filter((entry) => reaches(entry, node));
      if (devices.length > 0) found.push({ pool, devices });
    }
    return found.sort(byName(({ pool }) => pool.id));
  }

  /** Takes in what changed. */
  refresh(): void {
    if (this.#stale) this.#build();
    else if (this.#dirty.size > 0) {
      for (const id of this.#dirty) this.#rebuild(id);
      this.#dirty.clear();
    }
  }

  #build(): void {
    this.#stale = false;
    this.#dirty.clear();
    this.#slicesOf.clear();
    this.#local.clear();
    this.#homes.clear();
    this.#shared = [];
    for (const slice of this.#slices()) this.#file(slice);
    for (const id of [...this.#slicesOf.keys()].sort()) this.#place(id);
    this.#tell(undefined);
  }

  #file(slice: ResourceSlice): void {
    const id = poolIdOf(slice);
    const known = this.#slicesOf.get(id);
    if (known) known.set(sliceName(slice), slice);
    else this.#slicesOf.set(id, new Map([[sliceName(slice), slice]]));
  }

  #rebuild(id: string): void {
    const before = this.#homes.get(id);
    const shared = this.#shared.length;
    if (before !== undefined) {
      this.#homes.delete(id);
      const kept = this.#local.get(before)!.filter(({ pool }) => pool.id !== id);
      if (kept.length > 0) this.#local.set(before, kept);
      else this.#local.delete(before);
    } else this.#shared = this.#shared.filter(({ pool }) => pool.id !== id);
    const wasShared = this.#shared.length < shared;
    const placed = this.#place(id);
    const after = this.#homes.get(id);
    if (after !== undefined) this.#local.get(after)!.sort(byName(({ pool }) => pool.id));
    if (wasShared || (placed && after === undefined)) {
      this.#shared.sort(byName(({ pool }) => pool.id));
      this.#tell(undefined);
      return;
    }
    if (after !== undefined) this.#tell(after);
    if (before !== undefined && before !== after) this.#tell(before);
  }

  /** Puts the pool behind the others; false when there is none. */
  #place(id: string): boolean {
    const all = [...(this.#slicesOf.get(id)?.values() ?? [])];
    if (all.length === 0) {
      this.#slicesOf.delete(id);
      return false;
    }
    const { generation } = all.reduce((a, b) => (b.spec.pool.generation > a.spec.pool.generation ? b : a)).spec.pool;
    const slices = all.filter(({ spec }) => spec.pool.generation === generation).sort(byName(sliceName));
    const pool = makePool(id, slices, this.#rules());
    const { nodeName } = slices[0]!.spec;
    if (nodeName && slices.every(({ spec }) => spec.nodeName === nodeName)) {
      const pools = this.#local.get(nodeName) ?? [];
      pools.push({ pool, devices: pool.devices });
      this.#local.set(nodeName, pools);
      this.#homes.set(id, nodeName);
    } else {
      const reaches = ({ slice, device }: DeviceEntry, node: Node) =>
        selected(slice.spec.perDeviceNodeSelection ? device : slice.spec, node);
      this.#shared.push({ pool, reaches });
    }
    return true;
  }

  #tell(nodeName: string | undefined): void {
    for (const listener of this.#listeners) listener(nodeName);
  }
}
