/**
 * Security contexts of pods and containers.
 * @see ValidateSecurityContext, validatePodSpecSecurityContext
 */
import type {
  AppArmorProfile,
  Container,
  PodSecurityContext,
  PodSpec,
  SeccompProfile,
  SecurityContext,
  WindowsSecurityContextOptions,
} from '../generated/types.ts';
import { validateDnsSubdomain } from '../names.ts';
import { at, type Check, type Path, type Step } from './check.ts';
import { checkDescendingPath } from './file-paths.ts';
import { internalForm } from './internal-form.ts';

const idMax = 2 ** 31 - 1;
const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined'];
const sysctlSegment = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const sysctlPattern = `^(${sysctlSegment}[\\./])*${sysctlSegment}$`;
const sysctlExpression = new RegExp(sysctlPattern);

function checkSeccomp(check: Check, path: Path, profile: SeccompProfile | undefined): void {
  if (!profile) return;
  const here = at(path, 'seccompProfile');
  if (!profile.type) check.required(here, 'type', 'type is required when seccompProfile is set');
  else check.oneOf(here, 'type', profile.type, profileTypes);
  const { localhostProfile } = profile;
  if (profile.type === 'Localhost') {
    if (localhostProfile === undefined)
      check.required(here, 'localhostProfile', 'must be set when seccomp type is Localhost');
    else checkDescendingPath(check, here, 'localhostProfile', localhostProfile);
  } else if (localhostProfile !== undefined) {
    const value = internalForm('SeccompProfile', profile);
    check.invalid(here, 'localhostProfile', value, 'can only be set when seccomp type is Localhost');
  }
}

function checkAppArmor(check: Check, path: Path, profile: AppArmorProfile | undefined): void {
  if (!profile) return;
  const here = at(path, 'appArmorProfile');
  const { localhostProfile: name } = profile;
  if (profile.type === 'Localhost') {
    const missing = 'must be set when AppArmor type is Localhost';
    if (name === undefined) check.required(here, 'localhostProfile', missing);
    else if (name.trim() !== name) check.invalid(here, 'localhostProfile', name, 'must not be padded with whitespace');
    else if (name === '') check.required(here, 'localhostProfile', missing);
    if (name !== undefined && name.length > 4095) check.tooLong(here, 'localhostProfile', 4095);
  } else if (!profile.type) check.required(here, 'type', 'type is required when appArmorProfile is set');
  else if (!profileTypes.includes(profile.type)) check.notSupported(here, 'type', profile.type, profileTypes);
  else if (name !== undefined)
    check.invalid(here, 'localhostProfile', name, 'can only be set when AppArmor type is Localhost');
}

function checkId(check: Check, path: Path, step: Step, id: number | undefined): void {
  check.inRange(path, step, id, 0, idMax);
}

/** Of a container. `hostUsers`: the pod shares its host's users. */
export function checkSecurityContext(
  check: Check,
  path: Path,
  context: SecurityContext | undefined,
  hostUsers: boolean,
): void {
  if (!context) return;
  checkId(check, path, 'runAsUser', context.runAsUser);
  checkId(check, path, 'runAsGroup', context.runAsGroup);
  if (context.procMount !== undefined) {
    check.oneOf(path, 'procMount', context.procMount, ['Default', 'Unmasked']);
    if (hostUsers && context.procMount === 'Unmasked')
      check.invalid(path, 'procMount', context.procMount, '`hostUsers` must be false to use `Unmasked`');
  }
  checkSeccomp(check, path, context.seccompProfile);
  if (context.allowPrivilegeEscalation === false) {
    const refuse = (what: string): void => {
      const text = `cannot set \`allowPrivilegeEscalation\` to false and ${what}`;
      check.invalid(path, '', internalForm('SecurityContext', context), text);
    };
    if (context.privileged === true) refuse('`privileged` to true');
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN')) refuse('`capabilities.Add` CAP_SYS_ADMIN');
  }
  checkWindowsOptions(check, at(path, 'windowsOptions'), context.windowsOptions);
  checkAppArmor(check, path, context.appArmorProfile);
}

