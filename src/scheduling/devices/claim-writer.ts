/**
 * Claims in the API: writes allocations and reservations, makes and deletes the claims that the scheduler makes itself, and
 * tells whether drivers have readied what was allocated. Used by the DynamicResources plugin.
 */
import { type AllocationResult, isConflict, isNotFound, type ResourceClaim } from '../../api/index.ts';
import { type Client, resourceClaims } from '../../client/index.ts';
import type { Clock } from '../../runtime/index.ts';
import type { PodInfo } from '../pod-info.ts';

const finalizer = 'resource.kubernetes.io/delete-protection';
const conflictsMax = 5;

const keyOf = ({ metadata }: ResourceClaim) => `${metadata?.namespace}/${metadata?.name}`;

/** A driver says that it cannot ready a device. */
class BindingProblem extends Error {
  override readonly name = 'BindingProblem';
}

/** Whether drivers have readied the devices of an allocated claim. @throws BindingProblem when one says that it cannot */
export function isReady({ metadata, status }: ResourceClaim): boolean {
  for (const result of status?.allocation?.devices?.results ?? []) {
    if (!result.bindingConditions?.length) continue;
    const conditions = status?.devices?.find(
      ({ driver, pool, device, shareID }) =>
        driver === result.driver && pool === result.pool && device === result.device && shareID === result.shareID,
    )?.conditions;
    if (!conditions) return false;
    const isTrue = (type: string) => conditions.find((one) => one.type === type && one.status === 'True');
    for (const type of result.bindingFailureConditions ?? []) {
      const failed = isTrue(type);
      if (!failed) continue;
      const message = JSON.stringify(failed.message);
      throw new BindingProblem(`claim ${metadata?.name} binding failed: reason=${failed.reason}, message=${message}`);
    }
    if (!result.bindingConditions.every(isTrue)) return false;
  }
  return true;
}

/** Does some driver have to ready a device before pods may use the claim? */
export const waitsForDrivers = ({ status }: ResourceClaim) =>
  (status?.allocation?.devices?.results ?? []).some(({ bindingConditions }) => bindingConditions?.length);

/** Writes allocations and reservations, again after each conflict with somebody's harmless change. */
export function claimWriter(client: Client, clock: Clock) {
  return async (
    claim: ResourceClaim,
    info: Pick<PodInfo, 'name' | 'uid'>,
    allocation: AllocationResult | undefined,
  ): Promise<ResourceClaim> => {
    let current = claim;
    for (let attempt = 0; ; attempt++) {
      try {
        if (current.metadata?.deletionTimestamp) throw new Error(`claim ${keyOf(claim)} got deleted in the meantime`);
        const finalizers = current.metadata?.finalizers ?? [];
        if (allocation && current.status?.allocation) {
          throw new Error(`claim ${keyOf(claim)} got allocated elsewhere in the meantime`);
        }
        if (allocation && !finalizers.includes(finalizer)) {
          const metadata = { ...current.metadata, finalizers: [...finalizers, finalizer] };
          current = await client.update(resourceClaims, { ...current, metadata });
        }
        const given = allocation ?? current.status!.allocation!;
        const allocationTimestamp = given.allocationTimestamp ?? `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
        const consumer = { resource: 'pods', name: info.name, uid: info.uid };
        const status = {
          ...current.status,
          allocation: { ...given, allocationTimestamp },
          reservedFor: [...(current.status?.reservedFor ?? []), consumer],
        };
        return await client.update(resourceClaims, { ...current, status }, { subresource: 'status' });
      } catch (error) {
        if (!isConflict(error) || attempt >= conflictsMax) throw error;
        const { namespace, name: claimName = '' } = claim.metadata ?? {};
        current = await client.get(resourceClaims, { namespace, name: claimName });
      }
    }
  };
}

/** Takes a claim away that the scheduler made: it owns the finalizer too. */
export async function deleteClaim(client: Client, claim: ResourceClaim): Promise<void> {
  const key = { namespace: claim.metadata?.namespace, name: claim.metadata?.name ?? '' };
  for (let attempt = 0; ; attempt++) {
    try {
      const current = attempt === 0 ? claim : await client.get(resourceClaims, key);
      const finalizers = (current.metadata?.finalizers ?? []).filter((one) => one !== finalizer);
      if (finalizers.length !== (current.metadata?.finalizers ?? []).length) {
        await client.update(resourceClaims, { ...current, metadata: { ...current.metadata, finalizers } });
      }
      await client.delete(resourceClaims, key);
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error) || attempt >= conflictsMax) throw error;
    }
  }
}
