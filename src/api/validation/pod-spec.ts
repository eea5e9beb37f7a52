/**
 * The specification of pods and of pod templates.
 * @see ValidatePodSpec, ValidatePodTemplateSpec
 */
import type {
  Container,
  ObjectMeta,
  PodDNSConfig,
  PodResourceClaim,
  PodSpec,
  PodTemplateSpec,
} from '../generated/types.ts';
import { sumOfContainers } from '../kinds/strategies/resource-list.ts';
import { checkAddress } from './addresses.ts';
import { checkAffinity, checkTolerations, checkTopologySpread } from './affinity.ts';
import { at, type Check, isBlank, keyed, type Path } from './check.ts';
import {
  type ContainerSurroundings,
  checkContainers,
  checkEphemeralContainers,
  checkInitContainers,
} from './containers.ts';
import { internalForm } from './internal-form.ts';
import { checkAnnotations, checkLabels } from './metadata.ts';
import { checkPodAnnotations, checkProfilesMatch, mirrorAnnotation } from './pod-annotations.ts';
import { checkResourceRequirements, compareAmounts, isHugePages } from './resource-names.ts';
import {
  checkHostProcesses,
  checkOperatingSystem,
  checkPodSecurityContext,
  visitContainers,
} from './security-context.ts';
import { checkVolumes } from './volumes.ts';

const restartPolicies = ['Always', 'OnFailure', 'Never'];
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const secondsMax = 2 ** 31 - 1;
const noContainers: readonly Container[] = [];
const noClaims: ReadonlySet<string> = new Set();

/** `metadata`: of the pod itself; undefined for a template. */
export function checkPodSpec(check: Check, path: Path, spec: PodSpec, metadata: ObjectMeta | undefined): void {
  const isPod = metadata !== undefined;
  const gracePeriodSeconds = spec.terminationGracePeriodSeconds;
  if (gracePeriodSeconds === undefined) check.required(path, 'terminationGracePeriodSeconds');
  const volumes = checkVolumes(check, at(path, 'volumes'), spec.volumes, metadata?.name, isPod);
  let claimNames = noClaims;
  if (spec.resourceClaims !== undefined && spec.resourceClaims.length > 0) {
    claimNames = new Set(spec.resourceClaims.map(({ name }) => name).filter((name) => name !== ''));
    if (metadata?.annotations?.[mirrorAnnotation] === undefined)
      checkResourceClaims(check, at(path, 'resourceClaims'), spec.resourceClaims);
    else
      for (const _ of spec.resourceClaims) check.forbidden(undefined, '', 'static pods do not support resource claims');
  }
  const around: ContainerSurroundings = {
    volumes,
    claimNames,
    gracePeriodSeconds,
    restartPolicy: spec.restartPolicy ?? '',
    hostUsers: spec.hostUsers !== false,
  };
  const regular = spec.containers ?? noContainers;
  checkContainers(check, at(path, 'containers'), regular, around);
  const init = spec.initContainers ?? noContainers;
  if (init.length > 0) checkInitContainers(check, at(path, 'initContainers'), init, regular, around);
  if (spec.ephemeralContainers !== undefined && spec.ephemeralContainers.length > 0)
    checkEphemeralContainers(
      check,
      at(path, 'ephemeralContainers'),
      spec.ephemeralContainers,
      [...regular, ...init],
      around,
    );
  if (spec.resources) checkPodResources(check, at(path, 'resources'), spec, claimNames);
  if (spec.hostNetwork) checkHostNetworkPorts(check, at(path, 'containers'), regular, isPod);
  check.requiredOneOf(path, 'restartPolicy', spec.restartPolicy, restartPolicies);
  check.requiredOneOf(path, 'dnsPolicy', spec.dnsPolicy, dnsPolicies);
  if (spec.nodeSelector !== undefined) checkLabels(check, spec.nodeSelector, path, 'nodeSelector');
  checkPodSecurityContext(check, at(path, 'securityContext'), spec);
  checkAffinity(check, at(path, 'affinity'), spec.affinity);
  checkDns(check, at(path, 'dnsConfig'), spec.dnsConfig, spec.dnsPolicy);
  spec.readinessGates?.forEach(({ conditionType }, index) => {
    check.qualifiedName(at(at(path, 'readinessGates'), index), 'conditionType', conditionType ?? '');
  });
  const gates = spec.schedulingGates ?? [];
  gates.forEach(({ name }, index) => {
    check.qualifiedName(at(path, 'schedulingGates'), index, name ?? '');
    if (gates.findIndex((gate) => gate.name === name) < index)
      check.duplicate(at(path, 'schedulingGates'), index, name ?? '');
  });
  if (spec.topologySpreadConstraints !== undefined)
    checkTopologySpread(check, at(path, 'topologySpreadConstraints'), spec.topologySpreadConstraints);
  checkHostProcesses(check, path, spec);
  checkHostSharing(check, path, spec);
  checkHostnameOverride(check, path, spec);
  checkNames(check, path, spec);
  checkPlacement(check, path, spec);
  checkFileVolumes(check, path, spec);
}

