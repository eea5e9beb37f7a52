/**
 * Creates, mends and deletes the pods of a StatefulSet and their claims, with the events that upstream reports on the set. A
 * refusal is passed on after it was reported.
 *
 * @see kubernetes/pkg/controller/statefulset/stateful_pod_control.go
 */
import { isAlreadyExists, isConflict, type PersistentVolumeClaim, type Pod, type StatefulSet } from '../api/index.ts';
import { type Client, type EventRecorder, keyOf, type Lister, persistentVolumeClaims, pods } from '../client/index.ts';
import { messageOf } from './pod-control.ts';
import { claimOwners, hasUnexpectedController, isClaimOwnerUpToDate, isStaleClaim } from './stateful-claims.ts';
import { claimsOf, hasIdentity, hasStorage, identityLabels, ordinalOf, volumesOf } from './stateful-pods.ts';

export interface StatefulPodControl {
  /** Makes the pod after its claims. @throws also when the name is taken, which nobody is told of. */
  create(set: StatefulSet, pod: Pod): Promise<void>;
  /** Gives the pod what makes it the one of its ordinal, where it lacks it: its labels, its claims, and their owners. */
  conform(set: StatefulSet, pod: Pod): Promise<void>;
  /** @throws also when the pod is gone. */
  delete(set: StatefulSet, pod: Pod): Promise<void>;
  /** Makes claims of the pod that are missing, and brings their owners in line with the retention policy. */
  completeClaims(set: StatefulSet, pod: Pod): Promise<void>;
  /** Brings the owners of the pod's claims in line with the retention policy. */
  retainClaims(set: StatefulSet, pod: Pod): Promise<void>;
  /** Whether a claim of a pod that is to be made is about to go with the pod before. */
  hasStaleClaim(set: StatefulSet, pod: Pod): boolean;
}

