/**
 * Status of pods, as kubelets and schedulers write it.
 * @see ValidatePodStatusUpdate
 */
import { fieldPath } from '../field-errors.ts';
import type { Container, ContainerStatus, Pod, PodSpec } from '../generated/types.ts';
import { addressFamily, checkAddress } from './addresses.ts';
import { at, type Check, type Path } from './check.ts';

const statusPath = fieldPath('status');
const idMax = 2 ** 31 - 1;
const statusLists = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const;
type StatusList = (typeof statusLists)[number];
const systemConditions = ['PodScheduled', 'Ready', 'Initialized'];
const noContainers: readonly Container[] = [];

export function checkPodStatus(check: Check, pod: Pod, previous: Pod): void {
  const status = pod.status ?? {};
  const before = previous.status ?? {};
  const spec = pod.spec ?? { containers: [] };
  status.conditions?.forEach(({ type, observedGeneration }, index) => {
    const place = at(at(statusPath, 'conditions'), index);
    checkGeneration(check, place, observedGeneration);
    if (!systemConditions.includes(type)) check.qualifiedName(place, 'Type', type ?? '');
  });
  if ((spec.nodeName ?? '') !== (previous.spec?.nodeName ?? ''))
    check.forbidden(statusPath, 'nodeName', 'may not be changed directly');
  if (status.nominatedNodeName && status.nominatedNodeName !== before.nominatedNodeName)
    check.dnsSubdomain(statusPath, 'nominatedNodeName', status.nominatedNodeName);
  if (previous.spec?.nodeName && status.nominatedNodeName && status.nominatedNodeName !== before.nominatedNodeName) {
    const text = 'may not be set on pods that are already bound to a node';
    check.forbidden(statusPath, 'nominatedNodeName', text);
  }
  checkGeneration(check, statusPath, status.observedGeneration);
  check.unchanged(statusPath, 'qosClass', status.qosClass ?? '', (status.qosClass ?? '') === (before.qosClass ?? ''));
  for (const field of statusLists) checkTransitions(check, field, status[field], before[field], previous.spec);
  checkClaimStatuses(check, pod);
  checkExtendedClaim(check, pod);
  checkAddresses(check, pod, previous);
  checkUsers(check, at(statusPath, 'containerStatuses'), status.containerStatuses, spec);
  checkUsers(check, at(statusPath, 'initContainerStatuses'), status.initContainerStatuses, spec);
  checkUsers(check, at(statusPath, 'ephemeralContainerStatuses'), status.ephemeralContainerStatuses, spec);
  checkAllocated(check, 'containerStatuses', status.containerStatuses, spec.containers);
  checkAllocated(check, 'initContainerStatuses', status.initContainerStatuses, spec.initContainers);
  status.ephemeralContainerStatuses?.forEach((container, index) => {
    if (container.allocatedResourcesStatus?.length)
      check.forbidden(
        at(at(statusPath, 'ephemeralContainerStatuses'), index),
        'allocatedResourcesStatus',
        'must not be specified in container status',
      );
  });
}

function checkGeneration(check: Check, path: Path, generation: number | undefined): void {
  if (generation !== undefined && generation < 0)
    check.invalid(path, 'observedGeneration', generation, 'must be a non-negative integer');
}

/** What has terminated and does not restart stays so. */
function checkTransitions(
  check: Check,
  field: StatusList,
  statuses: readonly ContainerStatus[] | undefined,
  before: readonly ContainerStatus[] | undefined,
  spec: PodSpec | undefined,
): void {
  if (before === undefined) return;
  const isEphemeral = field === 'ephemeralContainerStatuses';
  const containers = isEphemeral
    ? noContainers
    : (spec?.[field === 'containerStatuses' ? 'containers' : 'initContainers'] ?? noContainers);
  if (!isEphemeral && spec !== undefined && allMayRestart(spec)) return;
  before.forEach((old, index) => {
    const terminated = old.state?.terminated;
    if (!terminated) return;
    const now = statuses?.find(({ name }) => name === old.name);
    if (now === undefined || now.state?.terminated) return;
    const container = containers.find(({ name }) => name === old.name);
    if (container !== undefined && mayRestart(container, terminated.exitCode ?? 0, spec)) return;
    check.forbidden(at(at(statusPath, field), index), 'state', 'may not be transitioned to non-terminated state');
  });
}

/** Some container's end may restart all of them, whatever their own policies say. */
const allMayRestart = (spec: PodSpec): boolean =>
  [...(spec.containers ?? noContainers), ...(spec.initContainers ?? noContainers)].some(({ restartPolicyRules }) =>
    restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'),
  );

