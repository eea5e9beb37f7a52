/**
 * The claims as the scheduler knows them: what the informer has, or what the API answered to this scheduler's own last
 * write when that is newer. Keeps {@link AllocatedDevices} up to date with them.
 * @see kubernetes/pkg/scheduler/util/assumecache
 */
import type { Pod, PodResourceClaim, ResourceClaim } from '../../api/index.ts';
import type { Lister } from '../../client/index.ts';
import type { AllocatedDevices } from './allocated.ts';

const keyOf = ({ metadata }: ResourceClaim) => `${metadata?.namespace}/${metadata?.name}`;
const versionOf = ({ metadata }: ResourceClaim) => Number(metadata?.resourceVersion ?? 0);

export class ClaimCache {
  readonly #lister: Pick<Lister<ResourceClaim>, 'get'>;
  readonly #allocated: AllocatedDevices;
  /** Answers to writes that the informer has not seen yet. */
  readonly #written = new Map<string, ResourceClaim>();

  constructor(lister: Pick<Lister<ResourceClaim>, 'get'>, allocated: AllocatedDevices) {
    this.#lister = lister;
    this.#allocated = allocated;
  }

  get(namespace: string, name: string): ResourceClaim | undefined {
    return this.#written.get(`${namespace}/${name}`) ?? this.#lister.get(namespace, name);
  }

  /** The informer has a claim in a new state, or has seen it go. */
  changed(claim: ResourceClaim, gone: boolean): void {
    const key = keyOf(claim);
    const written = this.#written.get(key);
    if (written && !gone && versionOf(claim) < versionOf(written)) return;
    this.#written.delete(key);
    this.#allocated.set(claim.metadata?.uid ?? '', gone ? undefined : claim);
  }

  /** The API took this scheduler's write. */
  wrote(claim: ResourceClaim): void {
    const { namespace = '', name = '' } = claim.metadata ?? {};
    const cached = this.#lister.get(namespace, name);
    if (!cached || versionOf(cached) >= versionOf(claim)) return;
    this.#written.set(keyOf(claim), claim);
    this.#allocated.set(claim.metadata?.uid ?? '', claim);
  }
}

/** The name of the claim behind an entry of a pod: null when none is needed, undefined while it is not made. */
export function claimNameOf(pod: Pod, entry: PodResourceClaim): string | null | undefined {
  if (entry.resourceClaimName !== undefined) return entry.resourceClaimName;
  const status = pod.status?.resourceClaimStatuses?.find(({ name }) => name === entry.name);
  return status && (status.resourceClaimName ?? null);
}

/** Is the claim the pod's own, made from a template for it? */
export function isMadeFor(pod: Pod, claim: ResourceClaim): boolean {
  return (claim.metadata?.ownerReferences ?? []).some(
    ({ controller, uid }) => controller === true && uid === pod.metadata?.uid,
  );
}

export const isReservedFor = (uid: string, claim: ResourceClaim): boolean =>
  (claim.status?.reservedFor ?? []).some((consumer) => consumer.uid === uid);