/** Variables that come from files come from files in scratch directories. */
function checkFileVolumes(check: Check, path: Path, spec: PodSpec): void {
  visitContainers(spec, ({ env }, list, index) => {
    env?.forEach(({ valueFrom }, order) => {
      if (!valueFrom?.fileKeyRef) return;
      const name = valueFrom.fileKeyRef.volumeName ?? '';
      const place = at(at(at(at(at(at(path, list), index), 'env'), order), 'valueFrom'), 'fileKeyRef');
      const volume = spec.volumes?.findLast((one) => one.name === name);
      if (volume === undefined) check.notFound(place, 'volumeName', name);
      else if (!volume.emptyDir) check.invalid(place, 'volumeName', name, 'referenced volume must be of type emptyDir');
    });
  });
}

/** Names of other objects and of the pod's own host. */
function checkNames(check: Check, path: Path, spec: PodSpec): void {
  if (spec.serviceAccountName) check.dnsSubdomain(path, 'serviceAccountName', spec.serviceAccountName);
  if (spec.nodeName) check.dnsSubdomain(path, 'nodeName', spec.nodeName);
  check.inRange(path, 'activeDeadlineSeconds', spec.activeDeadlineSeconds, 1, secondsMax);
  if (spec.hostname) check.dnsLabel(path, 'hostname', spec.hostname);
  if (spec.subdomain) check.dnsLabel(path, 'subdomain', spec.subdomain);
}

function checkHostnameOverride(check: Check, path: Path, spec: PodSpec): void {
  const override = spec.hostnameOverride;
  if (override === undefined) return;
  if (spec.setHostnameAsFQDN)
    check.forbidden(path, 'hostnameOverride', 'may not be specified when setHostnameAsFQDN is true');
  if (spec.hostNetwork) check.forbidden(path, 'hostnameOverride', 'may not be specified when hostNetwork is true');
  if (override.length > 64) check.tooLong(path, 'hostnameOverride', 64);
  check.dnsSubdomain(path, 'hostnameOverride', override);
}

function checkPlacement(check: Check, path: Path, spec: PodSpec): void {
  if (spec.tolerations !== undefined) checkTolerations(check, at(path, 'tolerations'), spec.tolerations);
  spec.hostAliases?.forEach((alias, index) => {
    const place = at(at(path, 'hostAliases'), index);
    checkAddress(check, place, 'ip', alias.ip ?? '');
    alias.hostnames?.forEach((name, order) => {
      check.dnsSubdomain(at(place, 'hostnames'), order, name);
    });
  });
  if (spec.priorityClassName) check.dnsSubdomain(path, 'priorityClassName', spec.priorityClassName);
  if (spec.runtimeClassName !== undefined) check.dnsSubdomain(path, 'runtimeClassName', spec.runtimeClassName);
  if (spec.preemptionPolicy !== undefined)
    check.requiredOneOf(path, 'preemptionPolicy', spec.preemptionPolicy, ['PreemptLowerPriority', 'Never']);
  if (spec.overhead !== undefined)
    checkResourceRequirements(check, at(path, 'overhead'), { limits: spec.overhead }, undefined);
  if (spec.os) checkOperatingSystem(check, path, spec);
}

/** With users of its own a pod shares little with its host. */
function checkHostSharing(check: Check, path: Path, spec: PodSpec): void {
  if (spec.hostUsers !== false) return;
  const text = 'when `hostUsers` is false';
  if (spec.hostNetwork) check.forbidden(path, 'hostNetwork', text);
  if (spec.hostPID) check.forbidden(path, 'HostPID', text);
  if (spec.hostIPC) check.forbidden(path, 'HostIPC', text);
  visitContainers(spec, ({ volumeDevices }, list, index) => {
    if (volumeDevices?.length) check.forbidden(at(at(path, list), index), 'volumeDevices', text);
  });
}

function checkHostNetworkPorts(check: Check, path: Path, containers: readonly Container[], isPod: boolean): void {
  containers.forEach((container, index) => {
    container.ports?.forEach(({ hostPort = 0, containerPort }, order) => {
      if ((isPod || hostPort !== 0) && hostPort !== (containerPort ?? 0))
        check.invalid(
          at(at(at(path, index), 'ports'), order),
          'hostPort',
          hostPort,
          'must match `containerPort` when `hostNetwork` is true',
        );
    });
  });
}

