/**
 * Devices by claim: a pod's claims are allocated on the node that it goes to, and reserved for it, before it is bound.
 * Which devices are taken is known from all claims; what is decided but not written yet counts already.
 * @see plugins/dynamicresources/dynamicresources.go
 */
import {
  type AllocationResult,
  expressions,
  expressionsIfLoaded,
  isConflict,
  loadExpressions,
  type Node,
  type Pod,
  type ResourceClaim,
} from '../../../src/api/index.ts';
import { deviceClasses, resourceClaims, resourceSlices } from '../../../src/client/index.ts';
import {
  Action,
  AllocatedDevices,
  AllocationError,
  alternativesOf,
  ClaimCache,
  Code,
  type CompileDeviceSelector,
  ConfigurationError,
  claimNameOf,
  compileNodeSelector,
  DeviceAllocation,
  DeviceInventory,
  DeviceSelectorSyntaxError,
  type EventRegistration,
  errorVerdict,
  isMadeFor,
  isReservedFor,
  NodeAllocationError,
  type NodeMatcher,
  normalizeByHighest,
  type PluginDefinition,
  type PluginHandle,
  type PodInfo,
  rememberedSelector,
  skip,
  stateKey,
  unresolvable,
  unschedulable,
  type Verdict,
  verdict,
} from '../../../src/scheduling/index.ts';

const name = 'DynamicResources';
const finalizer = 'resource.kubernetes.io/delete-protection';
const reservationsMax = 256;
const alternativesMax = 8;
const conflictsMax = 5;
const bindingPollMs = 5000;
const inUse = unresolvable('resourceclaim in use');
const cannotAllocate = unresolvable('cannot allocate all claims');
const notOnNode = unresolvable('resourceclaim not available on the node');
const nothingToFree = unschedulable('no new claims to deallocate');
const notLoaded = unresolvable('device selectors are being loaded');
const stillNot = unschedulable('still not schedulable');
const freed = unschedulable('deallocation of ResourceClaim completed');

interface State {
  /** Replaced by what the API answered, as they are written. */
  readonly claims: ResourceClaim[];
  /** Where an allocated claim can be used, at the same indexes. */
  readonly usable: readonly (NodeMatcher | undefined)[];
  readonly toAllocate: readonly ResourceClaim[];
  /** By row, in the order of `toAllocate`. */
  readonly byRow: Map<number, DeviceAllocation>;
  /** Allocated claims that kept some node out. */
  readonly unavailable: Set<number>;
  /** What was reserved, by the uid of the claim. */
  readonly reserved: Map<string, AllocationResult>;
}

const stateOf = stateKey<State>(name);
const keyOf = ({ metadata }: ResourceClaim) => `${metadata?.namespace}/${metadata?.name}`;
const uidOf = ({ metadata }: ResourceClaim) => metadata?.uid ?? '';

/** @throws DeviceSelectorSyntaxError; the matcher throws Error */
const compileSelector: CompileDeviceSelector = (expression) => {
  const selector = expressions().compileDeviceSelector(expression);
  if ('error' in selector) throw new DeviceSelectorSyntaxError(selector.error);
  return (device) => {
    // What the API stored has no member that is present and undefined.
    const answer = selector.matches(device as Parameters<typeof selector.matches>[0]);
    if (typeof answer !== 'boolean') throw new Error(answer.error);
    return answer;
  };
};

/** A driver says that it cannot ready a device. */
class BindingProblem extends Error {
  override readonly name = 'BindingProblem';
}

