/**
 * The cluster as columns: one row a node, one typed array a quantity, kept up to date by each event instead of copied
 * for each attempt. A filter over thousands of nodes is a loop over numbers. Rows are reused after a node is gone; a
 * row also stands for a node that is not known yet while pods already count on it (such a row is in no order).
 *
 *     row   name    allocatable[cpu]  requested[cpu]  pods  taintSet  column(zone)
 *     0     n-1     4000              1500            3     0         0 (a)
 *     1     n-2     4000              0               0     1         1 (b)
 */
import type { Node, Taint } from '../api/index.ts';
import { Action } from './cluster-events.ts';
import { LabelColumn } from './label-column.ts';
import { PodIndex } from './pod-index.ts';
import type { HostPort, PodInfo } from './pod-info.ts';
import { Dimension, dimensionOf, resourceAmount } from './requests.ts';

/** Taints of a node, interned: equal lists share one object. */
export interface TaintSet {
  readonly id: number;
  /** Those that keep pods away: NoSchedule and NoExecute. */
  readonly hard: readonly Taint[];
  /** PreferNoSchedule. */
  readonly soft: readonly Taint[];
}

/** An image as nodes report it: its size in bytes and how many nodes have it. */
export interface ImageState {
  size: number;
  nodes: number;
}

/** Answers of a node matcher, remembered a row until the row's labels change. 0: not asked, 1: yes, 2: no. */
export interface NodeMask {
  readonly matches: (node: Node) => boolean;
  rows: Uint8Array;
}

const podsDimension = dimensionOf('pods');
const rowsAtFirst = 64;
const masksMax = 512;
const zoneLabels = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone'] as const;
const oldZoneLabels = ['failure-domain.beta.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/zone'] as const;

function zoneOf(node: Node): string {
  const labels = node.metadata?.labels ?? {};
  const [region, zone] = zoneLabels.map((label, i) => labels[label] ?? labels[oldZoneLabels[i]!] ?? '');
  return region === '' && zone === '' ? '' : `${region}:\u0000:${zone}`;
}

/** Upstream's spelling of an image name: a name without a tag means its `latest`. */
export function normalizedImageName(name: string): string {
  return name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name;
}

export class NodeTable {
  #capacity = rowsAtFirst;
  #rowCount = 0;
  readonly #freeRows: number[] = [];
  readonly #rowByName = new Map<string, number>();
  /** Names and objects by row; a row without an object is free or stands for an unknown node. */
  readonly names: (string | undefined)[] = [];
  readonly nodes: (Node | undefined)[] = [];
  readonly pods: PodInfo[][] = [];
  /** By dimension and row. */
  readonly allocatable: Float64Array[] = [];
  readonly requested: Float64Array[] = [];
  nonzeroCpu = new Float64Array(rowsAtFirst);
  nonzeroMemory = new Float64Array(rowsAtFirst);
  podsAllowed = new Int32Array(rowsAtFirst);
  podCount = new Int32Array(rowsAtFirst);
  unschedulable = new Uint8Array(rowsAtFirst);
  /** Index into {@link taintSets}. */
  taintSet = new Int32Array(rowsAtFirst);
  readonly taintSets: TaintSet[] = [{ id: 0, hard: [], soft: [] }];
  readonly #taintSetIds = new Map<string, number>([['[]', 0]]);
  readonly ports: (Map<string, HostPort[]> | undefined)[] = [];
  readonly rowImages: (Map<string, number> | undefined)[] = [];
  readonly images = new Map<string, ImageState>();
  readonly #columns = new Map<string, LabelColumn>();
  readonly #masks = new Map<string, NodeMask>();
  /** Live nodes; those that are unschedulable, have hard taints, have soft taints: 0 lets plugins skip. */
  nodeCount = 0;
  unschedulableCount = 0;
  hardTaintCount = 0;
  softTaintCount = 0;
  /** Grows by each change of nodes or placed pods. What-ifs do not count. */
  version = 0;
  /** By row: grows by each change of the pods that are placed on it or nominated for it. What-ifs do not count. */
  rowVersions = new Float64Array(rowsAtFirst);
  /** Grows by each change of nodes: which there are, their labels, taints and allocatable resources. */
  nodesVersion = 0;
  /** Grows by each change of the images that nodes report. */
  imagesVersion = 0;
  readonly index: PodIndex;
  #order = new Int32Array(0);
  #orderStale = false;
  /** Zones in order of appearance, with their rows in order of appearance. */
  readonly #zones = new Map<string, Set<number>>();

