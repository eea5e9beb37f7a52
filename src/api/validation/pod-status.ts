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
const systemConditions = ['PodScheduled', 'Ready', 'Initialized'];
const noContainers: readonly Container[] = [];

export function checkPodStatus(check: Check, pod: Pod, previous: Pod): void {
  const status = pod.status ?? {};
  const before = previous.status ?? {};
  const spec = pod.spec ?? { containers: [] };
  status.conditions?.forEach(({ type }, index) => {
    if (!systemConditions.includes(type))
      check.qualifiedName(at(at(statusPath, 'conditions'), index), 'Type', type ?? '');
  });
  if ((spec.nodeName ?? '') !== (previous.spec?.nodeName ?? ''))
    check.forbidden(statusPath, 'nodeName', 'may not be changed directly');
  if (status.nominatedNodeName && status.nominatedNodeName !== before.nominatedNodeName)
    check.dnsSubdomain(statusPath, 'nominatedNodeName', status.nominatedNodeName);
  check.unchanged(statusPath, 'qosClass', status.qosClass ?? '', (status.qosClass ?? '') === (before.qosClass ?? ''));
  checkTransitions(check, 'containerStatuses', status.containerStatuses, before.containerStatuses, previous.spec);
  checkTransitions(
    check,
    'initContainerStatuses',
    status.initContainerStatuses,
    before.initContainerStatuses,
    previous.spec,
  );
  checkTransitions(
    check,
    'ephemeralContainerStatuses',
    status.ephemeralContainerStatuses,
    before.ephemeralContainerStatuses,
    undefined,
  );
  checkClaimStatuses(check, pod);
  checkAddresses(check, pod);
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

/** What has terminated and does not restart stays so. `spec` undefined: of containers that never restart. */
function checkTransitions(
  check: Check,
  field: string,
  statuses: readonly ContainerStatus[] | undefined,
  before: readonly ContainerStatus[] | undefined,
  spec: PodSpec | undefined,
): void {
  if (before === undefined || spec?.restartPolicy === 'Always') return;
  before.forEach((old, index) => {
    const terminated = old.state?.terminated;
    if (!terminated || mayRestart(field, old.name, terminated.exitCode ?? 0, spec)) return;
    for (const now of statuses ?? []) {
      if (now.name === old.name && !now.state?.terminated)
        check.forbidden(at(at(statusPath, field), index), 'state', 'may not be transitioned to non-terminated state');
    }
  });
}

function mayRestart(field: string, name: string, exitCode: number, spec: PodSpec | undefined): boolean {
  if (spec === undefined) return false;
  if (exitCode !== 0 && spec.restartPolicy === 'OnFailure') return true;
  const containers = field === 'initContainerStatuses' ? spec.initContainers : spec.containers;
  const container = containers?.find((one) => one.name === name);
  // Containers with a policy or rules of their own restart by these.
  return container?.restartPolicy !== undefined && container.restartPolicy !== 'Never'
    ? true
    : (container?.restartPolicyRules?.length ?? 0) > 0;
}

function checkClaimStatuses(check: Check, pod: Pod): void {
  const seen = new Set<string>();
  pod.status?.resourceClaimStatuses?.forEach(({ name = '', resourceClaimName }, index) => {
    const place = at(at(statusPath, 'resourceClaimStatuses'), index);
    if (!pod.spec?.resourceClaims?.some((claim) => claim.name === name))
      check.invalid(place, 'name', name, 'must match the name of an entry in `spec.resourceClaims`');
    if (seen.has(name)) check.duplicate(place, 'name', name);
    seen.add(name);
    if (resourceClaimName !== undefined) check.dnsSubdomain(place, 'name', resourceClaimName);
  });
}

function checkAddresses(check: Check, pod: Pod): void {
  const { hostIP, hostIPs = [], podIPs = [] } = pod.status ?? {};
  checkList(check, 'podIPs', podIPs);
  if (hostIPs.length === 0) return;
  const first = hostIPs[0]?.ip ?? '';
  if ((hostIP ?? '') !== first)
    check.invalid(at(at(statusPath, 'hostIPs'), 0), 'ip', first, 'must be equal to `hostIP`');
  checkList(check, 'hostIPs', hostIPs);
}

function checkList(check: Check, field: string, list: readonly { readonly ip?: string | undefined }[]): void {
  const path = at(statusPath, field);
  for (let index = 0; index < list.length; index++) checkAddress(check, path, index, list[index]?.ip ?? '');
  if (list.length <= 1) return;
  const families = new Set(list.map(({ ip }) => addressFamily(ip ?? '')));
  const form = list.map(({ ip }) => ({ IP: ip ?? '' }));
  if (families.size < 2 || list.length > 2)
    check.invalid(path, '', form, 'may specify no more than one IP for each IP family');
  list.forEach(({ ip }, index) => {
    if (list.findIndex((other) => other.ip === ip) < index) check.duplicate(path, index, form[index]);
  });
}

function checkUsers(check: Check, path: Path, statuses: readonly ContainerStatus[] | undefined, spec: PodSpec): void {
  statuses?.forEach(({ user }, index) => {
    if (!user?.linux) return;
    const place = at(path, index);
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