/** Whether drivers have readied the devices of an allocated claim. @throws BindingProblem when one says that it cannot */
function isReady({ metadata, status }: ResourceClaim): boolean {
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

const waitsForDrivers = ({ status }: ResourceClaim) =>
  (status?.allocation?.devices?.results ?? []).some(({ bindingConditions }) => bindingConditions?.length);

/** Is the claim one of the pod's, by name? */
const uses = ({ pod, namespace }: PodInfo, { metadata }: ResourceClaim): boolean =>
  metadata?.namespace === namespace &&
  (pod.spec?.resourceClaims ?? []).some((entry) => claimNameOf(pod, entry) === metadata.name);

/** Writes allocations and reservations, again after each conflict with somebody's harmless change. */
function claimWriter({ client, clock }: PluginHandle) {
  return async (
    claim: ResourceClaim,
    info: PodInfo,
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
          current = await client!.update(resourceClaims, { ...current, metadata });
        }
        const given = allocation ?? current.status!.allocation!;
        const allocationTimestamp = given.allocationTimestamp ?? `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
        const consumer = { resource: 'pods', name: info.name, uid: info.uid };
        const status = {
          ...current.status,
          allocation: { ...given, allocationTimestamp },
          reservedFor: [...(current.status?.reservedFor ?? []), consumer],
        };
        return await client!.update(resourceClaims, { ...current, status }, { subresource: 'status' });
      } catch (error) {
        if (!isConflict(error) || attempt >= conflictsMax) throw error;
        const { namespace, name: claimName = '' } = claim.metadata ?? {};
        current = await client!.get(resourceClaims, { namespace, name: claimName });
      }
    }
  };
}

export const dynamicResources: PluginDefinition = {
  name,
  create(handle, args) {
    const { nodes, informers, client, clock, random, log, recorder } = handle;
    const timeoutSeconds = Number.parseFloat(`${args['bindingTimeout'] ?? '600s'}`);
    if (!(timeoutSeconds > 0)) {
      throw new ConfigurationError(
        `bindingTimeout: Invalid value: ${JSON.stringify(args['bindingTimeout'])}: must be a positive duration`,
      );
    }
    const bindingTimeoutMs = timeoutSeconds * 1000;
    const classes = informers?.informer(deviceClasses).lister;
    const slices = informers?.informer(resourceSlices);
    const claimInformer = informers?.informer(resourceClaims);
    const inventory = new DeviceInventory(() => slices?.lister.list() ?? []);
    const allocated = new AllocatedDevices();
    const claims = new ClaimCache(claimInformer?.lister ?? { get: () => undefined }, allocated);
    const failed = (error: unknown) => log.error('watch failed', { plugin: name, error: String(error) });
    slices?.changes$.subscribe({ next: () => inventory.invalidate(), error: failed });
    claimInformer?.changes$.subscribe({
      next: ({ type, object }) => claims.changed(object, type === 'deleted'),
      error: failed,
    });
    const select = rememberedSelector(compileSelector);
    const write = claimWriter(handle);

    /** The pod's claims, or what is wrong with them as text: hints ask this of thousands of pods, so nothing is thrown. */
    const claimsOf = (pod: Pod): readonly ResourceClaim[] | string => {
      const { namespace = '', name: podName } = pod.metadata ?? {};
      const found: ResourceClaim[] = [];
      for (const entry of pod.spec?.resourceClaims ?? []) {
        const claimName = claimNameOf(pod, entry);
        if (claimName === undefined) return `pod "${namespace}/${podName}": ResourceClaim not created yet`;
        if (claimName === null) continue;
        const claim = claims.get(namespace, claimName);
        if (!claim) return `resourceclaim.resource.k8s.io ${JSON.stringify(claimName)} not found`;
        if (claim.metadata?.deletionTimestamp) return `resourceclaim ${JSON.stringify(claimName)} is being deleted`;
        if (entry.resourceClaimTemplateName !== undefined && !isMadeFor(pod, claim)) {
          const pair = `ResourceClaim ${keyOf(claim)} was not created for pod ${namespace}/${podName}`;
          return `${pair} (pod is not owner)`;
        }
        found.push(claim);
      }
      return found;
    };
    const problemOf = (pod: Pod): string | undefined => {
      const found = claimsOf(pod);
      return typeof found === 'string' ? found : undefined;
    };

    /** A class that a request names and nobody made. */
    const missingClass = (claim: ResourceClaim): Verdict | undefined => {
      for (const request of claim.spec.devices?.requests ?? []) {
        for (const { className, fullName } of alternativesOf(request)) {
          if (className === '') return errorVerdict(new Error(`request ${fullName}: unsupported request type`));
          if (!classes?.get(undefined, className)) {
            return unresolvable(`request ${fullName}: device class ${className} does not exist`);
          }
        }
      }
      return undefined;
    };

    const timedOut = ({ status }: ResourceClaim): boolean => {
      const since = status?.allocation?.allocationTimestamp;
      return since !== undefined && Date.parse(since) + bindingTimeoutMs < clock.now();
    };
    /** Its drivers have given up on it, or took too long. */
    const isStuck = (claim: ResourceClaim): boolean => {
      if (!waitsForDrivers(claim)) return false;
      try {
        return !isReady(claim) && timedOut(claim);
      } catch {
        return true;
      }
    };

    const allocate = (state: State, node: Node): DeviceAllocation | Verdict => {
      try {
        const attempt = new DeviceAllocation(
          {
            inventory,
            allocated,
            classOf: (className) => classes?.get(undefined, className),
            select,
            shareId: () => random.uuid(),
          },
          node,
          state.toAllocate,
        );
        return attempt.solve() ? attempt : cannotAllocate;
      } catch (error) {
        if (error instanceof NodeAllocationError) return unresolvable(error.message);
        if (error instanceof AllocationError) return verdict(Code.Error, error.message);
        throw error;
      }
    };

    const release = (claim: ResourceClaim): void => {
      const { allocation: _allocation, reservedFor: _reservedFor, devices: _devices, ...status } = claim.status ?? {};
      client?.update(resourceClaims, { ...claim, status }, { subresource: 'status' }).then(
        (updated) => claims.wrote(updated),
        (error: unknown) => log.warn('claim not deallocated', { claim: keyOf(claim), error: String(error) }),
      );
    };

    const events: readonly EventRegistration[] = [
      { resource: 'Node', action: Action.Add | Action.UpdateNodeLabel },
      {
        resource: 'ResourceClaim',
        action: Action.Add | Action.Update,
        hint(info, previous, current) {
          const before = previous as ResourceClaim | undefined;
          const after = current as ResourceClaim;
          const isFreed = before?.status?.allocation !== undefined && after.status?.allocation === undefined;
          if (!isFreed && !uses(info, after)) return false;
          if (problemOf(info.pod) !== undefined) return false;
          if (isFreed) return true;
          return before === undefined || JSON.stringify(before.status) !== JSON.stringify(after.status);
        },
      },
      {
        resource: 'TargetPod',
        action: Action.UpdatePodGeneratedResourceClaim,
        hint: (_info, _previous, current) => problemOf(current as Pod) === undefined,
      },
      { resource: 'DeviceClass', action: Action.Add | Action.Update },
      { resource: 'ResourceSlice', action: Action.Add | Action.Update },
    ];

    return {
      name,
      events: () => events,
      preEnqueue(info) {
        if (!info.pod.spec?.resourceClaims?.length) return undefined;
        if (!expressionsIfLoaded()) {
          loadExpressions().then(() => handle.activate(info), failed);
          return notLoaded;
        }
        const problem = problemOf(info.pod);
        return problem === undefined ? undefined : unresolvable(problem);
      },
      preFilter(cycle, info) {
        if (!info.pod.spec?.resourceClaims?.length) return skip;
        const found = claimsOf(info.pod);
        if (typeof found === 'string') return unresolvable(found);
        if (found.length === 0) return skip;
        const toAllocate: ResourceClaim[] = [];
        const usable: (NodeMatcher | undefined)[] = [];
        for (const claim of found) {
          const { allocation, reservedFor = [] } = claim.status ?? {};
          usable.push(allocation?.nodeSelector && compileNodeSelector(allocation.nodeSelector));
          if (allocation) {
            if (reservedFor.length >= reservationsMax && !isReservedFor(info.uid, claim)) return inUse;
            continue;
          }
          if (allocated.isPending(uidOf(claim))) {
            return unresolvable(`resource claim ${keyOf(claim)} is in the process of being allocated`);
          }
          const missing = missingClass(claim);
          if (missing) return missing;
          toAllocate.push(claim);
        }
        cycle.write(stateOf, {
          claims: [...found],
          usable,
          toAllocate,
          byRow: new Map(),
          unavailable: new Set<number>(),
          reserved: new Map(),
        });
        return undefined;
      },
      filter(cycle, _info, row) {
        const state = cycle.need(stateOf);
        const node = nodes.nodes[row]!;
        let kept = false;
        for (const [i, claim] of state.claims.entries()) {
          if (state.usable[i]?.(node) !== false && !(claim.status?.allocation && isStuck(claim))) continue;
          state.unavailable.add(i);
          kept = true;
        }
        if (state.toAllocate.length > 0 && !state.byRow.has(row)) {
          const given = allocate(state, node);
          if ('code' in given) return given;
          state.byRow.set(row, given);
        }
        return kept ? notOnNode : undefined;
      },
      postFilter(cycle, info) {
        const state = cycle.read(stateOf);
        if (!state) return { verdict: nothingToFree };
        for (const index of state.unavailable) {
          const claim = state.claims[index]!;
          const holders = claim.status?.reservedFor ?? [];
          if (holders.some(({ uid }) => uid !== info.uid)) continue;
          release(claim);
          return { verdict: freed };
        }
        return { verdict: stillNot };
      },
      preScore(cycle) {
        const state = cycle.read(stateOf);
        const chooses = state?.toAllocate.some(({ spec }) => spec.devices?.requests?.some((one) => one.firstAvailable));
        return chooses ? undefined : skip;
      },
      score(cycle, _info, row) {
        const { toAllocate, byRow } = cycle.need(stateOf);
        let score = 0;
        for (const [i, { devices }] of (byRow.get(row)?.results() ?? []).entries()) {
          const chosen = new Set(devices?.results?.map(({ request }) => request));
          for (const request of toAllocate[i]!.spec.devices?.requests ?? []) {
            for (const [place, one] of (request.firstAvailable ?? []).entries()) {
              if (chosen.has(`${request.name}/${one.name}`)) score += alternativesMax - place;
            }
          }
        }
        return score;
      },
      normalizeScore: (_cycle, _info, _rows, count, scores) => normalizeByHighest(scores, count, false),
      reserve(cycle, _info, nodeName) {
        const state = cycle.read(stateOf);
        if (!state || state.toAllocate.length === 0) return undefined;
        const given = state.byRow.get(nodes.rowOf(nodeName))?.results();
        if (!given) return verdict(Code.Error, 'claim allocation not found for node');
        for (const [i, claim] of state.toAllocate.entries()) {
          state.reserved.set(uidOf(claim), given[i]!);
          allocated.assume(uidOf(claim), given[i]!);
        }
        return undefined;
      },
      unreserve(cycle, info) {
        const state = cycle.read(stateOf);
        if (!state) return;
        for (const claim of state.claims) {
          if (state.reserved.delete(uidOf(claim))) allocated.forget(uidOf(claim));
          if (!claim.status?.allocation || !isReservedFor(info.uid, claim)) continue;
          const { namespace, name: claimName = '' } = claim.metadata ?? {};
          const patch = {
            metadata: { uid: uidOf(claim) },
            status: { reservedFor: [{ $patch: 'delete', uid: info.uid }] },
          };
          client
            ?.patch(resourceClaims, { namespace, name: claimName }, 'strategic', patch, { subresource: 'status' })
            .then(
              (updated) => claims.wrote(updated),
              (error: unknown) => log.warn('claim not unreserved', { claim: keyOf(claim), error: String(error) }),
            );
        }
      },
      preBindNeeded: (cycle) => cycle.read(stateOf) !== undefined,
      async preBind(cycle, info, nodeName) {
        const { claims: mine, reserved } = cycle.need(stateOf);
        for (const [i, claim] of mine.entries()) {
          if (isReservedFor(info.uid, claim)) continue;
          const allocation = reserved.get(uidOf(claim));
          try {
            const written = await write(claim, info, allocation);
            claims.wrote(written);
            mine[i] = written;
          } catch (error) {
            const what = allocation ? 'allocation and reservation' : 'reservation';
            return errorVerdict(new Error(`add ${what} to claim ${keyOf(claim)}: ${(error as Error).message}`), name);
          }
        }
        if (!mine.some(waitsForDrivers)) return undefined;
        recorder?.event(
          { apiVersion: 'v1', kind: 'Pod', ...info.pod },
          'Normal',
          'BindingConditionsPending',
          `waiting for binding conditions for device on node ${nodeName}`,
          { action: 'Scheduling' },
        );
        const untilMs = clock.now() + bindingTimeoutMs;
        for (;;) {
          for (const [i, claim] of mine.entries()) {
            const { namespace = '', name: claimName = '' } = claim.metadata ?? {};
            mine[i] = claims.get(namespace, claimName) ?? claim;
          }
          try {
            if (mine.every(isReady)) return undefined;
          } catch (error) {
            return errorVerdict(error, name);
          }
          if (clock.now() >= untilMs) return errorVerdict(new Error('device binding timeout'), name);
          await clock.sleep(bindingPollMs, { background: true });
        }
      },
    };
  },
};
