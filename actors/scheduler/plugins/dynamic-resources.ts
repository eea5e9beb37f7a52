/**
 * Devices by claim: a pod's claims are allocated on the node that it goes to, and reserved for it, before it is bound.
 * Which devices are taken is known from all claims; what is decided but not written yet counts already.
 * @see plugins/dynamicresources/dynamicresources.go
 */
import {
  type AllocationResult,
  expressions,
  expressionsIfLoaded,
  loadExpressions,
  type Node,
  type Pod,
  type ResourceClaim,
} from '../../../src/api/index.ts';
import { deviceClasses, deviceTaintRules, pods, resourceClaims, resourceSlices } from '../../../src/client/index.ts';
import {
  Action,
  AllocatedDevices,
  AllocationError,
  alternativesOf,
  ClaimCache,
  Code,
  type CompileDeviceSelector,
  claimNameOf,
  claimWriter,
  compileNodeSelector,
  DeviceAllocation,
  DeviceClassResolver,
  DeviceInventory,
  DeviceSelectorSyntaxError,
  Dimension,
  deleteClaim,
  dimensionName,
  dimensionOf,
  type EventRegistration,
  type ExtendedRequests,
  errorVerdict,
  expectDurationMs,
  extendedClaimAnnotation,
  extendedRequests,
  FittingRows,
  isExtendedName,
  isMadeFor,
  isReady,
  isReservedFor,
  NodeAllocationError,
  type NodeMatcher,
  normalizeByHighest,
  type PluginDefinition,
  type PodInfo,
  rememberedSelector,
  skip,
  stateKey,
  unresolvable,
  unschedulable,
  type Verdict,
  verdict,
  type WordingAnswers,
  waitsForDrivers,
} from '../../../src/scheduling/index.ts';

const name = 'DynamicResources';
const reservationsMax = 256;
const alternativesMax = 8;
const bindingPollMs = 5000;
const bindingTimeoutDefaultMs = 600_000;
const inUse = unresolvable('resourceclaim in use');
const cannotAllocate = unresolvable('cannot allocate all claims');
const notOnNode = unresolvable('resourceclaim not available on the node');
const nothingToFree = unschedulable('no new claims to deallocate');
const notLoaded = unresolvable('device selectors are being loaded');
const stillNot = unschedulable('still not schedulable');
const freed = unschedulable('deallocation of ResourceClaim completed');
const deleted = unschedulable('deletion of ResourceClaim completed');
const staleExtended = unschedulable('cannot schedule extended resource claim');
const cannotFit = unschedulable('cannot fit resource');

interface State {
  /** Replaced by what the API answered, as they are written. */
  readonly claims: ResourceClaim[];
  /** Where an allocated claim can be used, at the same indexes. */
  readonly usable: readonly (NodeMatcher | undefined)[];
  readonly toAllocate: readonly ResourceClaim[];
  /** What has to be allocated, by the extended resources that a row serves by devices. */
  readonly wanted: Map<string, Wanted>;
  /** By row, as far as worked out, in the order of the claims that are wanted there. */
  readonly byRow: Map<number, Allocation>;
  /** Set when the pod requests resources that classes stand for. */
  readonly extended: Extended | undefined;
  /** Allocated claims that kept some node out. */
  readonly unavailable: Set<number>;
  /** What was reserved, by the uid of the claim. */
  readonly reserved: Map<string, AllocationResult>;
}

interface Wanted {
  /** `toAllocate`; after those, the claim for extended resources where the row needs one. */
  readonly claims: readonly ResourceClaim[];
  /** The claim that the scheduler would make, and which container gets what of it. */
  readonly extendedClaim: ResourceClaim | undefined;
  readonly mappings: ExtendedRequests['mappings'];
  /** Where claims of this wording can be served; undefined when there is none. */
  readonly answers: WordingAnswers | undefined;
}

interface Allocation {
  readonly devices: DeviceAllocation;
  readonly wanted: Wanted;
}

