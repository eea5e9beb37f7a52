/**
 * Warnings for pods and pod templates: what is accepted and will not do what its author may think.
 * @see pkg/api/pod/warnings.go, pkg/api/node/util.go
 */
import type {
  Container,
  ContainerPort,
  ObjectMeta,
  PersistentVolumeClaimSpec,
  Pod,
  PodAffinityTerm,
  PodSpec,
  PodTemplateSpec,
  Volume,
} from '../../generated/types.ts';
import { validateDnsLabel } from '../../names.ts';
import { deprecatedNodeLabels, warnOfSelectorTerm } from './node-labels.ts';
import { warnOfOverlaps } from './pod-volume-warnings.ts';
import { isFractional } from './resource-list.ts';

/** Warnings for a pod that is created or updated. */
export function podWarnings(pod: Pod, previous: Pod | undefined): string[] {
  const warnings: string[] = [];
  // Of a pod that exists almost nothing can change, so there is nothing to warn of.
  if (previous !== undefined) return warnings;
  warnOfName("the Pod's hostname", pod.metadata?.name, warnings);
  if (pod.spec !== undefined) warnPod('', pod.spec, pod.metadata ?? {}, warnings);
  return warnings;
}

/** Adds a warning for a name that is not a DNS label although it becomes part of one. */
function warnOfName(use: string, name: string | undefined, warnings: string[]): void {
  const messages = validateDnsLabel(name ?? '');
  if (messages.length === 0) return;
  warnings.push(
    `metadata.name: this is used in ${use}, which can result in surprising behavior; a DNS label is recommended: [${messages.join(' ')}]`,
  );
}

/** Warnings for the name of a new workload, whose pods are named after it. */
export function workloadNameWarnings(metadata: ObjectMeta | undefined): string[] {
  const warnings: string[] = [];
  warnOfName('Pod names and hostnames', metadata?.name, warnings);
  return warnings;
}

/** Warnings for the template at `path`. An unchanged template has been warned of before. */
export function podTemplateWarnings(
  path: string,
  template: PodTemplateSpec | undefined,
  previous: PodTemplateSpec | undefined,
): string[] {
  const warnings: string[] = [];
  if (template?.spec !== undefined && template !== previous) {
    warnPod(`${path}.`, template.spec, template.metadata ?? {}, warnings);
  }
  return warnings;
}

interface Workload {
  readonly metadata?: ObjectMeta | undefined;
  readonly spec?: { readonly template?: PodTemplateSpec | undefined } | undefined;
}

/** The same for kinds whose template is `spec.template`. Warns on create, and on update when generation says that the spec changed. */
export function templateWarnings(object: Workload, previous: Workload | undefined): string[] {
  if (previous !== undefined && object.metadata?.generation === previous.metadata?.generation) return [];
  return podTemplateWarnings('spec.template', object.spec?.template, previous?.spec?.template);
}

/** The same for kinds whose pods are named after them. */
export function namedTemplateWarnings(object: Workload, previous: Workload | undefined): string[] {
  const warnings = templateWarnings(object, previous);
  return previous === undefined ? [...workloadNameWarnings(object.metadata), ...warnings] : warnings;
}

const deprecatedAnnotations: readonly (readonly [key: string, message: string])[] = [
  ['scheduler.alpha.kubernetes.io/critical-pod', 'non-functional in v1.16+; use the "priorityClassName" field instead'],
  ['security.alpha.kubernetes.io/sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
  ['security.alpha.kubernetes.io/unsafe-sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
];

/** Volume plugins that are on their way out, or gone. */
export const deprecatedVolumes: readonly (readonly [source: keyof Volume, message: string])[] = [
  ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'deprecated in v1.11'],
  ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'deprecated in v1.22, non-functional in v1.25+'],
  ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];

/** Upstream's names of two volume sources differ from those of their fields. */
const volumeFieldNames: Readonly<Record<string, string>> = { storageos: 'storageOS' };