/** Of a pod, with what its specification says of sharing with the host. */
export function checkPodSecurityContext(check: Check, path: Path, spec: PodSpec): void {
  const context = spec.securityContext;
  if (!context) return;
  checkId(check, path, 'fsGroup', context.fsGroup);
  checkId(check, path, 'runAsUser', context.runAsUser);
  checkId(check, path, 'runAsGroup', context.runAsGroup);
  context.supplementalGroups?.forEach((id, index) => {
    checkId(check, at(path, 'supplementalGroups'), index, id);
  });
  if (spec.hostPID && spec.shareProcessNamespace) {
    check.invalid(path, 'shareProcessNamespace', true, 'ShareProcessNamespace and HostPID cannot both be enabled');
  }
  checkSysctls(check, at(path, 'sysctls'), context, spec);
  if (context.fsGroupChangePolicy !== undefined)
    check.oneOf(path, 'fsGroupChangePolicy', context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']);
  checkSeccomp(check, path, context.seccompProfile);
  checkWindowsOptions(check, at(path, 'windowsOptions'), context.windowsOptions);
  checkAppArmor(check, path, context.appArmorProfile);
  if (context.supplementalGroupsPolicy !== undefined)
    check.oneOf(path, 'supplementalGroupsPolicy', context.supplementalGroupsPolicy, ['Merge', 'Strict']);
  if (context.seLinuxChangePolicy !== undefined)
    check.oneOf(path, 'seLinuxChangePolicy', context.seLinuxChangePolicy, ['MountOption', 'Recursive']);
}

function checkSysctls(check: Check, path: Path, context: PodSecurityContext, spec: PodSpec): void {
  const names = new Set<string>();
  context.sysctls?.forEach(({ name = '' }, index) => {
    const place = at(path, index);
    if (name === '') check.required(place, 'name');
    else if (name.length > 253 || !sysctlExpression.test(name))
      check.invalid(place, 'name', name, `must have at most 253 characters and match regex ${sysctlPattern}`);
    else if (names.has(name)) check.duplicate(place, 'name', name);
    const dotted = name.replaceAll('/', '.');
    if (spec.hostNetwork && dotted.startsWith('net.'))
      check.invalid(place, 'name', name, "may not be specified when 'hostNetwork' is true");
    else if (spec.hostIPC && /^(kernel\.shm|kernel\.msg|kernel\.sem$|fs\.mqueue\.)/.test(dotted))
      check.invalid(place, 'name', name, "may not be specified when 'hostIPC' is true");
    names.add(name);
  });
}

const credentialKibMax = 64;
const dnsPart = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const windowsDomain = new RegExp(`^([^\\\\/:*?"<>|.][^\\\\/:*?"<>|]{0,14}|${dnsPart}(?:\\.${dnsPart})*)$`);

function checkWindowsOptions(check: Check, path: Path, options: WindowsSecurityContextOptions | undefined): void {
  if (!options) return;
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: credential, runAsUserName } = options;
  if (name !== undefined) check.all(path, 'gmsaCredentialSpecName', name, validateDnsSubdomain(name));
  if (credential === '')
    check.invalid(path, 'gmsaCredentialSpec', credential, 'gmsaCredentialSpec cannot be an empty string');
  else if (credential !== undefined && Buffer.byteLength(credential) > credentialKibMax * 1024)
    check.invalid(
      path,
      'gmsaCredentialSpec',
      credential,
      `gmsaCredentialSpec size must be under ${credentialKibMax} KiB`,
    );
  if (runAsUserName !== undefined)
    for (const message of userNameMessages(runAsUserName)) check.invalid(path, 'runAsUserName', runAsUserName, message);
}

function userNameMessages(name: string): string[] {
  if (name === '') return ['runAsUserName cannot be an empty string'];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what the rule refuses.
  if (/[\x00-\x1f\x7f]/.test(name)) return ['runAsUserName cannot contain control characters'];
  const parts = name.split('\\');
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash'];
  const user = parts.at(-1) ?? '';
  const domain = parts.length === 2 ? (parts[0] ?? '') : undefined;
  const messages: string[] = [];
  if (domain !== undefined && domain.length >= 256)
    messages.push("runAsUserName's Domain length must be under 256 characters");
  if (domain !== undefined && !windowsDomain.test(domain))
    messages.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  if (user === '') messages.push("runAsUserName's User cannot be empty");
  else if (user.length > 104) messages.push("runAsUserName's User length must not be longer than 104 characters");
  if (/^[. ]+$/.test(user)) messages.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user))
    messages.push(`runAsUserName's User cannot contain the following characters: "/\\:;|=,+*?<>@[]`);
  return messages;
}