/** The claim for extended resources, which nobody wrote. */
interface Extended {
  readonly resources: readonly string[];
  /** Left over from an attempt that failed after it had made one. */
  readonly leftover: ResourceClaim | undefined;
  /** Stands for the claim's uid until it has one. */
  readonly uid: string;
  /** Once it is made. */
  made: ResourceClaim | undefined;
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

const isFreed = (before: ResourceClaim | undefined, after: ResourceClaim): boolean =>
  before?.status?.allocation !== undefined && after.status?.allocation === undefined;

/** Is the claim one of the pod's, by name? */
const uses = ({ pod, namespace }: PodInfo, { metadata }: ResourceClaim): boolean =>
  metadata?.namespace === namespace &&
  (pod.spec?.resourceClaims ?? []).some((entry) => claimNameOf(pod, entry) === metadata.name);

export const dynamicResources: PluginDefinition = {
  name,
  create(handle, args) {
    const { nodes, informers, client, clock, random, log, recorder, featureGates } = handle;
    const bindingTimeoutMs = expectDurationMs(args['bindingTimeout'], 'bindingTimeout') ?? bindingTimeoutDefaultMs;
    const classes = informers?.informer(deviceClasses).lister;
    const slices = informers?.informer(resourceSlices);
    const claimInformer = informers?.informer(resourceClaims);
    const rules = featureGates.enabled('DRADeviceTaintRules') ? informers?.informer(deviceTaintRules) : undefined;
    const inventory = new DeviceInventory(
      () => slices?.lister.list() ?? [],
      () => rules?.lister.list() ?? [],
    );
    const allocated = new AllocatedDevices();
    const fitting = new FittingRows(inventory, allocated);
    const claims = new ClaimCache(claimInformer?.lister ?? { get: () => undefined }, allocated);
    const failed = (error: unknown) => log.error('watch failed', { plugin: name, error: String(error) });
    informers?.informer(deviceClasses).changes$.subscribe({ next: () => fitting.clear(), error: failed });
    rules?.changes$.subscribe({ next: () => inventory.invalidate(), error: failed });
    slices?.changes$.subscribe({
      next(change) {
        if (change.type === 'deleted') inventory.changed(change.object, undefined);
        else inventory.changed(change.type === 'updated' ? change.previous : undefined, change.object);
      },
      error: failed,
    });
    /** The claims that the scheduler made for pods' extended resources, by the pod's uid. */
    const extendedClaims = new Map<string, ResourceClaim>();
    claimInformer?.changes$.subscribe({
      next: ({ type, object }) => {
        claims.changed(object, type === 'deleted');
        if (object.metadata?.annotations?.[extendedClaimAnnotation] !== 'true') return;
        const owner = object.metadata.ownerReferences?.find(({ controller }) => controller);
        if (owner && type === 'deleted') extendedClaims.delete(owner.uid);
        else if (owner) extendedClaims.set(owner.uid, object);
      },
      error: failed,
    });
    const resolver = featureGates.enabled('DRAExtendedResource')
      ? new DeviceClassResolver(informers, { onProblem: failed })
      : undefined;
    const select = rememberedSelector(compileSelector);
    const write = client && claimWriter(client, clock);

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

    /** What the pod requests under names that classes stand for; undefined: nothing. */
    const extendedOf = (info: PodInfo): Extended | undefined => {
      const resources: string[] = [];
      for (const dimension of resolver ? info.requests.dimensions : []) {
        const resource = dimension > Dimension.EphemeralStorage ? dimensionName(dimension) : '';
        if (resource !== '' && isExtendedName(resource)) resources.push(resource);
      }
      if (!resources.some((resource) => resolver!.classOf(resource))) return undefined;
      return { resources, leftover: extendedClaims.get(info.uid), uid: random.uuid(), made: undefined };
    };

    /** What the pod needs of the row's devices; a verdict when the row has neither some resource nor devices for it. */
    const wantedOn = (state: State, info: PodInfo, row: number): Wanted | Verdict => {
      const byDevices: string[] = [];
      for (const resource of state.extended?.resources ?? []) {
        if ((nodes.allocatable[dimensionOf(resource)]?.[row] ?? 0) > 0) continue;
        if (resolver!.classOf(resource)) byDevices.push(resource);
        else if (nodes.nodes[row]?.status?.allocatable?.[resource] === undefined) return cannotFit;
      }
      const key = byDevices.join();
      let wanted = state.wanted.get(key);
      if (!wanted) {
        const { toAllocate, extended } = state;
        const extra = extended && extendedClaimFor(extended, info, byDevices);
        const { extendedClaim, mappings } = extra ?? { extendedClaim: undefined, mappings: [] };
        const needed = extendedClaim ? [...toAllocate, extendedClaim] : toAllocate;
        const answers = needed.length > 0 ? fitting.of(needed) : undefined;
        wanted = { claims: needed, extendedClaim, mappings, answers };
        state.wanted.set(key, wanted);
      }
      return wanted;
    };

    /** The claim for the extended resources that are served by devices, if any. */
    const extendedClaimFor = (
      { uid }: Extended,
      { pod, namespace, name: podName, uid: podUid }: PodInfo,
      byDevices: readonly string[],
    ): Pick<Wanted, 'extendedClaim' | 'mappings'> => {
      const { requests, mappings } = extendedRequests(pod, byDevices, resolver!);
      if (requests.length === 0) return { extendedClaim: undefined, mappings };
      const owner = { apiVersion: 'v1', kind: 'Pod', name: podName, uid: podUid, controller: true };
      const extendedClaim: ResourceClaim = {
        metadata: {
          namespace,
          name: '<extended-resources>',
          uid,
          generateName: `${podName}-extended-resources-`,
          ownerReferences: [owner],
          annotations: { [extendedClaimAnnotation]: 'true' },
        },
        spec: { devices: { requests: [...requests] } },
      };
      return { extendedClaim, mappings };
    };

    const allocate = (wanted: readonly ResourceClaim[], node: Node): DeviceAllocation | Verdict => {
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
          wanted,
        );
        return attempt.solve() ? attempt : cannotAllocate;
      } catch (error) {
        if (error instanceof NodeAllocationError) return unresolvable(error.message);
        if (error instanceof AllocationError) return verdict(Code.Error, error.message);
        throw error;
      }
    };