function checkResourceClaims(check: Check, path: Path, claims: readonly PodResourceClaim[]): void {
  const names = new Set<string>();
  claims.forEach((claim, index) => {
    const place = at(path, index);
    if (!claim.name) check.required(place, 'name');
    else if (names.has(claim.name)) check.duplicate(place, 'name', claim.name);
    else {
      check.dnsLabel(place, 'name', claim.name);
      names.add(claim.name);
    }
    const { resourceClaimName: name, resourceClaimTemplateName: template } = claim;
    if (name !== undefined && template !== undefined)
      check.invalid(
        place,
        '',
        internalForm('PodResourceClaim', claim),
        'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified',
      );
    if (name === undefined && template === undefined)
      check.invalid(
        place,
        '',
        internalForm('PodResourceClaim', claim),
        'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`',
      );
    if (name !== undefined) check.dnsSubdomain(place, 'resourceClaimName', name);
    if (template !== undefined) check.dnsSubdomain(place, 'resourceClaimTemplateName', template);
  });
}

/** Resources of the pod as a whole: at least what its containers ask for together, at most what each may have. */
function checkPodResources(check: Check, path: Path, spec: PodSpec, claimNames: ReadonlySet<string>): void {
  if (spec.os?.name === 'windows') {
    check.forbidden(path, '', 'may not be set for a windows pod');
    return;
  }
  const resources = spec.resources!;
  if (!isBlank(resources.claims)) check.forbidden(path, 'claims', 'claims may not be set for Resources at pod-level');
  checkResourceRequirements(check, path, resources, claimNames, true);
  const containers = spec.containers ?? noContainers;
  const init = spec.initContainers ?? noContainers;
  const together = (list: 'limits' | 'requests', total: Readonly<Record<string, string>>): void => {
    for (const [name, amount] of Object.entries(total)) {
      const own = resources[list]?.[name];
      if (own === undefined || compareAmounts(amount, own) <= 0) continue;
      const text = `must be greater than or equal to aggregate container ${list} of ${amount}`;
      check.invalid(keyed(at(path, list), name), '', own, text);
    }
  };
  together('requests', sumOfContainers(containers, init, 'requests'));
  const limits = Object.entries(sumOfContainers(containers, init, 'limits'));
  together('limits', Object.fromEntries(limits.filter(([name]) => isHugePages(name))));
  containers.forEach((container, index) => {
    for (const [name, limit] of Object.entries(container.resources?.limits ?? {})) {
      const podLimit = resources.limits?.[name];
      if (podLimit === undefined || compareAmounts(limit, podLimit) <= 0) continue;
      const place = keyed(at(at(path, 'containers'), index), name);
      check.invalid(place, 'limits', limit, `must be less than or equal to pod limits of ${podLimit}`);
    }
  });
}

const underscored = /^[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*$/;
const underscoredMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*')";

function checkDns(check: Check, path: Path, config: PodDNSConfig | undefined, policy: string | undefined): void {
  const servers = config?.nameservers ?? [];
  if (policy === 'None') {
    if (!config) {
      check.required(path, '', 'must provide `dnsConfig` when `dnsPolicy` is None');
      return;
    }
    if (servers.length === 0) {
      check.required(path, 'nameservers', 'must provide at least one DNS nameserver when `dnsPolicy` is None');
      return;
    }
  }
  if (!config) return;
  if (servers.length > 3) check.invalid(path, 'nameservers', servers, 'must not have more than 3 nameservers');
  servers.forEach((server, index) => {
    checkAddress(check, at(path, 'nameservers'), index, server);
  });
  const searches = config.searches ?? [];
  if (searches.length > 32) check.invalid(path, 'searches', searches, 'must not have more than 32 search paths');
  if (searches.join(' ').length > 2048)
    check.invalid(
      path,
      'searches',
      searches,
      'must not have more than 2048 characters (including spaces) in the search list',
    );
  searches.forEach((search, index) => {
    if (search === '.') return;
    const name = search.replace(/\.$/, '');
    if (name.length > 253) check.invalid(at(path, 'searches'), index, name, 'must be no more than 253 characters');
    if (!underscored.test(name)) check.invalid(at(path, 'searches'), index, name, underscoredMessage);
  });
  config.options?.forEach((option, index) => {
    if (!option.name) check.required(at(path, 'options'), index, 'must not be empty');
  });
}

/** What defaulting makes of a specification that is not there. */
const emptySpec: PodSpec = {
  containers: [],
  restartPolicy: 'Always',
  dnsPolicy: 'ClusterFirst',
  terminationGracePeriodSeconds: 30,
};

/** A template in a workload. */
export function checkPodTemplate(check: Check, path: Path, template: PodTemplateSpec | undefined): void {
  const { metadata = {}, spec = emptySpec } = template ?? {};
  if (metadata.labels) checkLabels(check, metadata.labels, path, 'labels');
  if (metadata.annotations) {
    checkAnnotations(check, metadata.annotations, path, 'annotations');
    checkPodAnnotations(check, at(path, 'annotations'), metadata.annotations, spec);
  }
  const here = at(path, 'spec');
  checkPodSpec(check, here, spec, undefined);
  checkProfilesMatch(check, here, metadata.annotations, spec);
  if (spec.ephemeralContainers?.length)
    check.forbidden(here, 'ephemeralContainers', 'ephemeral containers not allowed in pod template');
}
