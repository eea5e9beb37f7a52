/**
 * All devices that drivers publish, by pool, and which of them a node can reach. A pool consists of the slices of its
 * newest generation; it is incomplete while some of them are missing and invalid when device names repeat. Built anew
 * after slices changed, on the next question.
 * @see staging/src/k8s.io/dynamic-resource-allocation/structured (GatherPools)
 */
import type { CounterSet, Device, Node, NodeSelector, ResourceSlice } from '../../api/index.ts';
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

function makePool(id: string, slices: readonly ResourceSlice[]): Pool {
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
    for (const device of slice.spec.devices ?? []) {
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

export class DeviceInventory {
  readonly #slices: () => readonly ResourceSlice[];
  #stale = true;
  #version = 0;
  /** The node that has a local pool, by `driver/pool`. */
  readonly #homes = new Map<string, string>();
  /** Pools all of whose slices belong to one node, by its name, and all others. */
  #local = new Map<string, ReachablePool[]>();
  #shared: Reach[] = [];

  constructor(slices: () => readonly ResourceSlice[]) {
    this.#slices = slices;
  }

  /** Slices came, went or changed. */
  invalidate(): void {
    this.#stale = true;
  }

  /** Grows whenever devices came, went or changed. */
  get version(): number {
    if (this.#stale) this.#build();
    return this.#version;
  }

  /** The only node that can reach the pool `driver/pool`; undefined: there may be several, or it is not known now. */
  homeOf(pool: string): string | undefined {
    return this.#stale ? undefined : this.#homes.get(pool);
  }

  /** The pools with devices that the node can reach, in an order that is always the same. */
  reachable(node: Node): readonly ReachablePool[] {
    if (this.#stale) this.#build();
    const local = this.#local.get(node.metadata?.name ?? '') ?? [];
    if (this.#shared.length === 0) return local;
    const found = [...local];
    for (const { pool, reaches } of this.#shared) {
      const devices = pool.devices.filter((entry) => reaches(entry, node));
      if (devices.length > 0) found.push({ pool, devices });
    }
    return found.sort(byName(({ pool }) => pool.id));
  }

  #build(): void {
    this.#stale = false;
    this.#version++;
    this.#homes.clear();
    const newest = new Map<string, ResourceSlice[]>();
    for (const slice of this.#slices()) {
      const { driver, pool } = slice.spec;
      const id = `${driver}/${pool.name}`;
      const known = newest.get(id);
      const generation = known?.[0]?.spec.pool.generation ?? pool.generation;
      if (!known || pool.generation > generation) newest.set(id, [slice]);
      else if (pool.generation === generation) known.push(slice);
    }
    this.#local = new Map();
    this.#shared = [];
    for (const [id, slices] of [...newest].sort(byName(([name]) => name))) {
      slices.sort(byName(({ metadata }) => metadata?.name ?? ''));
      const pool = makePool(id, slices);
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
    }
  }
}