export function createStatefulPodControl(
  client: Client,
  events: EventRecorder,
  claims: Lister<PersistentVolumeClaim>,
): StatefulPodControl {
  function succeeded(set: StatefulSet, verb: string, what: string): void {
    events.event(set, 'Normal', `Successful${verb}`, `${verb} ${what}`);
  }

  function failed(set: StatefulSet, verb: string, what: string, error: unknown): void {
    const message = `${verb} ${what} in StatefulSet ${set.metadata?.name} failed error: ${messageOf(error)}`;
    events.event(set, 'Warning', `Failed${verb}`, message);
  }

  const podText = (pod: Pod) => `Pod ${pod.metadata?.name}`;

  function podSucceeded(set: StatefulSet, verb: string, pod: Pod): void {
    succeeded(set, verb, `${podText(pod)} in StatefulSet ${set.metadata?.name} successful`);
  }

  /** A refusal is reported; a lost race is nobody's concern, for it is run again. */
  async function reporting<Result>(set: StatefulSet, verb: string, pod: Pod, act: () => Promise<Result>) {
    try {
      return await act();
    } catch (error) {
      if (!isLostRace(error)) failed(set, verb, podText(pod), error);
      throw error;
    }
  }

  /** The claims of the pod that the cache shows. */
  function knownClaims(set: StatefulSet, pod: Pod): PersistentVolumeClaim[] {
    return claimsOf(set, ordinalOf(set, pod)).flatMap(
      ({ metadata }) => claims.get(set.metadata?.namespace, metadata?.name ?? '') ?? [],
    );
  }

  /** All are tried, whatever became of the others. */
  async function createClaims(set: StatefulSet, pod: Pod): Promise<void> {
    const failures: Error[] = [];
    for (const wanted of claimsOf(set, ordinalOf(set, pod))) {
      const name = wanted.metadata?.name ?? '';
      const known = claims.get(set.metadata?.namespace, name);
      if (known?.metadata?.deletionTimestamp !== undefined) failures.push(new Error(`pvc ${name} is being deleted`));
      if (known !== undefined) continue;
      try {
        await client.create(persistentVolumeClaims, wanted);
        succeeded(set, 'Create', `Claim ${name} ${podText(pod)} in StatefulSet ${set.metadata?.name} success`);
      } catch (error) {
        // The cache did not show it yet.
        if (isAlreadyExists(error)) continue;
        failed(set, 'Create', `Claim ${name} for ${podText(pod)}`, error);
        failures.push(new Error(`failed to create PVC ${name}: ${messageOf(error)}`, { cause: error }));
      }
    }
    if (failures.length > 0) throw together(failures);
  }

  async function retainClaims(set: StatefulSet, pod: Pod): Promise<void> {
    for (const known of knownClaims(set, pod)) {
      const name = known.metadata?.name;
      if (hasUnexpectedController(known, set, pod)) {
        const why = 'has a conflicting OwnerReference that acts as a manging controller';
        const message = `PersistentVolumeClaim ${name} ${why}, the retention policy is ignored for this claim`;
        events.event(set, 'Warning', 'ConflictingController', message);
      }
      if (isClaimOwnerUpToDate(known, set, pod)) continue;
      const ownerReferences = claimOwners(known, set, pod);
      try {
        await client.update(persistentVolumeClaims, { ...known, metadata: { ...known.metadata, ownerReferences } });
      } catch (error) {
        const message = `could not update claim ${name} for delete policy ownerRefs: ${messageOf(error)}`;
        throw new Error(message, { cause: error });
      }
    }
  }

  const areRetained = (set: StatefulSet, pod: Pod) =>
    knownClaims(set, pod).every((known) => isClaimOwnerUpToDate(known, set, pod));

  return {
    async create(set, pod) {
      await reporting(set, 'Create', pod, () => createClaims(set, pod));
      try {
        await client.create(pods, pod);
      } catch (error) {
        if (isAlreadyExists(error)) throw error;
        await reporting(set, 'Update', pod, () => retainClaims(set, pod));
        failed(set, 'Create', podText(pod), error);
        throw error;
      }
      await reporting(set, 'Update', pod, () => retainClaims(set, pod));
      podSucceeded(set, 'Create', pod);
    },
    async conform(set, pod) {
      const ordinal = ordinalOf(set, pod);
      const [known, stored, retained] = [hasIdentity(pod), hasStorage(set, pod), areRetained(set, pod)];
      if (known && stored && retained) return;
      await reporting(set, 'Update', pod, async () => {
        if (!stored) await createClaims(set, pod);
        if (!retained) await retainClaims(set, pod);
        const patch = {
          ...(known ? {} : { metadata: { labels: identityLabels(set, ordinal) } }),
          ...(stored ? {} : { spec: { volumes: volumesOf(set, ordinal, pod.spec?.volumes) } }),
        };
        // A pod whose claims alone changed counts as updated, too.
        if (!known || !stored) await client.patch(pods, keyOf(pod), 'merge', patch);
      });
      podSucceeded(set, 'Update', pod);
    },
    async delete(set, pod) {
      await reporting(set, 'Delete', pod, () => client.delete(pods, keyOf(pod)));
      podSucceeded(set, 'Delete', pod);
    },
    async completeClaims(set, pod) {
      await createClaims(set, pod);
      await reporting(set, 'Update', pod, () => retainClaims(set, pod));
    },
    async retainClaims(set, pod) {
      if (!areRetained(set, pod)) await retainClaims(set, pod);
    },
    hasStaleClaim: (set, pod) => knownClaims(set, pod).some((known) => isStaleClaim(known, set, pod)),
  };
}

const isLostRace = (error: unknown): boolean =>
  isConflict(error) || (error instanceof Error && isConflict(error.cause));

/** Several failures as one, in upstream's form. */
function together(failures: readonly Error[]): Error {
  const [first] = failures;
  if (first !== undefined && failures.length === 1) return first;
  return new Error(`[${failures.map(({ message }) => message).join(', ')}]`, { cause: first?.cause });
}
