/**
 * The checks of the Pod Security Standards, each with the version it came with: data for pod-security.ts. A check returns what
 * is wrong with a pod, in upstream's words. @see staging/src/k8s.io/pod-security-admission/policy
 */

import {
  all,
  type CommonContext,
  named,
  ofContainers,
  offenders,
  probeHosts,
  profileRefusal,
  quoted,
  refusalOf,
  type SecurityContainer,
  type SecurityFinding,
  type SecurityPod,
  type SecuritySpec,
  which,
} from './pod-security-pods.ts';

export interface SecurityCheck {
  readonly id: string;
  readonly level: 'baseline' | 'restricted';
  /** Minor version of Kubernetes from which on it is made. */
  readonly since: number;
  /** Checks of the baseline that it takes the place of. */
  readonly replaces?: readonly string[];
  /** What is wrong; undefined when nothing is. */
  run(pod: SecurityPod, minor: number): SecurityFinding | undefined;
}

const DEFAULT_CAPABILITIES = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
];

const SAFE_SYSCTLS: Readonly<Record<string, number>> = {
  'kernel.shm_rmid_forced': 0,
  'net.ipv4.ip_local_port_range': 0,
  'net.ipv4.tcp_syncookies': 0,
  'net.ipv4.ping_group_range': 0,
  'net.ipv4.ip_unprivileged_port_start': 0,
  'net.ipv4.ip_local_reserved_ports': 27,
  'net.ipv4.tcp_keepalive_time': 29,
  'net.ipv4.tcp_fin_timeout': 29,
  'net.ipv4.tcp_keepalive_intvl': 29,
  'net.ipv4.tcp_keepalive_probes': 29,
  'net.ipv4.tcp_rmem': 32,
  'net.ipv4.tcp_wmem': 32,
};

const RESTRICTED_VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
];
const SELINUX_TYPES = ['', 'container_t', 'container_init_t', 'container_kvm_t'];

const seccompType = ({ seccompProfile }: CommonContext) => seccompProfile?.type;
const SECCOMP = ['RuntimeDefault', 'Localhost'];

function seccompBaseline(spec: SecuritySpec): SecurityFinding | undefined {
  return profileRefusal(
    spec,
    'seccompProfile',
    'must not set securityContext.seccompProfile.type to',
    seccompType,
    SECCOMP,
  );
}

const isWindows = (spec: SecuritySpec, minor: number): boolean => minor >= 25 && spec.os?.name === 'windows';

/** Seccomp was an annotation before it became a field. */
function seccompOf({ spec, metadata }: SecurityPod, minor: number): SecurityFinding | undefined {
  if (minor >= 19) return seccompBaseline(spec);
  const annotations = metadata?.annotations ?? {};
  const keys = [SECCOMP_POD, ...all(spec).map(({ name }) => SECCOMP_CONTAINER + name)];
  const bad = keys.filter((key) => {
    const value = annotations[key];
    return value !== undefined && !/^(runtime\/default|docker\/default|localhost\/.*)$/.test(value);
  });
  if (bad.length === 0) return undefined;
  const list = bad.map((key) => `${key}=${JSON.stringify(annotations[key])}`).sort();
  return {
    reason: 'seccompProfile',
    detail: `forbidden ${list.length === 1 ? 'annotation' : 'annotations'} ${list.join(', ')}`,
  };
}

const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';
const APPARMOR_CONTAINER = 'container.apparmor.security.beta.kubernetes.io/';