    /** The devices that the pod would get on the row; undefined when it needs none there. */
    const allocationOn = (state: State, info: PodInfo, row: number): Allocation | Verdict | undefined => {
      const known = state.byRow.get(row);
      if (known) return known;
      const wanted = wantedOn(state, info, row);
      if ('code' in wanted) return wanted;
      const { claims: needed, answers } = wanted;
      const node = nodes.nodes[row]!;
      if (!answers) return undefined;
      const devices = allocate(needed, node);
      if (devices === cannotAllocate) answers.set(row, node, false);
      if ('code' in devices) return devices;
      answers.set(row, node, true);
      const allocation: Allocation = { devices, wanted };
      state.byRow.set(row, allocation);
      return allocation;
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
        // Devices that become free may serve anybody.
        claimKey(previous, current) {
          const after = current as ResourceClaim;
          return isFreed(previous as ResourceClaim | undefined, after) ? undefined : keyOf(after);
        },
        hint(info, previous, current) {
          const before = previous as ResourceClaim | undefined;
          const after = current as ResourceClaim;
          const frees = isFreed(before, after);
          if (!frees && !uses(info, after)) return false;
          if (problemOf(info.pod) !== undefined) return false;
          if (frees) return true;
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
        const extended = extendedOf(info);
        if (!info.pod.spec?.resourceClaims?.length && !extended) return skip;
        const found = claimsOf(info.pod);
        if (typeof found === 'string') return unresolvable(found);
        if (found.length === 0 && !extended) return skip;
        if (extended && !expressionsIfLoaded()) {
          loadExpressions().then(() => handle.activate(info), failed);
          return notLoaded;
        }
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
          extended,
          wanted: new Map(),
          byRow: new Map(),
          unavailable: new Set<number>(),
          reserved: new Map(),
        });
        return undefined;
      },
      filter(cycle, info, row) {
        const state = cycle.need(stateOf);
        if (state.extended?.leftover) return staleExtended;
        const node = nodes.nodes[row]!;
        let kept = false;
        for (const [i, claim] of state.claims.entries()) {
          if (state.usable[i]?.(node) !== false && !(claim.status?.allocation && isStuck(claim))) continue;
          state.unavailable.add(i);
          kept = true;
        }
        if (state.toAllocate.length > 0 || state.extended) {
          const wanted = wantedOn(state, info, row);
          if ('code' in wanted) return wanted;
          const fits = wanted.answers?.get(row, node);
          if (fits === false) return cannotAllocate;
          const given = wanted.answers && fits === undefined ? allocationOn(state, info, row) : undefined;
          if (given && 'code' in given) return given;
        }
        return kept ? notOnNode : undefined;
      },
      postFilter(cycle, info) {
        const state = cycle.read(stateOf);
        if (!state) return { verdict: nothingToFree };
        if (state.extended?.leftover && client) {
          deleteClaim(client, state.extended.leftover).then(() => handle.activate(info), failed);
          return { verdict: deleted };
        }
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
      score(cycle, info, row) {
        const state = cycle.need(stateOf);
        const { toAllocate } = state;
        const allocation = allocationOn(state, info, row);
        let score = 0;
        const given = allocation && 'devices' in allocation ? allocation.devices.results() : [];
        for (const [i, { devices }] of given.entries()) {
          const chosen = new Set(devices?.results?.map(({ request }) => request));
          for (const request of toAllocate[i]?.spec.devices?.requests ?? []) {
            for (const [place, one] of (request.firstAvailable ?? []).entries()) {
              if (chosen.has(`${request.name}/${one.name}`)) score += alternativesMax - place;
            }
          }
        }
        return score;
      },
      normalizeScore: (_cycle, _info, _rows, count, scores) => normalizeByHighest(scores, count, false),
      reserve(cycle, info, nodeName) {
        const state = cycle.read(stateOf);
        if (!state || (state.toAllocate.length === 0 && !state.extended)) return undefined;
        const row = nodes.rowOf(nodeName);
        const allocation = row < 0 ? cannotAllocate : allocationOn(state, info, row);
        if (!allocation) return undefined;
        if ('code' in allocation) return verdict(Code.Error, 'claim allocation not found for node');
        const given = allocation.devices.results();
        for (const [i, claim] of allocation.wanted.claims.entries()) {
          state.reserved.set(uidOf(claim), given[i]!);
          allocated.assume(uidOf(claim), given[i]!);
        }
        return undefined;
      },
      unreserve(cycle, info) {
        const state = cycle.read(stateOf);
        if (!state) return;
        if (state.extended && state.reserved.delete(state.extended.uid)) allocated.forget(state.extended.uid);
        if (state.extended?.made) {
          allocated.forget(uidOf(state.extended.made));
          if (client) {
            deleteClaim(client, state.extended.made).catch((error: unknown) =>
              log.warn('claim not deleted', { claim: keyOf(state.extended!.made!), error: String(error) }),
            );
          }
        }
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
      preBindNeeded(cycle) {
        const state = cycle.read(stateOf);
        return state !== undefined && (state.claims.length > 0 || state.reserved.has(state.extended?.uid ?? ''));
      },
      async preBind(cycle, info, nodeName) {
        const { claims: userClaims, reserved, extended, byRow } = cycle.need(stateOf);
        const mine = [...userClaims];
        const ofExtended = extended && reserved.get(extended.uid);
        if (extended && ofExtended) {
          const { extendedClaim, mappings } = byRow.get(nodes.rowOf(nodeName))!.wanted;
          try {
            const { uid: _uid, name: _name, ...metadata } = extendedClaim!.metadata!;
            const created = await client!.create(resourceClaims, { ...extendedClaim!, metadata });
            extended.made = created;
            // From here on the devices are held under the claim's own uid.
            reserved.set(uidOf(created), ofExtended);
            allocated.assume(uidOf(created), ofExtended);
            reserved.delete(extended.uid);
            allocated.forget(extended.uid);
            mine.push(created);
            const extendedResourceClaimStatus = {
              requestMappings: [...mappings],
              resourceClaimName: created.metadata!.name!,
            };
            const patch = { metadata: { uid: info.uid }, status: { extendedResourceClaimStatus } };
            const key = { namespace: info.namespace, name: info.name };
            await client!.patch(pods, key, 'strategic', patch, { subresource: 'status' });
          } catch (error) {
            const what = extended.made
              ? `update pod ${info.key} ExtendedResourceClaimStatus`
              : `create claim for extended resources ${info.namespace}/<extended-resources>`;
            return errorVerdict(new Error(`${what}: ${(error as Error).message}`), name);
          }
        }
        for (const [i, claim] of mine.entries()) {
          if (isReservedFor(info.uid, claim)) continue;
          const allocation = reserved.get(uidOf(claim));
          try {
            const written = await write!(claim, info, allocation);
            claims.wrote(written);
            mine[i] = written;
            if (i < userClaims.length) userClaims[i] = written;
            else if (extended) extended.made = written;
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
