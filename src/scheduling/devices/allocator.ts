/**
 * Chooses devices for a pod's claims on one node: claim by claim, request by request, device by device, going back when a
 * later one finds nothing, and the first full solution wins. Nothing is taken here; the result is what claims' status
 * would say.
 * @see staging/src/k8s.io/dynamic-resource-allocation/structured (the allocator)
 */
import {
  type AllocationResult,
  type DeviceAllocationConfiguration,
  type DeviceClass,
  type DeviceTaint,
  type DeviceToleration,
  type Node,
  type NodeSelector,
  type NodeSelectorRequirement,
  parseQuantity,
  type ResourceClaim,
} from '../../api/index.ts';
import type { AllocatedDevices } from './allocated.ts';
import { type Consumed, consume, consumedText } from './capacity.ts';
import { type Constraint, constraintOf } from './constraints.ts';
import type { DeviceEntry, DeviceInventory, Pool, ReachablePool } from './inventory.ts';
import { alternativesOf, type RequestShape } from './requests.ts';
import { DeviceSelectorSyntaxError } from './selector.ts';

/** Most devices that one claim can be given. */
const resultsMax = 32;

/** Does the device satisfy a CEL expression? @throws DeviceSelectorSyntaxError, or Error when it cannot be evaluated */
export type SelectDevice = (expression: string, entry: DeviceEntry) => boolean;

/** Something is wrong with a claim or class; no other node helps. */
export class AllocationError extends Error {
  override readonly name = 'AllocationError';
}

/** Something is wrong with what this node can reach; other nodes may do. */
export class NodeAllocationError extends Error {
  override readonly name = 'NodeAllocationError';
}

export interface AllocatorDependencies {
  readonly inventory: DeviceInventory;
  readonly allocated: AllocatedDevices;
  readonly classOf: (name: string) => DeviceClass | undefined;
  readonly select: SelectDevice;
  readonly shareId: () => string;
}

/** An alternative with what is known of it on this node. */
interface Alternative {
  readonly request: RequestShape;
  readonly deviceClass: DeviceClass;
  readonly wanted: number;
  /** For mode `All`. */
  readonly all: readonly DeviceEntry[] | undefined;
}

interface Chosen {
  readonly entry: DeviceEntry;
  readonly request: RequestShape;
  readonly consumed: Consumed | undefined;
  readonly shareId: string | undefined;
}

interface ClaimState {
  readonly claim: ResourceClaim;
  /** By request, by alternative. */
  readonly requests: readonly (readonly Alternative[])[];
  readonly constraints: readonly Constraint[];
  readonly chosen: Chosen[];
  /** Index of the alternative in use, by request. */
  readonly picked: number[];
}

type Outcome = boolean | 'tooMany';

const nothing: Consumed = new Map();

const keyOf = ({ metadata }: ResourceClaim) => `${metadata?.namespace}/${metadata?.name}`;
const classKey = ({ metadata }: DeviceClass) => metadata?.name ?? '';

export function toleratesDeviceTaint(toleration: DeviceToleration, taint: DeviceTaint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  return toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '');
}

