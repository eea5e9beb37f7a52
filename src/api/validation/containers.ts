/**
 * Containers of all three lists of a pod.
 * @see validateContainerCommon, validateInitContainers, validateEphemeralContainers
 */
import type { Container, ContainerPort, EphemeralContainer, VolumeDevice, VolumeMount } from '../generated/types.ts';
import { validatePortName } from '../names.ts';
import { at, type Check, isBlank, type Path } from './check.ts';
import { checkEnvironment, checkEnvironmentSources } from './environment.ts';
import { checkDescendingPath } from './file-paths.ts';
import { checkLifecycle, checkProbe } from './handlers.ts';
import { checkResourceRequirements } from './resource-names.ts';
import { checkSecurityContext } from './security-context.ts';
import { type KnownVolumes, pullPolicies } from './volumes.ts';

/** What the containers of one pod share. */
export interface ContainerSurroundings {
  readonly volumes: KnownVolumes;
  readonly claimNames: ReadonlySet<string>;
  readonly gracePeriodSeconds: number | undefined;
  readonly restartPolicy: string;
  /** The pod shares its host's users. */
  readonly hostUsers: boolean;
}

const protocols = ['SCTP', 'TCP', 'UDP'];
const messagePolicies = ['File', 'FallbackToLogsOnError'];
const restartPolicies = ['Always', 'Never', 'OnFailure'];

function checkCommon(check: Check, path: Path, container: Container, around: ContainerSurroundings): void {
  if (!container.name) check.required(path, 'name');
  else check.dnsLabel(path, 'name', container.name);
  if (!container.image) check.required(path, 'image');
  check.requiredOneOf(path, 'terminationMessagePolicy', container.terminationMessagePolicy, messagePolicies);
  if (container.ports !== undefined) checkPorts(check, at(path, 'ports'), container.ports);
  if (container.env !== undefined) checkEnvironment(check, at(path, 'env'), container.env);
  if (container.envFrom !== undefined) checkEnvironmentSources(check, at(path, 'envFrom'), container.envFrom);
  const { volumeMounts = [], volumeDevices = [] } = container;
  if (volumeMounts.length > 0)
    checkMounts(check, at(path, 'volumeMounts'), volumeMounts, volumeDevices, container, around);
  if (volumeDevices.length > 0)
    checkDevices(check, at(path, 'volumeDevices'), volumeDevices, volumeMounts, around.volumes);
  check.requiredOneOf(path, 'imagePullPolicy', container.imagePullPolicy, pullPolicies);
  if (container.resources !== undefined)
    checkResourceRequirements(check, at(path, 'resources'), container.resources, around.claimNames);
  if (container.resizePolicy !== undefined) checkResizePolicy(check, at(path, 'resizePolicy'), container, around);
  if (container.securityContext !== undefined)
    checkSecurityContext(check, at(path, 'securityContext'), container.securityContext, around.hostUsers);
}

function checkPorts(check: Check, path: Path, ports: readonly ContainerPort[]): void {
  const names = new Set<string>();
  ports.forEach((port, index) => {
    const place = at(path, index);
    if (port.name) {
      const messages = validatePortName(port.name);
      if (messages.length > 0) check.all(place, 'name', port.name, messages);
      else if (names.has(port.name)) check.duplicate(place, 'name', port.name);
      else names.add(port.name);
    }
    if (!port.containerPort) check.required(place, 'containerPort');
    else check.portNumber(place, 'containerPort', port.containerPort);
    if (port.hostPort) check.portNumber(place, 'hostPort', port.hostPort);
    check.requiredOneOf(place, 'protocol', port.protocol, protocols);
  });
}

function checkMounts(
  check: Check,
  path: Path,
  mounts: readonly VolumeMount[],
  devices: readonly VolumeDevice[],
  container: Container,
  around: ContainerSurroundings,
): void {
  const paths = new Set<string>();
  for (let index = 0; index < mounts.length; index++) {
    const mount = mounts[index] as VolumeMount;
    const { name = '', mountPath = '', subPath = '', subPathExpr = '' } = mount;
    const here = at(path, index);
    if (name === '') check.required(here, 'name');
    const volume = around.volumes.get(name);
    if (volume === undefined) check.notFound(here, 'name', name);
    if (mountPath === '') check.required(here, 'mountPath');
    if (paths.has(mountPath)) check.invalid(here, 'mountPath', mountPath, 'must be unique');
    paths.add(mountPath);
    if (devices.some((device) => device.name === name))
      check.invalid(here, 'name', name, 'must not already exist in volumeDevices');
    if (devices.some((device) => device.devicePath === mountPath))
      check.invalid(here, 'mountPath', mountPath, 'must not already exist as a path in volumeDevices');
    // Of what follows upstream names the list, not the item.
    if (subPath !== '') checkDescendingPath(check, path, 'subPath', subPath);
    if (subPathExpr !== '') {
      if (subPath !== '')
        check.invalid(here, 'subPathExpr', subPathExpr, 'subPathExpr and subPath are mutually exclusive');
      checkDescendingPath(check, path, 'subPathExpr', subPathExpr);
    }
    if (mount.mountPropagation !== undefined) checkPropagation(check, path, mount.mountPropagation, container);
    if (mount.recursiveReadOnly !== undefined) checkRecursiveReadOnly(check, path, mount);
  }
}

