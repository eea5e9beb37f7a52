/**
 * storageversion-garbage-collector-controller: takes API servers whose identity Lease is gone out of the StorageVersions that they
 * reported, and deletes those that nobody reports any more.
 *
 * @see kubernetes/pkg/controller/storageversiongc/gc_controller.go and apiserver/pkg/storageversion/updater.go
 */
import { isNotFound, type ServerStorageVersion, type StorageVersion } from '../../src/api/index.ts';
import { leases, storageVersions } from '../../src/client/index.ts';
import { type ControllerDefinition, conditionOf, timeText } from '../../src/controller/index.ts';

const namespace = 'kube-system';
const identityLabel = 'apiserver.kubernetes.io/identity';
const identity = 'kube-apiserver';
const serverIndex = 'api-server';

/** The status with these servers left: the version that they agree on, and the condition that says whether they do. */
function statusWith(version: StorageVersion, servers: ServerStorageVersion[], nowMs: number): StorageVersion['status'] {
  const [first, ...others] = servers;
  const agreed = others.every(({ encodingVersion }) => encodingVersion === first?.encodingVersion);
  const common = agreed ? first?.encodingVersion : undefined;
  const { commonEncodingVersion: before, conditions = [] } = version.status ?? {};
  const type = 'AllEncodingVersionsEqual';
  const status = common === undefined ? 'False' : 'True';
  const current = conditionOf(conditions, type);
  const isOther = current?.status !== status || (before !== undefined && common !== undefined && before !== common);
  const condition = {
    type,
    status,
    observedGeneration: version.metadata?.generation,
    lastTransitionTime: isOther ? timeText(nowMs) : current.lastTransitionTime,
    reason: common === undefined ? 'CommonEncodingVersionUnset' : 'CommonEncodingVersionSet',
    message: common === undefined ? 'Common encoding version unset' : 'Common encoding version set',
  };
  return {
    storageVersions: servers,
    ...(common === undefined ? {} : { commonEncodingVersion: common }),
    conditions:
      current === undefined ? [...conditions, condition] : conditions.map((one) => (one === current ? condition : one)),
  };
}

export const storageVersionGarbageCollectorController: ControllerDefinition = {
  name: 'storageversion-garbage-collector-controller',
  queue: 'storage_version_garbage_collector_storageversions',
  serviceAccount: 'storage-version-garbage-collector',
  needs: storageVersions,
  reconciles: storageVersions,
  workers: 1,
  create({ client, context, enqueue, index, lister, observe }) {
    const versions = lister(storageVersions);
    index(storageVersions, serverIndex, ({ status }) =>
      (status?.storageVersions ?? []).map(({ apiServerID }) => apiServerID),
    );
    observe(
      leases,
      ({ type, object }) => {
        if (type !== 'deleted') return;
        for (const { metadata } of versions.byIndex(serverIndex, object.metadata?.name ?? '')) {
          enqueue(metadata?.name ?? '');
        }
      },
      { namespace, labelSelector: `${identityLabel}=${identity}` },
    );

    async function isServing(name: string): Promise<boolean> {
      try {
        const { metadata } = await client.get(leases, { namespace, name });
        return metadata?.labels?.[identityLabel] === identity;
      } catch (error) {
        if (isNotFound(error)) return false;
        throw error;
      }
    }

    return {
      async reconcile(name) {
        const version = versions.get(undefined, name);
        const reported = version?.status?.storageVersions ?? [];
        if (version === undefined || reported.length === 0) return undefined;
        const serving = await Promise.all(reported.map(({ apiServerID }) => isServing(apiServerID)));
        const left = reported.filter((_, at) => serving[at]);
        if (left.length === reported.length) return undefined;
        try {
          if (left.length === 0) await client.delete(storageVersions, { name });
          else {
            const status = statusWith(version, left, context.clock.now());
            await client.update(storageVersions, { ...version, status }, { subresource: 'status' });
          }
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