  constructor() {
    this.index = new PodIndex((callback) => {
      for (let row = 0; row < this.#rowCount; row++) for (const info of this.pods[row]!) callback(info);
    });
    for (const dimension of [Dimension.Cpu, Dimension.Memory, Dimension.EphemeralStorage]) this.#ensure(dimension);
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** Rows ever used: every row number is below. */
  get rowCount(): number {
    return this.#rowCount;
  }

  #ensure(dimension: number): void {
    for (let d = this.allocatable.length; d <= dimension; d++) {
      this.allocatable.push(new Float64Array(this.#capacity));
      this.requested.push(new Float64Array(this.#capacity));
    }
  }

  #grow(): void {
    this.#capacity *= 2;
    const float = (from: Float64Array) => {
      const grown = new Float64Array(this.#capacity);
      grown.set(from);
      return grown;
    };
    const int = (from: Int32Array) => {
      const grown = new Int32Array(this.#capacity);
      grown.set(from);
      return grown;
    };
    for (let d = 0; d < this.allocatable.length; d++) {
      this.allocatable[d] = float(this.allocatable[d]!);
      this.requested[d] = float(this.requested[d]!);
    }
    this.nonzeroCpu = float(this.nonzeroCpu);
    this.nonzeroMemory = float(this.nonzeroMemory);
    this.rowVersions = float(this.rowVersions);
    this.podsAllowed = int(this.podsAllowed);
    this.podCount = int(this.podCount);
    this.taintSet = int(this.taintSet);
    const flags = new Uint8Array(this.#capacity);
    flags.set(this.unschedulable);
    this.unschedulable = flags;
    for (const column of this.#columns.values()) column.grow(this.#capacity);
    for (const mask of this.#masks.values()) {
      const rows = new Uint8Array(this.#capacity);
      rows.set(mask.rows);
      mask.rows = rows;
    }
  }

  /** The row of a node by name; -1 when no such node is known (pods may count on it all the same). */
  rowOf(name: string): number {
    const row = this.#rowByName.get(name);
    return row === undefined || !this.nodes[row] ? -1 : row;
  }

  #rowFor(name: string): number {
    let row = this.#rowByName.get(name);
    if (row === undefined) {
      row = this.#freeRows.pop() ?? this.#rowCount++;
      if (row >= this.#capacity) this.#grow();
      this.#rowByName.set(name, row);
      this.names[row] = name;
      this.nodes[row] = undefined;
      this.pods[row] = [];
      this.ports[row] = undefined;
      this.rowImages[row] = undefined;
    }
    return row;
  }

  #release(row: number): void {
    if (this.nodes[row] || this.pods[row]!.length > 0) return;
    this.#rowByName.delete(this.names[row]!);
    this.names[row] = undefined;
    this.#freeRows.push(row);
  }

  /** Live rows in upstream's order: zones take turns, so that neighbours in the order are in different zones. */
  order(): Int32Array {
    if (!this.#orderStale) return this.#order;
    this.#orderStale = false;
    this.#order = new Int32Array(this.nodeCount);
    const zones = [...this.#zones.values()].map((rows) => [...rows]);
    let filled = 0;
    for (let turn = 0; filled < this.#order.length; turn++) {
      for (const rows of zones) {
        const row = rows[turn];
        if (row !== undefined) this.#order[filled++] = row;
      }
    }
    return this.#order;
  }

  /** Adds a node or takes its new state; answers the {@link Action} bits of what changed (0: nothing that matters). */
  setNode(node: Node): number {
    const name = node.metadata?.name ?? '';
    const row = this.#rowFor(name);
    const previous = this.nodes[row];
    let changed = 0;
    this.nodes[row] = node;
    if (!previous) {
      this.nodeCount++;
      changed = Action.Add;
    }
    const zone = zoneOf(node);
    if (!previous || zoneOf(previous) !== zone) {
      if (previous) this.#leaveZone(zoneOf(previous), row);
      const rows = this.#zones.get(zone) ?? new Set();
      this.#zones.set(zone, rows.add(row));
      this.#orderStale = true;
    }
    if (this.#setAllocatable(row, node)) changed |= Action.UpdateNodeAllocatable;
    if (this.#setLabels(row, previous, node)) changed |= Action.UpdateNodeLabel;
    if (this.#setTaints(row, node)) changed |= Action.UpdateNodeTaint;
    this.#setImages(row, previous, node);
    if (previous && conditionsDiffer(previous, node)) changed |= Action.UpdateNodeCondition;
    if (previous && JSON.stringify(previous.metadata?.annotations) !== JSON.stringify(node.metadata?.annotations)) {
      changed |= Action.UpdateNodeAnnotation;
    }
    if (previous && previous.status?.declaredFeatures?.join() !== node.status?.declaredFeatures?.join()) {
      changed |= Action.UpdateNodeDeclaredFeature;
    }
    if (!previous) changed = Action.Add;
    if (changed !== 0) {
      this.version++;
      this.nodesVersion++;
    }
    return changed;
  }

  #leaveZone(zone: string, row: number): void {
    const rows = this.#zones.get(zone);
    rows?.delete(row);
    if (rows?.size === 0) this.#zones.delete(zone);
  }

  removeNode(name: string): void {
    const row = this.rowOf(name);
    if (row < 0) return;
    const node = this.nodes[row]!;
    this.#setLabels(row, node, { metadata: {} });
    this.#setTaints(row, {});
    this.#setImages(row, node, {});
    for (const column of this.allocatable) column[row] = 0;
    this.podsAllowed[row] = 0;
    this.#leaveZone(zoneOf(node), row);
    this.nodes[row] = undefined;
    this.nodeCount--;
    this.#orderStale = true;
    this.version++;
    this.nodesVersion++;
    this.#release(row);
  }

  #setAllocatable(row: number, node: Node): boolean {
    const list = node.status?.allocatable ?? {};
    const seen = new Set<number>();
    let changed = false;
    for (const name in list) {
      const dimension = dimensionOf(name);
      const amount = resourceAmount(name, list[name]!);
      seen.add(dimension);
      this.#ensure(dimension);
      if (this.allocatable[dimension]![row] !== amount) {
        this.allocatable[dimension]![row] = amount;
        changed = true;
      }
    }
    for (let dimension = 0; dimension < this.allocatable.length; dimension++) {
      if (!seen.has(dimension) && this.allocatable[dimension]![row] !== 0) {
        this.allocatable[dimension]![row] = 0;
        changed = true;
      }
    }
    this.podsAllowed[row] = seen.has(podsDimension) ? this.allocatable[podsDimension]![row]! : 0;
    return changed;
  }

  #setLabels(row: number, previous: Node | undefined, node: Node): boolean {
    const before = previous?.metadata?.labels ?? {};
    const labels = node.metadata?.labels ?? {};
    let same = previous !== undefined && Object.keys(before).length === Object.keys(labels).length;
    if (same) for (const key in labels) if (before[key] !== labels[key]) same = false;
    if (same) return false;
    for (const [key, column] of this.#columns) column.set(row, labels[key]);
    for (const mask of this.#masks.values()) mask.rows[row] = 0;
    return true;
  }

  #setTaints(row: number, node: Node): boolean {
    const cordoned = node.spec?.unschedulable ? 1 : 0;
    const taints = (node.spec?.taints ?? []).map(({ key, value, effect }) => ({ key, value: value ?? '', effect }));
    const text = JSON.stringify(taints);
    let id = this.#taintSetIds.get(text);
    if (id === undefined) {
      id = this.taintSets.length;
      this.#taintSetIds.set(text, id);
      this.taintSets.push({
        id,
        hard: taints.filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute'),
        soft: taints.filter(({ effect }) => effect === 'PreferNoSchedule'),
      });
    }
    const before = this.taintSets[this.taintSet[row]!]!;
    const after = this.taintSets[id]!;
    const changed = before !== after || this.unschedulable[row] !== cordoned;
    this.unschedulableCount += cordoned - this.unschedulable[row]!;
    this.hardTaintCount += (after.hard.length > 0 ? 1 : 0) - (before.hard.length > 0 ? 1 : 0);
    this.softTaintCount += (after.soft.length > 0 ? 1 : 0) - (before.soft.length > 0 ? 1 : 0);
    this.unschedulable[row] = cordoned;
    this.taintSet[row] = id;
    return changed;
  }

  #setImages(row: number, previous: Node | undefined, node: Node): void {
    if (!previous?.status?.images?.length && !node.status?.images?.length) return;
    if (sameImages(previous, node)) return;
    this.imagesVersion++;
    for (const name of this.rowImages[row]?.keys() ?? []) {
      const state = this.images.get(name)!;
      if (--state.nodes === 0) this.images.delete(name);
    }
    const here = new Map<string, number>();
    for (const image of node.status?.images ?? []) {
      for (const name of image.names ?? []) {
        if (here.has(name)) continue;
        here.set(name, image.sizeBytes ?? 0);
        const state = this.images.get(name);
        if (state) {
          state.nodes++;
          state.size = image.sizeBytes ?? 0;
        } else this.images.set(name, { size: image.sizeBytes ?? 0, nodes: 1 });
      }
    }
    this.rowImages[row] = here.size > 0 ? here : undefined;
  }

  /** The column of a node label, made on first use and live from then on. */
  column(key: string): LabelColumn {
    let column = this.#columns.get(key);
    if (!column) {
      column = new LabelColumn(key, this.#capacity);
      this.#columns.set(key, column);
      for (let row = 0; row < this.#rowCount; row++) {
        const text = this.nodes[row]?.metadata?.labels?.[key];
        if (text !== undefined) column.set(row, text);
      }
    }
    return column;
  }

  /** The remembered answers of a node matcher; `key` says the same for the same meaning. */
  mask(key: string, compile: () => (node: Node) => boolean): NodeMask {
    let mask = this.#masks.get(key);
    if (!mask) {
      if (this.#masks.size >= masksMax) this.#masks.delete(this.#masks.keys().next().value!);
      mask = { matches: compile(), rows: new Uint8Array(this.#capacity) };
      this.#masks.set(key, mask);
    }
    return mask;
  }

  /** Does the row's node match, remembered. */
  maskAt(mask: NodeMask, row: number): boolean {
    const known = mask.rows[row]!;
    if (known !== 0) return known === 1;
    const matches = mask.matches(this.nodes[row]!);
    mask.rows[row] = matches ? 1 : 2;
    return matches;
  }

  /** Lets a pod count on a node, known or not. */
  addPod(info: PodInfo, nodeName: string): void {
    const row = this.#rowFor(nodeName);
    this.placePod(info, row);
    this.touch(row);
  }

  /** Something about the pods of a row changed: whoever remembers answers about it has to ask again. */
  touch(row: number): void {
    if (row < 0) return;
    this.version++;
    this.rowVersions[row]!++;
  }

  /** Something that is not in the table changed, and answers about every row may be others now. */
  forgetAnswers(): void {
    this.version++;
    this.nodesVersion++;
  }

  /** Lets a pod count on a row, as a what-if: no version moves. */
  placePod(info: PodInfo, row: number): void {
    const pods = this.pods[row]!;
    info.row = row;
    info.slot = pods.length;
    pods.push(info);
    this.#account(info, row, 1);
  }

  /** Takes a pod off its row; a row that stood for an unknown node and is empty now is freed. */
  removePod(info: PodInfo): void {
    const { row } = info;
    this.displacePod(info);
    this.touch(row);
    if (!this.nodes[row]) this.#release(row);
  }

  /** Takes a pod off its row and keeps the row, as a what-if: no version moves. */
  displacePod(info: PodInfo): void {
    const { row, slot } = info;
    const pods = this.pods[row]!;
    const last = pods.pop()!;
    if (last !== info) {
      pods[slot] = last;
      last.slot = slot;
    }
    info.row = -1;
    info.slot = -1;
    this.#account(info, row, -1);
  }

  #account(info: PodInfo, row: number, sign: 1 | -1): void {
    const { dimensions, amounts, nonzeroCpu, nonzeroMemory } = info.requests;
    for (let i = 0; i < dimensions.length; i++) {
      const dimension = dimensions[i]!;
      if (dimension >= this.requested.length) this.#ensure(dimension);
      this.requested[dimension]![row]! += sign * amounts[i]!;
    }
    this.nonzeroCpu[row]! += sign * nonzeroCpu;
    this.nonzeroMemory[row]! += sign * nonzeroMemory;
    this.podCount[row]! += sign;
    if (info.hostPorts.length > 0) this.#accountPorts(info, row, sign);
    this.index.count(info, row, sign);
  }

  #accountPorts(info: PodInfo, row: number, sign: 1 | -1): void {
    const used = this.ports[row] ?? new Map<string, HostPort[]>();
    this.ports[row] = used;
    for (const port of info.hostPorts) {
      const key = `${port.protocol}/${port.port}`;
      const list: HostPort[] = used.get(key) ?? [];
      if (sign > 0) list.push(port);
      else {
        const at = list.findIndex(({ ip }) => ip === port.ip);
        if (at >= 0) list.splice(at, 1);
      }
      if (list.length > 0) used.set(key, list);
      else used.delete(key);
    }
    if (used.size === 0) this.ports[row] = undefined;
  }
}

function sameImages(a: Node | undefined, b: Node): boolean {
  const before = a?.status?.images ?? [];
  const after = b.status?.images ?? [];
  if (before === after) return true;
  if (before.length !== after.length) return false;
  return before.every(
    (image, i) =>
      image.sizeBytes === after[i]!.sizeBytes && (image.names ?? []).join() === (after[i]!.names ?? []).join(),
  );
}

function conditionsDiffer(a: Node, b: Node): boolean {
  const statuses = (node: Node) =>
    (node.status?.conditions ?? []).map(({ type, status }) => `${type}=${status}`).join();
  return statuses(a) !== statuses(b);
}