function checkPropagation(check: Check, path: Path, propagation: string, container: Container): void {
  check.oneOf(path, 'mountPropagation', propagation, ['Bidirectional', 'HostToContainer', 'None']);
  if (propagation === 'Bidirectional' && container.securityContext?.privileged !== true)
    check.forbidden(
      path,
      'mountPropagation',
      'Bidirectional mount propagation is available only to privileged containers',
    );
}

function checkRecursiveReadOnly(check: Check, path: Path, mount: VolumeMount): void {
  const field = 'recursiveReadOnly';
  if (mount.recursiveReadOnly === 'Disabled') return;
  if (mount.recursiveReadOnly !== 'Enabled' && mount.recursiveReadOnly !== 'IfPossible') {
    check.notSupported(path, field, mount.recursiveReadOnly, ['Disabled', 'Enabled', 'IfPossible']);
    return;
  }
  if (!mount.readOnly) check.forbidden(path, field, 'may only be specified when readOnly is true');
  if (mount.mountPropagation !== undefined && mount.mountPropagation !== 'None')
    check.forbidden(path, field, 'may only be specified when mountPropagation is None or not specified');
}

function checkDevices(
  check: Check,
  path: Path,
  devices: readonly VolumeDevice[],
  mounts: readonly VolumeMount[],
  volumes: KnownVolumes,
): void {
  const paths = new Set<string>();
  const names = new Set<string>();
  devices.forEach(({ name = '', devicePath = '' }, index) => {
    const here = at(path, index);
    const volume = volumes.get(name);
    if (name === '') check.required(here, 'name');
    if (names.has(name)) check.invalid(here, 'name', name, 'must be unique');
    if (volume === undefined) check.notFound(here, 'name', name);
    else if (!volume.persistentVolumeClaim && !volume.ephemeral)
      check.invalid(
        here,
        'name',
        name,
        'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
      );
    if (devicePath === '') check.required(here, 'devicePath');
    if (paths.has(devicePath)) check.invalid(here, 'devicePath', devicePath, 'must be unique');
    if (devicePath.split('/').includes('..'))
      check.invalid(here, 'devicePath', devicePath, "can not contain backsteps ('..')");
    else paths.add(devicePath);
    if (mounts.some((mount) => mount.name === name))
      check.invalid(here, 'name', name, 'must not already exist in volumeMounts');
    if (mounts.some((mount) => mount.mountPath === devicePath))
      check.invalid(here, 'devicePath', devicePath, 'must not already exist as a path in volumeMounts');
    if (name !== '') names.add(name);
  });
}