/** AppArmor profiles are named in fields and, by older clients, in annotations. */
function appArmor({ spec, metadata }: SecurityPod): SecurityFinding | undefined {
  const values = new Set<string>();
  const found = offenders(spec, ({ appArmorProfile }) => {
    const type = appArmorProfile?.type;
    if (type === undefined || SECCOMP.includes(type)) return false;
    values.add(type);
    return true;
  });
  const annotations = Object.entries(metadata?.annotations ?? {})
    .filter(([key, value]) => key.startsWith(APPARMOR_CONTAINER) && !/^(|runtime\/default|localhost\/.*)$/.test(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort();
  const who = [
    ...(found.pod ? ['pod'] : []),
    ...(found.containers.length > 0 ? [named('container', found.containers)] : []),
    ...(annotations.length > 0 ? [annotations.length === 1 ? 'annotation' : 'annotations'] : []),
  ];
  if (who.length === 0) return undefined;
  const bad = [...[...values].sort().map((value) => JSON.stringify(value)), ...annotations];
  return {
    reason: bad.length === 1 ? 'forbidden AppArmor profile' : 'forbidden AppArmor profiles',
    detail: `${who.join(' and ')} must not set AppArmor profile type to ${bad.join(', ')}`,
  };
}

const unmaskedProcMount = ofContainers(
  'procMount',
  'must not set securityContext.procMount to "Unmasked"',
  ({ securityContext }) => (securityContext?.procMount ?? 'Default') !== 'Default',
);

export const securityChecks: readonly SecurityCheck[] = [
  {
    id: 'appArmorProfile',
    level: 'baseline',
    since: 0,
    run: appArmor,
  },
  {
    id: 'capabilities_baseline',
    level: 'baseline',
    since: 0,
    run({ spec }) {
      const extra = new Set<string>();
      const names = which(spec, ({ securityContext }) => {
        const added = (securityContext?.capabilities?.add ?? []).filter((name) => !DEFAULT_CAPABILITIES.includes(name));
        for (const name of added) extra.add(name);
        return added.length > 0;
      });
      if (names.length === 0) return undefined;
      const detail = `${named('container', names)} must not include ${quoted([...extra].sort())} in securityContext.capabilities.add`;
      return { reason: 'non-default capabilities', detail };
    },
  },
  {
    id: 'hostNamespaces',
    level: 'baseline',
    since: 0,
    run({ spec: { hostNetwork, hostPID, hostIPC } }) {
      const used = [
        ...(hostNetwork === true ? ['hostNetwork=true'] : []),
        ...(hostPID === true ? ['hostPID=true'] : []),
        ...(hostIPC === true ? ['hostIPC=true'] : []),
      ];
      return used.length === 0 ? undefined : { reason: 'host namespaces', detail: used.join(', ') };
    },
  },
  {
    id: 'hostPathVolumes',
    level: 'baseline',
    since: 0,
    run({ spec }) {
      const names = (spec.volumes ?? [])
        .filter((volume) => volume['hostPath'] !== undefined)
        .map(({ name }) => String(name));
      return names.length === 0 ? undefined : { reason: 'hostPath volumes', detail: named('volume', names) };
    },
  },
  {
    id: 'hostPorts',
    level: 'baseline',
    since: 0,
    run({ spec }) {
      const ports = new Set<string>();
      const names = which(spec, (container) => {
        const used = (container.ports ?? []).flatMap(({ hostPort = 0 }) => (hostPort === 0 ? [] : [hostPort]));
        for (const port of used) ports.add(String(port));
        return used.length > 0;
      });
      if (names.length === 0) return undefined;
      const list = [...ports].sort().join(', ');
      const uses = `${names.length === 1 ? 'uses' : 'use'} ${ports.size === 1 ? 'hostPort' : 'hostPorts'} ${list}`;
      return { reason: 'hostPort', detail: `${named('container', names)} ${uses}` };
    },
  },
  {
    id: 'hostProbesAndHostLifecycle',
    level: 'baseline',
    since: 34,
    run({ spec }) {
      const hosts = new Set<string>();
      const names = which(spec, (container) => {
        const used = probeHosts(container);
        for (const host of used) hosts.add(host);
        return used.length > 0;
      });
      if (names.length === 0) return undefined;
      const uses = `${names.length === 1 ? 'uses' : 'use'} probe or lifecycle ${hosts.size === 1 ? 'host' : 'hosts'}`;
      const detail = `${named('container', [...new Set(names)].sort())} ${uses} ${quoted([...hosts].sort())}`;
      return { reason: 'probe or lifecycle host', detail };
    },
  },
  {
    id: 'privileged',
    level: 'baseline',
    since: 0,
    run: ofContainers(
      'privileged',
      'must not set securityContext.privileged=true',
      ({ securityContext }) => securityContext?.privileged === true,
    ),
  },
  {
    id: 'procMount',
    level: 'baseline',
    since: 0,
    run: (pod, minor) => (minor >= 35 && pod.spec.hostUsers === false ? undefined : unmaskedProcMount(pod)),
  },
  {
    id: 'seLinuxOptions',
    level: 'baseline',
    since: 0,
    run(pod, minor) {
      const { spec } = pod;
      const types = minor >= 31 ? [...SELINUX_TYPES, 'container_engine_t'] : SELINUX_TYPES;
      const wrong = new Set<string>();
      let hasUser = false;
      let hasRole = false;
      const found = offenders(spec, ({ seLinuxOptions }) => {
        if (seLinuxOptions === undefined) return false;
        const { type = '', user = '', role = '' } = seLinuxOptions;
        if (!types.includes(type)) wrong.add(type);
        hasUser ||= user !== '';
        hasRole ||= role !== '';
        return !types.includes(type) || user !== '' || role !== '';
      });
      const bad = [
        ...(wrong.size === 0 ? [] : [named('type', [...wrong].sort())]),
        ...(hasUser ? ['user may not be set'] : []),
        ...(hasRole ? ['role may not be set'] : []),
      ];
      return refusalOf('seLinuxOptions', found, `set forbidden securityContext.seLinuxOptions: ${bad.join('; ')}`);
    },
  },
  { id: 'seccompProfile_baseline', level: 'baseline', since: 0, run: seccompOf },
  {
    id: 'sysctls',
    level: 'baseline',
    since: 0,
    run(pod, minor) {
      const { spec } = pod;
      const bad = (spec.securityContext?.sysctls ?? [])
        .map(({ name }) => name)
        .filter((name) => (SAFE_SYSCTLS[name] ?? Number.POSITIVE_INFINITY) > minor);
      return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
    },
  },
  {
    id: 'windowsHostProcess',
    level: 'baseline',
    since: 0,
    run: ({ spec }) =>
      refusalOf(
        'hostProcess',
        offenders(spec, ({ windowsOptions }) => windowsOptions?.hostProcess === true),
        'must not set securityContext.windowsOptions.hostProcess=true',
      ),
  },
  {
    id: 'allowPrivilegeEscalation',
    level: 'restricted',
    since: 8,
    run(pod, minor) {
      const { spec } = pod;
      if (isWindows(spec, minor)) return undefined;
      const bad = ({ securityContext }: SecurityContainer) => securityContext?.allowPrivilegeEscalation !== false;
      return ofContainers(
        'allowPrivilegeEscalation != false',
        'must set securityContext.allowPrivilegeEscalation=false',
        bad,
      )(pod);
    },
  },
  {
    id: 'capabilities_restricted',
    level: 'restricted',
    since: 22,
    replaces: ['capabilities_baseline'],
    run(pod, minor) {
      const { spec } = pod;
      if (isWindows(spec, minor)) return undefined;
      const missing = which(
        spec,
        ({ securityContext }) => securityContext?.capabilities?.drop?.includes('ALL') !== true,
      );
      const added = new Set<string>();
      const adding = which(spec, ({ securityContext }) => {
        const extra = (securityContext?.capabilities?.add ?? []).filter((name) => name !== 'NET_BIND_SERVICE');
        for (const name of extra) added.add(name);
        return extra.length > 0;
      });
      const texts = [
        ...(missing.length === 0
          ? []
          : [`${named('container', missing)} must set securityContext.capabilities.drop=["ALL"]`]),
        ...(adding.length === 0
          ? []
          : [
              `${named('container', adding)} must not include ${quoted([...added].sort())} in securityContext.capabilities.add`,
            ]),
      ];
      return texts.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: texts.join('; ') };
    },
  },
  { id: 'procMount_restricted', level: 'restricted', since: 35, replaces: ['procMount'], run: unmaskedProcMount },
  {
    id: 'restrictedVolumes',
    level: 'restricted',
    since: 0,
    replaces: ['hostPathVolumes'],
    run({ spec }) {
      const types = new Set<string>();
      const names = (spec.volumes ?? []).flatMap((volume) => {
        const type = Object.keys(volume).find((key) => key !== 'name' && volume[key] !== undefined);
        if (type === undefined || RESTRICTED_VOLUMES.includes(type)) return [];
        types.add(type);
        return [String(volume['name'])];
      });
      if (names.length === 0) return undefined;
      const uses = `${names.length === 1 ? 'uses' : 'use'} restricted volume ${types.size === 1 ? 'type' : 'types'}`;
      const detail = `${named('volume', names)} ${uses} ${quoted([...types].sort())}`;
      return { reason: 'restricted volume types', detail };
    },
  },
  {
    id: 'runAsNonRoot',
    level: 'restricted',
    since: 0,
    run({ spec }, minor) {
      if (minor >= 35 && spec.hostUsers === false) return undefined;
      const reason = 'runAsNonRoot != true';
      const pod = spec.securityContext?.runAsNonRoot;
      const wrong = which(spec, ({ securityContext }) => securityContext?.runAsNonRoot === false);
      const text = 'must not set securityContext.runAsNonRoot=false';
      const found = refusalOf(reason, { pod: pod === false, containers: wrong }, text);
      if (found !== undefined || pod === true) return found;
      const unset = which(spec, ({ securityContext }) => securityContext?.runAsNonRoot === undefined);
      if (unset.length === 0) return undefined;
      return { reason, detail: `pod or ${named('container', unset)} must set securityContext.runAsNonRoot=true` };
    },
  },
  {
    id: 'runAsUser',
    level: 'restricted',
    since: 23,
    run(pod, minor) {
      const { spec } = pod;
      if (minor >= 35 && spec.hostUsers === false) return undefined;
      return refusalOf(
        'runAsUser=0',
        offenders(spec, ({ runAsUser }) => runAsUser === 0),
        'must not set runAsUser=0',
      );
    },
  },
  {
    id: 'seccompProfile_restricted',
    level: 'restricted',
    since: 19,
    replaces: ['seccompProfile_baseline'],
    run(pod, minor) {
      const { spec } = pod;
      if (isWindows(spec, minor)) return undefined;
      const wrong = seccompBaseline(spec);
      if (wrong !== undefined || spec.securityContext?.seccompProfile?.type !== undefined) return wrong;
      const unset = which(spec, ({ securityContext }) => securityContext?.seccompProfile?.type === undefined);
      if (unset.length === 0) return undefined;
      const detail = `pod or ${named('container', unset)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`;
      return { reason: 'seccompProfile', detail };
    },
  },
];