/** Rules that fit the exit code come first, then the container's policy, then the pod's. */
function mayRestart(container: Container, exitCode: number, spec: PodSpec | undefined): boolean {
  const { restartPolicy, restartPolicyRules = [] } = container;
  if (restartPolicy !== undefined) {
    const fits = ({ exitCodes }: (typeof restartPolicyRules)[number]): boolean =>
      exitCodes !== undefined && (exitCodes.operator === 'In') === exitCodes.values?.includes(exitCode);
    if (restartPolicyRules.some(fits)) return true;
  }
  const policy = restartPolicy ?? spec?.restartPolicy;
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

function checkClaimStatuses(check: Check, pod: Pod): void {
  const seen = new Set<string>();
  pod.status?.resourceClaimStatuses?.forEach(({ name = '', resourceClaimName }, index) => {
    const place = at(at(statusPath, 'resourceClaimStatuses'), index);
    if (!pod.spec?.resourceClaims?.some((claim) => claim.name === name))
      check.invalid(place, 'name', name, 'must match the name of an entry in `spec.resourceClaims`');
    if (seen.has(name)) check.duplicate(place, 'name', name);
    seen.add(name);
    if (resourceClaimName !== undefined) check.dnsSubdomain(place, 'resourceClaimName', resourceClaimName);
  });
}

/** Which requests of a claim stand for the extended resources that containers ask for. */
function checkExtendedClaim(check: Check, { status, spec }: Pod): void {
  const claim = status?.extendedResourceClaimStatus;
  if (!claim) return;
  const path = at(statusPath, 'extendedResourceClaimStatus');
  const mappings = claim.requestMappings ?? [];
  if (mappings.length === 0) check.required(path, 'requestMappings', 'at least one request mapping is required');
  const containers = [...(spec?.containers ?? noContainers), ...(spec?.initContainers ?? noContainers)];
  const seen = new Set<string>();
  mappings.forEach(({ containerName = '', resourceName = '', requestName = '' }, index) => {
    const place = at(at(path, 'requestMappings'), index);
    const container = containers.find(({ name }) => name === containerName);
    if (container === undefined) {
      const text = 'must match the name of an entry in spec.initContainers.name or spec.containers.name';
      check.invalid(place, 'containerName', containerName, text);
    } else if (container.resources?.requests?.[resourceName] === undefined) {
      const text =
        'must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests';
      check.invalid(place, 'resourceName', resourceName, text);
    }
    check.dnsLabel(path, 'requestName', requestName);
    const key = `${containerName}/${requestName}/${resourceName}`;
    if (seen.has(key)) {
      check.duplicate(place, 'containerName', containerName);
      check.duplicate(place, 'resourceName', resourceName);
      check.duplicate(place, 'requestName', requestName);
    }
    seen.add(key);
  });
  if (!claim.resourceClaimName) check.required(path, 'resourceClaimName');
  else check.dnsSubdomain(path, 'resourceClaimName', claim.resourceClaimName);
}

function checkAddresses(check: Check, pod: Pod, previous: Pod): void {
  const { hostIP, hostIPs = [], podIPs = [] } = pod.status ?? {};
  checkList(check, 'podIPs', podIPs, previous.status?.podIPs);
  if (hostIPs.length === 0) return;
  const first = hostIPs[0]?.ip ?? '';
  if ((hostIP ?? '') !== first)
    check.invalid(at(at(statusPath, 'hostIPs'), 0), 'ip', first, 'must be equal to `hostIP`');
  checkList(check, 'hostIPs', hostIPs, previous.status?.hostIPs);
}

interface Addressed {
  readonly ip?: string | undefined;
}

function checkList(check: Check, field: string, list: readonly Addressed[], before: readonly Addressed[] = []): void {
  const path = at(statusPath, field);
  const stored = before.map(({ ip }) => ip ?? '');
  for (let index = 0; index < list.length; index++) checkAddress(check, path, index, list[index]?.ip ?? '', stored);
  if (list.length <= 1) return;
  const families = new Set(list.map(({ ip }) => addressFamily(ip ?? '')));
  const form = list.map(({ ip }) => ({ IP: ip ?? '' }));
  if (families.size < 2 || list.length > 2)
    check.invalid(path, '', form, 'may specify no more than one IP for each IP family');
}

function checkUsers(check: Check, path: Path, statuses: readonly ContainerStatus[] | undefined, spec: PodSpec): void {
  statuses?.forEach(({ user }, index) => {
    if (!user?.linux) return;
    const place = at(at(path, index), 'user');
    if (spec.os?.name === 'windows') {
      check.forbidden(place, 'linux', 'cannot be set for a windows pod');
      return;
    }
    const here = at(place, 'linux');
    check.inRange(here, 'uid', user.linux.uid, 0, idMax);
    check.inRange(here, 'gid', user.linux.gid, 0, idMax);
    user.linux.supplementalGroups?.forEach((id, order) => {
      check.inRange(at(here, 'supplementalGroups'), order, id, 0, idMax);
    });
  });
}

function checkAllocated(
  check: Check,
  field: string,
  statuses: readonly ContainerStatus[] | undefined,
  containers: readonly Container[] = noContainers,
): void {
  statuses?.forEach(({ name, allocatedResourcesStatus }, index) => {
    const container = containers.find((one) => one.name === name);
    allocatedResourcesStatus?.forEach((resource, order) => {
      const place = at(at(at(at(statusPath, field), index), 'allocatedResourcesStatus'), order);
      if (container !== undefined) checkAllocatedName(check, place, container, resource.name);
      const seen = new Set<string>();
      resource.resources?.forEach(({ health, resourceID }, rank) => {
        const here = at(at(place, 'resources'), rank);
        check.oneOf(here, 'health', health, ['Healthy', 'Unhealthy', 'Unknown']);
        if (seen.has(resourceID)) check.duplicate(here, 'resourceID', resourceID);
        seen.add(resourceID);
      });
    });
  });
}

function checkAllocatedName(check: Check, path: Path, container: Container, name: string): void {
  const { claims = [], requests = {} } = container.resources ?? {};
  if (name.startsWith('claim:')) {
    const known = claims.some((claim) => name === `claim:${claim.name}${claim.request ? `/${claim.request}` : ''}`);
    if (!known)
      check.invalid(
        path,
        'name',
        name,
        "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty",
      );
  } else if (requests[name] === undefined)
    check.invalid(path, 'name', name, "must match one of the container's resource requests");
}