/** Containers of a Windows pod run as host processes all together or not at all. */
export function checkHostProcesses(check: Check, path: Path, spec: PodSpec): void {
  const podValue = spec.securityContext?.windowsOptions?.hostProcess;
  let containers = 0;
  let hostProcesses = 0;
  visitContainers(spec, (container, list, index) => {
    containers += 1;
    const value = container.securityContext?.windowsOptions?.hostProcess;
    if (podValue !== undefined && value !== undefined && podValue !== value) {
      const place = at(at(at(at(path, list), index), 'securityContext'), 'windowsOptions');
      const text = `pod hostProcess value must be identical if both are specified, was ${podValue}`;
      check.invalid(place, 'hostProcess', value, text);
    }
    if (value ?? podValue) hostProcesses += 1;
  });
  if (hostProcesses === 0) return;
  if (hostProcesses !== containers)
    check.invalid(
      path,
      '',
      '',
      'If pod contains any hostProcess containers then all containers must be HostProcess containers',
    );
  if (!spec.hostNetwork)
    check.invalid(path, 'hostNetwork', false, 'hostNetwork must be true if pod contains any hostProcess containers');
}

/** All containers, with the list that each is of. */
export function visitContainers(
  spec: PodSpec,
  visit: (
    container: Pick<Container, 'env' | 'name' | 'securityContext' | 'volumeDevices'>,
    list: string,
    index: number,
  ) => void,
): void {
  spec.initContainers?.forEach((container, index) => {
    visit(container, 'initContainers', index);
  });
  spec.containers?.forEach((container, index) => {
    visit(container, 'containers', index);
  });
  spec.ephemeralContainers?.forEach((container, index) => {
    visit(container, 'ephemeralContainers', index);
  });
}

const windowsPodFields = [
  ['appArmorProfile', 'seLinuxOptions'],
  ['seccompProfile', 'fsGroup', 'fsGroupChangePolicy', 'sysctls'],
  ['runAsUser', 'runAsGroup', 'supplementalGroups', 'supplementalGroupsPolicy', 'seLinuxChangePolicy'],
] as const;
const windowsContainerFields = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const;

/** What the operating system that a pod names leaves no room for. */
export function checkOperatingSystem(check: Check, path: Path, spec: PodSpec): void {
  const name = spec.os?.name;
  if (!name) {
    check.required(at(path, 'os'), 'name');
    return;
  }
  if (name === 'linux') {
    const text = 'windows options cannot be set for a linux pod';
    if (spec.securityContext?.windowsOptions) check.forbidden(at(path, 'securityContext'), 'windowsOptions', text);
    visitContainers(spec, ({ securityContext }, list, index) => {
      if (securityContext?.windowsOptions)
        check.forbidden(at(at(at(path, list), index), 'securityContext'), 'windowsOptions', text);
    });
  } else if (name === 'windows') checkWindowsPod(check, path, spec);
  else check.notSupported(path, 'os', name, ['linux', 'windows']);
}

function checkWindowsPod(check: Check, path: Path, spec: PodSpec): void {
  const text = 'cannot be set for a windows pod';
  const context = spec.securityContext;
  const refuse = (fields: readonly (keyof PodSecurityContext)[]): void => {
    for (const field of fields) {
      if (context?.[field] !== undefined) check.forbidden(at(path, 'securityContext'), field, text);
    }
  };
  refuse(windowsPodFields[0]);
  if (spec.hostUsers !== undefined) check.forbidden(path, 'hostUsers', text);
  if (spec.hostPID) check.forbidden(path, 'hostPID', text);
  if (spec.hostIPC) check.forbidden(path, 'hostIPC', text);
  refuse(windowsPodFields[1]);
  if (spec.shareProcessNamespace !== undefined) check.forbidden(path, 'shareProcessNamespace', text);
  refuse(windowsPodFields[2]);
  visitContainers(spec, ({ securityContext }, list, index) => {
    if (!securityContext) return;
    for (const field of windowsContainerFields) {
      if (securityContext[field] !== undefined)
        check.forbidden(at(at(at(path, list), index), 'securityContext'), field, text);
    }
  });
}