function warnPod(root: string, spec: PodSpec, metadata: ObjectMeta, warnings: string[]): void {
  const path = `${root}spec`;
  warnOfNodeLabels(path, spec, warnings);
  warnOfSpread(path, spec, warnings);
  for (const [key, message] of deprecatedAnnotations) {
    if (metadata.annotations?.[key] !== undefined) warnings.push(`${root}metadata.annotations[${key}]: ${message}`);
  }
  warnOfVolumes(path, spec, warnings);
  warnOfDuplicates(path, spec, warnings);
  for (const resource of ['memory', 'ephemeral-storage']) {
    warnOfFraction(`${path}.overhead[${resource}]`, spec.overhead?.[resource], warnings);
  }
  const seccomp = 'seccomp.security.alpha.kubernetes.io/pod';
  if (metadata.annotations?.[seccomp] !== undefined && spec.securityContext?.seccompProfile === undefined) {
    warnings.push(
      `${root}metadata.annotations[${seccomp}]: non-functional in v1.27+; use the "seccompProfile" field instead`,
    );
  }
  for (const [container, at] of containersOf(path, spec))
    warnOfContainer(root, at, container, spec, metadata, warnings);
  warnOfPorts(path, spec, warnings);
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    warnings.push(
      `${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`,
    );
  }
  for (const name of ['podAffinity', 'podAntiAffinity'] as const) {
    const affinity = spec.affinity?.[name];
    const at = `${path}.affinity.${name}`;
    affinity?.requiredDuringSchedulingIgnoredDuringExecution?.forEach((term, index) => {
      warnOfTerm(`${at}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`, term, warnings);
    });
    affinity?.preferredDuringSchedulingIgnoredDuringExecution?.forEach((weighted, index) => {
      const termPath = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}].podAffinityTerm`;
      warnOfTerm(termPath, weighted.podAffinityTerm, warnings);
    });
  }
}

function warnOfTerm(path: string, term: PodAffinityTerm, warnings: string[]): void {
  if (term.labelSelector === undefined) {
    warnings.push(`${path}.labelSelector: a null labelSelector results in matching no pod`);
  }
}

function warnOfNodeLabels(path: string, spec: PodSpec, warnings: string[]): void {
  for (const label in spec.nodeSelector) {
    const message = deprecatedNodeLabels[label];
    if (message !== undefined) warnings.push(`${path}.nodeSelector[${label}]: ${message}`);
  }
  const affinity = spec.affinity?.nodeAffinity;
  const at = `${path}.affinity.nodeAffinity`;
  affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms?.forEach((term, index) => {
    warnOfSelectorTerm(
      `${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${index}]`,
      term,
      warnings,
    );
  });
  affinity?.preferredDuringSchedulingIgnoredDuringExecution?.forEach((term, index) => {
    const termPath = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}].preference`;
    warnOfSelectorTerm(termPath, term.preference, warnings);
  });
}

function warnOfSpread(path: string, spec: PodSpec, warnings: string[]): void {
  spec.topologySpreadConstraints?.forEach((constraint, index) => {
    const at = `${path}.topologySpreadConstraints[${index}]`;
    const message = deprecatedNodeLabels[constraint.topologyKey];
    if (message !== undefined) warnings.push(`${at}.topologyKey: ${constraint.topologyKey} is ${message}`);
    if (constraint.labelSelector === undefined) {
      warnings.push(`${at}.labelSelector: a null labelSelector results in matching no pod`);
    }
  });
}

function warnOfVolumes(path: string, spec: PodSpec, warnings: string[]): void {
  spec.volumes?.forEach((volume, index) => {
    for (const [source, message] of deprecatedVolumes) {
      if (volume[source] === undefined) continue;
      warnings.push(`${path}.volumes[${index}].${volumeFieldNames[source] ?? source}: ${message}`);
    }
    const claim = volume.ephemeral?.volumeClaimTemplate?.spec;
    if (claim !== undefined)
      warnOfClaim(`${path}.volumes[${index}].ephemeral.volumeClaimTemplate.spec`, claim, warnings);
  });
  if (spec.volumes !== undefined) warnOfOverlaps(spec.volumes, warnings);
}

function warnOfDuplicates(path: string, spec: PodSpec, warnings: string[]): void {
  const addresses = new Set<string>();
  spec.hostAliases?.forEach((alias, index) => {
    if (addresses.has(alias.ip)) warnings.push(`${path}.hostAliases[${index}].ip: duplicate ip "${alias.ip}"`);
    addresses.add(alias.ip);
  });
  const names = new Set<string>();
  spec.imagePullSecrets?.forEach(({ name = '' }, index) => {
    if (names.has(name)) warnings.push(`${path}.imagePullSecrets[${index}].name: duplicate name "${name}"`);
    names.add(name);
  });
  spec.imagePullSecrets?.forEach(({ name }, index) => {
    if (!name) warnings.push(`${path}.imagePullSecrets[${index}].name: invalid empty name ""`);
  });
}