function checkResizePolicy(check: Check, path: Path, container: Container, around: ContainerSurroundings): void {
  const resources = new Set<string>();
  container.resizePolicy?.forEach(({ resourceName = '', restartPolicy = '' }, index) => {
    if (resources.has(resourceName)) check.duplicate(path, index, resourceName);
    resources.add(resourceName);
    check.requiredOneOf(path, '', resourceName, ['cpu', 'memory']);
    check.requiredOneOf(path, '', restartPolicy, ['NotRequired', 'RestartContainer']);
    if (around.restartPolicy === 'Never' && restartPolicy !== 'NotRequired')
      check.invalid(path, '', restartPolicy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'");
  });
}

const rulesNeedPolicy = 'must specify restartPolicy when restart rules are used';

function checkRestartRules(check: Check, path: Path, container: Container): void {
  const { restartPolicy, restartPolicyRules = [] } = container;
  if (restartPolicy !== undefined) check.oneOf(path, 'restartPolicy', restartPolicy, restartPolicies);
  if (restartPolicyRules.length === 0) return;
  if (restartPolicy === undefined) check.required(path, 'restartPolicy', rulesNeedPolicy);
  if (restartPolicyRules.length > 20) check.tooMany(path, 'restartPolicyRules', restartPolicyRules.length, 20);
  restartPolicyRules.forEach(({ action, exitCodes }, index) => {
    const place = at(at(path, 'restartPolicyRules'), index);
    check.oneOf(place, 'action', action, ['Restart', 'RestartAllContainers']);
    if (!exitCodes) {
      check.required(place, 'exitCodes', 'must be specified');
      return;
    }
    check.oneOf(at(place, 'exitCodes'), 'operator', exitCodes.operator, ['In', 'NotIn']);
    if ((exitCodes.values?.length ?? 0) > 255)
      check.tooMany(at(place, 'exitCodes'), 'values', exitCodes.values!.length, 255);
  });
}

function checkHooks(check: Check, path: Path, container: Container, around: ContainerSurroundings): void {
  const grace = around.gracePeriodSeconds;
  if (container.lifecycle) checkLifecycle(check, at(path, 'lifecycle'), container.lifecycle, grace);
  checkProbe(check, path, 'livenessProbe', container.livenessProbe, grace);
  checkProbe(check, path, 'readinessProbe', container.readinessProbe, grace);
  checkProbe(check, path, 'startupProbe', container.startupProbe, grace);
}

/** Refuses host ports that two of the containers want. */
function checkHostPorts(check: Check, path: Path, containers: readonly Container[]): void {
  let taken: Set<string> | undefined;
  for (let index = 0; index < containers.length; index++) {
    const ports = containers[index]?.ports;
    if (ports === undefined) continue;
    for (let order = 0; order < ports.length; order++) {
      const port = ports[order] as ContainerPort;
      if (!port.hostPort) continue;
      taken ??= new Set();
      const text = `${port.protocol ?? ''}/${port.hostIP ?? ''}/${port.hostPort}`;
      if (taken.has(text)) check.duplicate(at(at(at(path, index), 'ports'), order), 'hostPort', text);
      taken.add(text);
    }
  }
}

export function checkContainers(
  check: Check,
  path: Path,
  containers: readonly Container[] | undefined,
  around: ContainerSurroundings,
): void {
  if (containers === undefined || containers === null || containers.length === 0) {
    check.required(path, '');
    return;
  }
  const names = new Set<string>();
  for (let index = 0; index < containers.length; index++) {
    const container = containers[index] as Container;
    const here = at(path, index);
    checkCommon(check, here, container, around);
    const name = container.name ?? '';
    if (names.has(name)) check.duplicate(here, 'name', name);
    names.add(name);
    checkHooks(check, here, container, around);
    checkRestartRules(check, here, container);
  }
  checkHostPorts(check, path, containers);
}

const hookFields = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const;

export function checkInitContainers(
  check: Check,
  path: Path,
  containers: readonly Container[],
  regular: readonly Container[],
  around: ContainerSurroundings,
): void {
  const names = new Set(regular.map(({ name }) => name ?? ''));
  containers.forEach((container, index) => {
    const here = at(path, index);
    checkCommon(check, here, container, around);
    if (container.restartPolicy !== undefined) checkRestartRules(check, here, container);
    else if (container.restartPolicyRules?.length) check.required(here, 'restartPolicy', rulesNeedPolicy);
    const name = container.name ?? '';
    if (names.has(name)) check.duplicate(here, 'name', name);
    else if (name !== '') names.add(name);
    checkHostPorts(check, path, [container]);
    if (container.restartPolicy === 'Always') {
      checkHooks(check, here, container, around);
      return;
    }
    for (const field of hookFields) {
      if (container[field])
        check.forbidden(here, field, 'may not be set for init containers without restartPolicy=Always');
    }
    container.resizePolicy?.forEach(({ restartPolicy }, order) => {
      if (restartPolicy !== 'RestartContainer') return;
      const text = "must not be set to 'RestartContainer' for non-sidecar initContainers";
      check.invalid(at(at(here, 'resizePolicy'), order), 'restartPolicy', restartPolicy, text);
    });
  });
}

const notForEphemeral = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const;

export function checkEphemeralContainers(
  check: Check,
  path: Path,
  containers: readonly EphemeralContainer[],
  others: readonly Container[],
  around: ContainerSurroundings,
): void {
  const otherNames = new Set(others.map(({ name }) => name));
  const names = new Set(otherNames);
  const refusal = 'cannot be set for an Ephemeral Container';
  containers.forEach((container, index) => {
    const here = at(path, index);
    checkCommon(check, here, container, around);
    checkImageBlanks(check, here, container.image);
    if (names.has(container.name)) check.duplicate(here, 'name', container.name);
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !otherNames.has(target)) check.notFound(here, 'targetContainerName', target);
    for (const field of notForEphemeral) if (!isBlank(container[field])) check.forbidden(here, field, refusal);
    container.volumeMounts?.forEach((mount, order) => {
      const place = at(at(here, 'volumeMounts'), order);
      if (mount.subPath) check.forbidden(place, 'subPath', refusal);
      if (mount.subPathExpr) check.forbidden(place, 'subPathExpr', refusal);
    });
  });
}

/** Pods, unlike templates, refuse blanks around an image's name. */
export function checkImageBlanks(check: Check, path: Path, image: string | undefined): void {
  if (image && image.trim() !== image)
    check.invalid(path, 'image', image, 'must not have leading or trailing whitespace');
}
