/**
 * resourcepoolstatusrequest-controller: answers each ResourcePoolStatusRequest once, with the pools of its driver and how many of
 * their devices are allocated; an answer goes after an hour, a request that could not be answered after a day.
 *
 * @see kubernetes/pkg/controller/resourcepoolstatusrequest/controller.go and KEP-5677
 */
import {
  isConflict,
  isNotFound,
  type PoolStatus,
  type ResourcePoolStatusRequest,
  type ResourceSlice,
} from '../../src/api/index.ts';
import { resourceClaims, resourcePoolStatusRequests, resourceSlices } from '../../src/client/index.ts';
import { type ControllerDefinition, conditionOf, newCondition, timeMs } from '../../src/controller/index.ts';

const answeredKeptMs = 3_600_000;
const pendingKeptMs = 24 * 3_600_000;
/** Drivers may be about to publish the rest of a pool: that long, doubling, and that often. */
const retryMs = 5;
const retriesMax = 5;
const limitDefault = 100;
const errorBytesMax = 256;

/** What the slices of a pool's newest generation say of it. */
function poolOf(slices: readonly ResourceSlice[], allocatedDevices: number): PoolStatus {
  const { driver, pool } = slices[0]!.spec;
  const generation = Math.max(...slices.map(({ spec }) => spec.pool.generation));
  const newest = slices.filter(({ spec }) => spec.pool.generation === generation);
  const [first, ...others] = newest.map(({ spec }) => spec.nodeName ?? '');
  const nodeName = others.every((other) => other === first) ? first : '';
  const expected = newest[0]!.spec.pool.resourceSliceCount;
  const about = { driver, poolName: pool.name, generation, ...(nodeName ? { nodeName } : {}) };
  if (newest.length < expected) {
    const error = `pool ${driver}/${pool.name} is incomplete: observed ${newest.length}/${expected} slices at generation ${generation}`;
    return { ...about, validationError: error.slice(0, errorBytesMax) };
  }
  const totalDevices = newest.reduce((sum, { spec }) => sum + (spec.devices?.length ?? 0), 0);
  return {
    ...about,
    resourceSliceCount: newest.length,
    totalDevices,
    allocatedDevices,
    availableDevices: Math.max(0, totalDevices - allocatedDevices),
    unavailableDevices: 0,
  };
}

export const resourcePoolStatusRequestController: ControllerDefinition = {
  name: 'resourcepoolstatusrequest-controller',
  needs: resourcePoolStatusRequests,
  reconciles: resourcePoolStatusRequests,
  create({ client, context, lister }) {
    const { clock } = context;
    const requests = lister(resourcePoolStatusRequests);
    const slices = lister(resourceSlices);
    const claims = lister(resourceClaims);
    const attempts = new Map<string, number>();

    /** Devices that claims have, by driver and pool. */
    function allocated(): ReadonlyMap<string, number> {
      const counts = new Map<string, number>();
      for (const { status } of claims.list()) {
        for (const { driver, pool } of status?.allocation?.devices?.results ?? []) {
          const key = `${driver}/${pool}`;
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }
      }
      return counts;
    }

    function poolsOf({ spec }: ResourcePoolStatusRequest): PoolStatus[] {
      const byPool = new Map<string, ResourceSlice[]>();
      for (const slice of slices.list()) {
        const { driver, pool } = slice.spec;
        if (driver !== spec.driver || (spec.poolName !== undefined && spec.poolName !== pool.name)) continue;
        const known = byPool.get(pool.name);
        if (known === undefined) byPool.set(pool.name, [slice]);
        else known.push(slice);
      }
      const counts = allocated();
      return [...byPool]
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .map(([name, found]) => poolOf(found, counts.get(`${spec.driver}/${name}`) ?? 0));
    }

    /** When the request may go, in milliseconds since the epoch. */
    function expiryMs({ metadata, status }: ResourcePoolStatusRequest): number {
      if (status === undefined) return timeMs(metadata?.creationTimestamp) + pendingKeptMs;
      const done = conditionOf(status.conditions, 'Complete') ?? conditionOf(status.conditions, 'Failed');
      return timeMs(done?.lastTransitionTime ?? metadata?.creationTimestamp) + answeredKeptMs;
    }

    async function answer(request: ResourcePoolStatusRequest, pools: readonly PoolStatus[]): Promise<void> {
      const returned = pools.slice(0, request.spec.limit ?? limitDefault);
      const message = `Calculated status for ${returned.length} pools`;
      const status = {
        poolCount: pools.length,
        ...(returned.length === 0 ? {} : { pools: returned }),
        conditions: [newCondition(clock, 'Complete', 'True', 'CalculationComplete', message)],
      };
      await client.update(resourcePoolStatusRequests, { ...request, status }, { subresource: 'status' });
    }

    async function remove(name: string, uid: string): Promise<void> {
      await client.delete(resourcePoolStatusRequests, { name }, { preconditions: { uid } });
    }

    return {
      async reconcile(name) {
        const request = requests.get(undefined, name);
        const { uid = '' } = request?.metadata ?? {};
        if (request === undefined || request.metadata?.deletionTimestamp !== undefined) return undefined;
        const leftMs = expiryMs(request) - clock.now();
        try {
          if (leftMs <= 0) {
            await remove(name, uid);
            return undefined;
          }
          if (request.status !== undefined) return { requeueAfterMs: leftMs, background: true };
          const pools = poolsOf(request);
          const shown = pools.slice(0, request.spec.limit ?? limitDefault);
          if (shown.some(({ validationError }) => validationError !== undefined)) {
            const attempt = attempts.get(uid) ?? 0;
            if (attempt >= retriesMax) attempts.delete(uid);
            else attempts.set(uid, attempt + 1);
            return attempt >= retriesMax
              ? { requeueAfterMs: leftMs, background: true }
              : { requeueAfterMs: retryMs * 2 ** attempt };
          }
          attempts.delete(uid);
          await answer(request, pools);
        } catch (error) {
          if (!isNotFound(error) && !(isConflict(error) && leftMs <= 0)) throw error;
        }
        return undefined;
      },
    };
  },
};