/** Init, ordinary and ephemeral containers, each with its path. */
function* containersOf(path: string, spec: PodSpec): Generator<readonly [Container, string]> {
  for (const [index, container] of (spec.initContainers ?? []).entries())
    yield [container, `${path}.initContainers[${index}]`];
  for (const [index, container] of (spec.containers ?? []).entries()) yield [container, `${path}.containers[${index}]`];
  for (const [index, container] of (spec.ephemeralContainers ?? []).entries()) {
    yield [container as Container, `${path}.ephemeralContainers[${index}]`];
  }
}

function warnOfContainer(
  root: string,
  path: string,
  container: Container,
  spec: PodSpec,
  metadata: ObjectMeta,
  warnings: string[],
): void {
  const annotations = metadata.annotations;
  if (annotations !== undefined) {
    const seccomp = `container.seccomp.security.alpha.kubernetes.io/${container.name}`;
    if (annotations[seccomp] !== undefined && container.securityContext?.seccompProfile === undefined) {
      warnings.push(
        `${root}metadata.annotations[${seccomp}]: non-functional in v1.27+; use the "seccompProfile" field instead`,
      );
    }
    const appArmor = `container.apparmor.security.beta.kubernetes.io/${container.name}`;
    const hasField =
      spec.securityContext?.appArmorProfile !== undefined || container.securityContext?.appArmorProfile !== undefined;
    // Of a pod itself this is said where its fields are made to follow its annotations.
    if (root !== '' && annotations[appArmor] !== undefined && !hasField) {
      warnings.push(
        `${root}metadata.annotations[${appArmor}]: deprecated since v1.30; use the "appArmorProfile" field instead`,
      );
    }
  }
  for (const resource of ['memory', 'ephemeral-storage']) {
    for (const list of ['limits', 'requests'] as const) {
      warnOfFraction(`${path}.resources.${list}[${resource}]`, container.resources?.[list]?.[resource], warnings);
    }
  }
  const seen = new Set<string>();
  container.env?.forEach((variable, index) => {
    if (!seen.has(variable.name)) {
      seen.add(variable.name);
      return;
    }
    const reference = `$(${variable.name})`;
    const value = variable.value ?? '';
    if (variable.valueFrom !== undefined || value === reference || !value.includes(reference)) {
      warnings.push(
        `${path}.env[${index}]: hides previous definition of "${variable.name}", which may be dropped when using apply`,
      );
    }
  });
}

/** Adds warnings for the storage that a claim asks for. */
export function warnOfClaim(path: string, claim: PersistentVolumeClaimSpec, warnings: string[]): void {
  for (const list of ['requests', 'limits'] as const) {
    warnOfFraction(`${path}.resources.${list}[storage]`, claim.resources?.[list]?.['storage'], warnings);
  }
}

function warnOfFraction(path: string, quantity: string | undefined, warnings: string[]): void {
  if (quantity === undefined || !isFractional(quantity)) return;
  warnings.push(`${path}: fractional byte value "${quantity}" is invalid, must be an integer`);
}

function warnOfPorts(path: string, spec: PodSpec, warnings: string[]): void {
  const known = new Map<string, { readonly at: string; readonly port: ContainerPort }[]>();
  for (const [container, containerPath] of containersOf(path, spec)) {
    container.ports?.forEach((port, index) => {
      const at = `${containerPath}.ports[${index}]`;
      if (port.hostIP && !port.hostPort) warnings.push(`${at}: hostIP set without hostPort: ${goPort(port)}`);
      const key = `${port.containerPort}/${port.protocol}`;
      const others = known.get(key) ?? [];
      for (const other of others) warnOfPortPair(at, port, other.at, other.port, warnings);
      known.set(key, [...others, { at, port }]);
    });
  }
}

/** A port as Go's `%+v` prints it. */
function goPort({ name = '', hostPort = 0, containerPort = 0, protocol = '', hostIP = '' }: ContainerPort): string {
  return `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;
}

function warnOfPortPair(
  at: string,
  port: ContainerPort,
  otherAt: string,
  other: ContainerPort,
  warnings: string[],
): void {
  const [hostPort, otherHostPort] = [port.hostPort ?? 0, other.hostPort ?? 0];
  const [hostIp, otherHostIp] = [port.hostIP ?? '', other.hostIP ?? ''];
  if (hostIp === otherHostIp && hostPort === otherHostPort) {
    warnings.push(`${at}: duplicate port definition with ${otherAt}`);
  } else if (hostPort === 0 || otherHostPort === 0) {
    warnings.push(`${at}: overlapping port definition with ${otherAt}`);
  } else if (hostPort === otherHostPort && (hostIp === '') !== (otherHostIp === '')) {
    warnings.push(`${at}: dangerously ambiguous port definition with ${otherAt}`);
  }
}
