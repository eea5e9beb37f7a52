/**
 * Which devices are taken, and how much of those that are shared: from the claims as the cache has them, with the
 * allocations that were decided but are not written yet laid over them. Kept up to date claim by claim.
 * @see kubernetes/pkg/scheduler/framework/plugins/dynamicresources/dra_manager.go and allocateddevices.go
 */
import { type AllocationResult, parseQuantity, type ResourceClaim } from '../../api/index.ts';

export class AllocatedDevices {
  /** What is counted for each claim, by uid. */
  readonly #counted = new Map<string, AllocationResult>();
  /** Decided allocations whose writing is under way. */
  readonly #pending = new Map<string, AllocationResult>();
  readonly #written = new Map<string, AllocationResult>();
  readonly #taken = new Map<string, number>();
  readonly #onTaken: ((pool: string) => void)[] = [];
  readonly #shares = new Map<string, { claims: number; readonly amounts: Map<string, bigint> }>();

  /** The claim as the cache has it now; undefined: it is gone. */
  set(uid: string, claim: ResourceClaim | undefined): void {
    const allocation = claim?.status?.allocation;
    if (allocation) this.#written.set(uid, allocation);
    else this.#written.delete(uid);
    // A pending allocation outlives other changes of the claim.
    if (!claim || allocation) this.#pending.delete(uid);
    this.#settle(uid);
  }

  /** Counts an allocation before the API has it. */
  assume(uid: string, allocation: AllocationResult): void {
    this.#pending.set(uid, allocation);
    this.#settle(uid);
  }

  /** The assumed allocation is written, or will not be: from now on only what the cache says counts. */
  forget(uid: string): void {
    if (this.#pending.delete(uid)) this.#settle(uid);
  }

  /** Calls back with `driver/pool` whenever something is taken of a pool or given back to it. */
  onTaken(listener: (pool: string) => void): void {
    this.#onTaken.push(listener);
  }

  isPending(uid: string): boolean {
    return this.#pending.has(uid);
  }

  /** Taken by a claim, shared or not. */
  isAllocated(device: string): boolean {
    return this.#taken.has(device) || this.#shares.has(device);
  }

  /** Taken by a claim that does not share it. */
  isTaken(device: string): boolean {
    return this.#taken.has(device);
  }

  /** What claims took of a device that is shared, in billionths by capacity; undefined: nobody has a share. */
  consumed(device: string): ReadonlyMap<string, bigint> | undefined {
    return this.#shares.get(device)?.amounts;
  }

  #settle(uid: string): void {
    const before = this.#counted.get(uid);
    const after = this.#written.get(uid) ?? this.#pending.get(uid);
    if (before === after) return;
    // What was decided comes back as it was written.
    if (!before || !after || !takesTheSame(before, after)) {
      if (before) this.#count(before, -1);
      if (after) this.#count(after, 1);
    }
    if (after) this.#counted.set(uid, after);
    else this.#counted.delete(uid);
  }

  #count({ devices }: AllocationResult, sign: 1 | -1): void {
    for (const { adminAccess, driver, pool, device, shareID, consumedCapacity } of devices?.results ?? []) {
      // Administrators look at devices without taking them.
      if (adminAccess) continue;
      const id = `${driver}/${pool}/${device}`;
      for (const listener of this.#onTaken) listener(`${driver}/${pool}`);
      if (shareID === undefined) {
        const claims = (this.#taken.get(id) ?? 0) + sign;
        if (claims > 0) this.#taken.set(id, claims);
        else this.#taken.delete(id);
        continue;
      }
      const share = this.#shares.get(id) ?? { claims: 0, amounts: new Map<string, bigint>() };
      share.claims += sign;
      for (const name in consumedCapacity) {
        const { nanos } = parseQuantity(consumedCapacity[name]!);
        share.amounts.set(name, (share.amounts.get(name) ?? 0n) + BigInt(sign) * nanos);
      }
      if (share.claims > 0) this.#shares.set(id, share);
      else this.#shares.delete(id);
    }
  }
}

/** Do two allocations take the same devices, none of them in shares? */
function takesTheSame(a: AllocationResult, b: AllocationResult): boolean {
  const [first = [], second = []] = [a.devices?.results, b.devices?.results];
  return (
    first.length === second.length &&
    first.every(({ driver, pool, device, shareID, adminAccess }, i) => {
      const other = second[i]!;
      return (
        device === other.device &&
        pool === other.pool &&
        driver === other.driver &&
        shareID === undefined &&
        other.shareID === undefined &&
        (adminAccess ?? false) === (other.adminAccess ?? false)
      );
    })
  );
}