function tainted({ device }: DeviceEntry, tolerations: readonly DeviceToleration[] | undefined): boolean {
  return (device.taints ?? []).some(
    (taint) =>
      (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') &&
      !(tolerations ?? []).some((toleration) => toleratesDeviceTaint(toleration, taint)),
  );
}

/** One attempt to serve a list of claims on one node. */
export class DeviceAllocation {
  readonly #deps: AllocatorDependencies;
  readonly #node: Node;
  readonly #pools: readonly ReachablePool[];
  readonly #claims: ClaimState[];
  /** Devices chosen in this attempt, with the claims that they are for. */
  #taking: Map<string, Set<number>> | undefined;
  #sharing: Map<string, Map<string, bigint>> | undefined;
  /** Counters left of each pool before, and used in this attempt, by counter set and counter. */
  #left: Map<Pool, Map<string, bigint>> | undefined;
  #used: Map<Pool, Map<string, bigint>> | undefined;

  /** @throws AllocationError */
  constructor(dependencies: AllocatorDependencies, node: Node, claims: readonly ResourceClaim[]) {
    this.#deps = dependencies;
    this.#node = node;
    this.#pools = dependencies.inventory.reachable(node);
    this.#claims = claims.map((claim) => this.#prepare(claim));
  }

  #prepare(claim: ResourceClaim): ClaimState {
    const { requests = [], constraints = [] } = claim.spec.devices ?? {};
    const prepared = requests.map((request) => alternativesOf(request).map((shape) => this.#alternative(claim, shape)));
    const least = prepared.reduce((sum, list) => sum + Math.min(...list.map(({ wanted }) => wanted)), 0);
    if (least > resultsMax) {
      throw new AllocationError(
        `claim ${keyOf(claim)}: number of requested devices ${least} exceeds the claim limit of ${resultsMax}`,
      );
    }
    return {
      claim,
      requests: prepared,
      chosen: [],
      picked: requests.map(() => 0),
      constraints: constraints.map((constraint, i) => {
        const made = constraintOf(constraint);
        if (made) return made;
        throw new AllocationError(
          `claim ${keyOf(claim)}, constraint #${i}: empty constraint (unsupported constraint type?)`,
        );
      }),
    };
  }

  #alternative(claim: ResourceClaim, request: RequestShape): Alternative {
    const where = `claim ${keyOf(claim)}, request ${request.name}`;
    for (const [i, { cel }] of request.selectors.entries()) {
      if (!cel)
        throw new AllocationError(`${where}, selector #${i}: CEL expression empty (unsupported selector type?)`);
    }
    if (request.className === '') {
      throw new AllocationError(`${where}: missing device class name (unsupported request type?)`);
    }
    const deviceClass = this.#deps.classOf(request.className);
    if (!deviceClass) {
      const text = `deviceclass.resource.k8s.io ${JSON.stringify(request.className)} not found`;
      throw new AllocationError(`${where}: could not retrieve device class ${request.className}: ${text}`);
    }
    if (request.mode === 'ExactCount') return { request, deviceClass, wanted: request.count, all: undefined };
    if (request.mode !== 'All') throw new AllocationError(`${where}: unsupported count mode ${request.mode}`);
    const all: DeviceEntry[] = [];
    for (const { pool, devices } of this.#pools) {
      if (pool.incomplete) {
        throw new AllocationError(
          `${where}: asks for all devices, but resource pool ${pool.id} is currently being updated`,
        );
      }
      if (pool.invalid) {
        throw new AllocationError(`${where}: asks for all devices, but resource pool ${pool.id} is currently invalid`);
      }
      for (const entry of devices) {
        if (this.#selectable(claim, request, deviceClass, entry) && this.#capacityFor(request, entry)) all.push(entry);
      }
    }
    return { request, deviceClass, wanted: all.length, all };
  }

  /** The allocations of all claims in order; undefined when they do not fit. @throws AllocationError, NodeAllocationError */
  run(): AllocationResult[] | undefined {
    return this.solve() ? this.results() : undefined;
  }

  /** Looks for devices for all claims; {@link results} tells which. @throws AllocationError, NodeAllocationError */
  solve(): boolean {
    if (this.#allocate(0, 0, undefined, 0, 0, 0) === true) return true;
    if (this.#pools.some(({ pool }) => pool.invalid)) {
      throw new NodeAllocationError('invalid resource pools were encountered');
    }
    return false;
  }

  /** What {@link solve} found. */
  results(): AllocationResult[] {
    return this.#claims.map((state) => this.#result(state));
  }

  /**
   * Serves device number `index` of the request's alternative (undefined: tries them all) and everything after it.
   * Candidates before `fromPool` and `fromDevice` were passed over by earlier devices of the same request: orders of
   * the same devices are all alike.
   */
  #allocate(
    claimIndex: number,
    requestIndex: number,
    alternativeIndex: number | undefined,
    index: number,
    fromPool: number,
    fromDevice: number,
  ): Outcome {
    const state = this.#claims[claimIndex];
    if (!state) return true;
    const alternatives = state.requests[requestIndex];
    if (!alternatives) {
      // A later claim that asks for too much may fit when an earlier one is served otherwise.
      return this.#allocate(claimIndex + 1, 0, undefined, 0, 0, 0) === true;
    }
    if (alternativeIndex === undefined) return this.#tryAlternatives(claimIndex, requestIndex, alternatives.length);
    const { request, deviceClass, wanted, all } = alternatives[alternativeIndex]!;
    if (all && all.length === 0) return false;
    if (index >= wanted) return this.#allocate(claimIndex, requestIndex + 1, undefined, 0, 0, 0);
    if (state.chosen.length + wanted - index > resultsMax) return 'tooMany';
    if (all) {
      const release = this.#take(claimIndex, request, all[index]!, true);
      if (!release) return false;
      const outcome = this.#allocate(claimIndex, requestIndex, alternativeIndex, index + 1, 0, 0);
      if (outcome !== true) release();
      return outcome;
    }
    for (let p = fromPool; p < this.#pools.length; p++) {
      const { pool, devices } = this.#pools[p]!;
      if (pool.incomplete || pool.invalid) continue;
      for (let d = p === fromPool ? fromDevice : 0; d < devices.length; d++) {
        const entry = devices[d]!;
        if (!this.#free(claimIndex, request, entry)) continue;
        if (!this.#selectable(state.claim, request, deviceClass, entry)) continue;
        const release = this.#take(claimIndex, request, entry, false);
        if (!release) continue;
        const outcome = this.#allocate(claimIndex, requestIndex, alternativeIndex, index + 1, p, d + 1);
        if (outcome === true) return true;
        release();
        if (outcome === 'tooMany') return outcome;
      }
    }
    return false;
  }

  #tryAlternatives(claimIndex: number, requestIndex: number, count: number): Outcome {
    let allTooMany = true;
    for (let alternative = 0; alternative < count; alternative++) {
      const outcome = this.#allocate(claimIndex, requestIndex, alternative, 0, 0, 0);
      if (outcome === true) {
        this.#claims[claimIndex]!.picked[requestIndex] = alternative;
        return true;
      }
      if (outcome === false) allTooMany = false;
    }
    return allTooMany ? 'tooMany' : false;
  }

  /** The cheap question first: does anybody have it? */
  #free(claimIndex: number, request: RequestShape, { id }: DeviceEntry): boolean {
    const takers = this.#taking?.get(id);
    if (request.adminAccess) return !takers?.has(claimIndex);
    return !this.#deps.allocated.isTaken(id) && !takers?.size;
  }

  #selectable(claim: ResourceClaim, request: RequestShape, deviceClass: DeviceClass, entry: DeviceEntry): boolean {
    const where = `class ${classKey(deviceClass)}`;
    for (const [i, { cel }] of (deviceClass.spec.selectors ?? []).entries()) {
      if (cel && !this.#matches(cel.expression, entry, `${where}: selector #${i}`)) return false;
    }
    for (const [i, { cel }] of request.selectors.entries()) {
      if (!this.#matches(cel!.expression, entry, `claim ${keyOf(claim)}: selector #${i}`)) return false;
    }
    return true;
  }

  #matches(expression: string, entry: DeviceEntry, where: string): boolean {
    try {
      return this.#deps.select(expression, entry);
    } catch (error) {
      const { message } = error as Error;
      if (error instanceof DeviceSelectorSyntaxError)
        throw new AllocationError(`${where}: CEL compile error: ${message}`);
      throw new AllocationError(`${where} on device ${entry.id}: CEL runtime error: ${message}`);
    }
  }

  #capacityFor(request: RequestShape, { id, device }: DeviceEntry): Consumed | undefined {
    // Whoever takes a device that is not shared takes it whole.
    if (!device.allowMultipleAllocations && !request.capacity?.requests) return nothing;
    return consume(device, request.capacity, [this.#deps.allocated.consumed(id), this.#sharing?.get(id)]);
  }

  /** Takes the device for the claim; answers how to give it back, or undefined when it cannot be had. */
  #take(claimIndex: number, request: RequestShape, entry: DeviceEntry, must: boolean): (() => void) | undefined {
    const { id, device } = entry;
    const state = this.#claims[claimIndex]!;
    const shared = device.allowMultipleAllocations === true;
    if (!(shared && request.adminAccess) && !this.#free(claimIndex, request, entry)) return undefined;
    const consumed = this.#capacityFor(request, entry);
    if (!consumed || tainted(entry, request.tolerations)) return undefined;
    const inShares = shared && (this.#deps.allocated.consumed(id) !== undefined || this.#sharing?.has(id) === true);
    const counts = !inShares && (device.consumesCounters ?? []).length > 0;
    if (counts && !this.#useCounters(entry)) return undefined;
    const base = request.parent ?? request.name;
    const sub = request.parent === undefined ? undefined : request.name;
    for (const [i, constraint] of state.constraints.entries()) {
      if (constraint.add(base, sub, entry)) continue;
      if (must) {
        throw new AllocationError(
          `claim ${keyOf(state.claim)}, request ${request.name}: cannot add device ${id} because a claim constraint would not be satisfied`,
        );
      }
      for (let e = 0; e < i; e++) state.constraints[e]!.remove(base, sub, entry);
      if (counts) this.#giveCounters(entry);
      return undefined;
    }
    if (shared) this.#share(id, consumed, 1n);
    else this.#takers(id).add(claimIndex);
    state.chosen.push({
      entry,
      request,
      consumed: shared ? consumed : undefined,
      shareId: shared ? this.#deps.shareId() : undefined,
    });
    return () => {
      for (const constraint of state.constraints) constraint.remove(base, sub, entry);
      if (shared) this.#share(id, consumed, -1n);
      else this.#takers(id).delete(claimIndex);
      if (counts) this.#giveCounters(entry);
      state.chosen.pop();
    };
  }

  #takers(id: string): Set<number> {
    this.#taking ??= new Map();
    let takers = this.#taking.get(id);
    if (!takers) {
      takers = new Set();
      this.#taking.set(id, takers);
    }
    return takers;
  }

  #share(id: string, consumed: Consumed, sign: 1n | -1n): void {
    this.#sharing ??= new Map();
    const amounts = this.#sharing.get(id) ?? new Map<string, bigint>();
    for (const [name, { nanos }] of consumed) amounts.set(name, (amounts.get(name) ?? 0n) + sign * nanos);
    if ([...amounts.values()].some((amount) => amount !== 0n)) this.#sharing.set(id, amounts);
    else this.#sharing.delete(id);
  }

  #useCounters(entry: DeviceEntry): boolean {
    const { pool } = entry;
    const left = this.#countersLeft(pool);
    this.#used ??= new Map();
    const used = this.#used.get(pool) ?? new Map<string, bigint>();
    this.#used.set(pool, used);
    this.#addCounters(used, entry, 1n);
    for (const [counter, available] of left) {
      if (available >= (used.get(counter) ?? 0n)) continue;
      this.#addCounters(used, entry, -1n);
      return false;
    }
    return true;
  }

  #giveCounters(entry: DeviceEntry): void {
    this.#addCounters(this.#used!.get(entry.pool)!, entry, -1n);
  }

  #addCounters(into: Map<string, bigint>, { device }: DeviceEntry, sign: 1n | -1n): void {
    for (const { counterSet, counters } of device.consumesCounters ?? []) {
      for (const name in counters) {
        const key = `${counterSet}/${name}`;
        into.set(key, (into.get(key) ?? 0n) + sign * parseQuantity(counters[name]!.value).nanos);
      }
    }
  }

  #countersLeft(pool: Pool): Map<string, bigint> {
    this.#left ??= new Map();
    let left = this.#left.get(pool);
    if (left) return left;
    left = new Map();
    for (const { name: counterSet, counters } of pool.counterSets) {
      for (const name in counters) left.set(`${counterSet}/${name}`, parseQuantity(counters[name]!.value).nanos);
    }
    const known = new Set(left.keys());
    for (const entry of pool.devices) {
      if (entry.device.consumesCounters?.length && this.#deps.allocated.isAllocated(entry.id)) {
        this.#addCounters(left, entry, -1n);
      }
    }
    for (const key of left.keys()) if (!known.has(key)) left.delete(key);
    this.#left.set(pool, left);
    return left;
  }

  #result(state: ClaimState): AllocationResult {
    const results = state.chosen.map(({ entry, request, consumed, shareId }) => {
      const { bindingConditions, bindingFailureConditions } = entry.device;
      return {
        request: request.fullName,
        driver: entry.driver,
        pool: entry.pool.name,
        device: entry.device.name,
        ...(request.adminAccess ? { adminAccess: true } : {}),
        ...(request.tolerations?.length ? { tolerations: [...request.tolerations] } : {}),
        ...(bindingConditions?.length ? { bindingConditions } : {}),
        ...(bindingFailureConditions?.length ? { bindingFailureConditions } : {}),
        ...(shareId === undefined ? {} : { shareID: shareId }),
        ...(consumed?.size ? { consumedCapacity: consumedText(consumed) } : {}),
      };
    });
    const config = this.#configuration(state);
    const nodeSelector = this.#nodeSelector(state);
    return {
      devices: { ...(results.length > 0 ? { results } : {}), ...(config.length > 0 ? { config } : {}) },
      ...(nodeSelector ? { nodeSelector } : {}),
    };
  }

  /** What drivers are to be told: of the classes in use first, then of the claim. */
  #configuration({ claim, requests, picked }: ClaimState): DeviceAllocationConfiguration[] {
    const found: (Omit<DeviceAllocationConfiguration, 'requests'> & { requests?: string[] })[] = [];
    const byClass = new Map<string, typeof found>();
    for (const [i, alternatives] of requests.entries()) {
      const { request, deviceClass } = alternatives[picked[i]!]!;
      const known = byClass.get(classKey(deviceClass));
      if (known) {
        for (const entry of known) entry.requests!.push(request.fullName);
        continue;
      }
      const added = (deviceClass.spec.config ?? []).map(({ opaque }) => ({
        source: 'FromClass',
        requests: [request.fullName],
        ...(opaque ? { opaque } : {}),
      }));
      byClass.set(classKey(deviceClass), added);
      found.push(...added);
    }
    for (const { requests: names = [], opaque } of claim.spec.devices?.config ?? []) {
      const entry = { source: 'FromClaim', requests: [...names], ...(opaque ? { opaque } : {}) };
      if (names.length === 0) found.push(entry);
      for (const [i, alternatives] of requests.entries()) {
        const { request } = alternatives[picked[i]!]!;
        if (names.includes(request.parent ?? request.name) || (request.parent && names.includes(request.fullName))) {
          found.push(entry);
        }
      }
    }
    // No names mean all requests.
    return found.map(({ requests: names = [], ...entry }) =>
      names.length === 0 || names.length === requests.length ? entry : { ...entry, requests: names },
    );
  }

  #nodeSelector({ chosen }: ClaimState): NodeSelector | undefined {
    const matchFields: NodeSelectorRequirement[] = [];
    const matchExpressions: NodeSelectorRequirement[] = [];
    const merge = (into: NodeSelectorRequirement[], from: readonly NodeSelectorRequirement[] = []) => {
      const textOf = ({ key, operator, values = [] }: NodeSelectorRequirement) =>
        JSON.stringify([key, operator, [...new Set(values)].sort()]);
      for (const one of from) if (!into.some((other) => textOf(other) === textOf(one))) into.push(one);
    };
    for (const { entry } of chosen) {
      const { slice, device } = entry;
      const { nodeName, nodeSelector } = slice.spec.perDeviceNodeSelection ? device : slice.spec;
      if (nodeName || device.bindsToNode) {
        const values = [this.#node.metadata?.name ?? ''];
        return { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values }] }] };
      }
      merge(matchFields, nodeSelector?.nodeSelectorTerms[0]?.matchFields);
      merge(matchExpressions, nodeSelector?.nodeSelectorTerms[0]?.matchExpressions);
    }
    if (matchFields.length + matchExpressions.length === 0) return undefined;
    return {
      nodeSelectorTerms: [
        {
          ...(matchFields.length > 0 ? { matchFields } : {}),
          ...(matchExpressions.length > 0 ? { matchExpressions } : {}),
        },
      ],
    };
  }
}
