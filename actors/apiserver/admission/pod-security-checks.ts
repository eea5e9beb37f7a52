/**
 * The checks of the Pod Security Standards, each with the version it came with: data for pod-security.ts. A check returns what
 * is wrong with a pod, in upstream's words. @see staging/src/k8s.io/pod-security-admission/policy
 */

export interface SecuritySpec {
  readonly containers?: readonly SecurityContainer[];
  readonly initContainers?: readonly SecurityContainer[];
  readonly ephemeralContainers?: readonly SecurityContainer[];
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly hostUsers?: boolean;
  readonly os?: { readonly name: string };
  readonly volumes?: readonly Readonly<Record<string, unknown>>[];
  readonly securityContext?: PodSecurityContext;
}

interface Profile {
  readonly type?: string;
}

interface CommonContext {
  readonly runAsNonRoot?: boolean;
  readonly runAsUser?: number;
  readonly seccompProfile?: Profile;
  readonly appArmorProfile?: Profile;
  readonly seLinuxOptions?: { readonly type?: string; readonly user?: string; readonly role?: string };
  readonly windowsOptions?: { readonly hostProcess?: boolean };
}

interface PodSecurityContext extends CommonContext {
  readonly sysctls?: readonly { readonly name: string }[];
}

interface SecurityContainer {
  readonly name: string;
  readonly ports?: readonly { readonly hostPort?: number }[];
  readonly securityContext?: CommonContext & {
    readonly privileged?: boolean;
    readonly procMount?: string;
    readonly allowPrivilegeEscalation?: boolean;
    readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  };
}

export interface SecurityCheck {
  readonly id: string;
  readonly level: 'baseline' | 'restricted';
  /** Minor version of Kubernetes from which on it is made. */
  readonly since: number;
  /** Checks of the baseline that it takes the place of. */
  readonly replaces?: readonly string[];
  /** What is wrong, such as `privileged (container "c" must not set …)`; undefined when nothing is. */
  run(spec: SecuritySpec, minor: number): string | undefined;
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
  'persistentVolumeClaim',
  'projected',
  'secret',
];
const SELINUX_TYPES = ['', 'container_t', 'container_init_t', 'container_kvm_t'];

function all(spec: SecuritySpec): readonly SecurityContainer[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ');

/** `container "a"` or `containers "a", "b"`. */
function named(what: string, names: readonly string[]): string {
  return `${what}${names.length === 1 ? '' : 's'} ${quoted(names)}`;
}

function which(spec: SecuritySpec, bad: (container: SecurityContainer) => boolean): string[] {
  return all(spec)
    .filter(bad)
    .map(({ name }) => name);
}

/** A check whose only offenders are containers. */
function ofContainers(reason: string, must: string, bad: (container: SecurityContainer) => boolean) {
  return (spec: SecuritySpec): string | undefined => {
    const names = which(spec, bad);
    return names.length === 0 ? undefined : `${reason} (${named('container', names)} ${must})`;
  };
}

/** Settings that a pod and its containers share: who has a forbidden one. */
function offenders(
  spec: SecuritySpec,
  bad: (context: CommonContext) => boolean,
): { pod: boolean; containers: string[] } {
  return {
    pod: spec.securityContext !== undefined && bad(spec.securityContext),
    containers: which(spec, ({ securityContext }) => securityContext !== undefined && bad(securityContext)),
  };
}

function refusalOf(reason: string, found: { pod: boolean; containers: string[] }, text: string): string | undefined {
  const who = [
    ...(found.pod ? ['pod'] : []),
    ...(found.containers.length > 0 ? [named('container', found.containers)] : []),
  ];
  return who.length === 0 ? undefined : `${reason} (${who.join(' and ')} ${text})`;
}

/** Forbidden values of a profile's type, as text. */
function profileRefusal(
  spec: SecuritySpec,
  reason: string,
  text: string,
  typeOf: (context: CommonContext) => string | undefined,
  fine: readonly string[],
): string | undefined {
  const types = new Set<string>();
  const bad = (context: CommonContext) => {
    const type = typeOf(context);
    if (type === undefined || fine.includes(type)) return false;
    types.add(type);
    return true;
  };
  const found = offenders(spec, bad);
  return refusalOf(reason, found, `${text} ${quoted([...types].sort())}`);
}

const seccompType = ({ seccompProfile }: CommonContext) => seccompProfile?.type;
const SECCOMP = ['RuntimeDefault', 'Localhost'];

function seccompBaseline(spec: SecuritySpec): string | undefined {
  return profileRefusal(
    spec,
    'seccompProfile',
    'must not set securityContext.seccompProfile.type to',
    seccompType,
    SECCOMP,
  );
}

const isWindows = (spec: SecuritySpec, minor: number): boolean => minor >= 25 && spec.os?.name === 'windows';

export const securityChecks: readonly SecurityCheck[] = [
  {
    id: 'appArmorProfile',
    level: 'baseline',
    since: 0,
    run: (spec) =>
      profileRefusal(
        spec,
        'forbidden AppArmor profile',
        'must not set AppArmor profile type to',
        ({ appArmorProfile }) => appArmorProfile?.type,
        SECCOMP,
      ),
  },
  {
    id: 'capabilities_baseline',
    level: 'baseline',
    since: 0,
    run(spec) {
      const extra = new Set<string>();
      const names = which(spec, ({ securityContext }) => {
        const added = (securityContext?.capabilities?.add ?? []).filter((name) => !DEFAULT_CAPABILITIES.includes(name));
        for (const name of added) extra.add(name);
        return added.length > 0;
      });
      if (names.length === 0) return undefined;
      return `non-default capabilities (${named('container', names)} must not include ${quoted([...extra].sort())} in securityContext.capabilities.add)`;
    },
  },
  {
    id: 'hostNamespaces',
    level: 'baseline',
    since: 0,
    run({ hostNetwork, hostPID, hostIPC }) {
      const used = [
        ...(hostNetwork === true ? ['hostNetwork=true'] : []),
        ...(hostPID === true ? ['hostPID=true'] : []),
        ...(hostIPC === true ? ['hostIPC=true'] : []),
      ];
      return used.length === 0 ? undefined : `host namespaces (${used.join(', ')})`;
    },
  },
  {
    id: 'hostPathVolumes',
    level: 'baseline',
    since: 0,
    run(spec) {
      const names = (spec.volumes ?? [])
        .filter((volume) => volume['hostPath'] !== undefined)
        .map(({ name }) => String(name));
      return names.length === 0 ? undefined : `hostPath volumes (${named('volume', names)})`;
    },
  },
  {
    id: 'hostPorts',
    level: 'baseline',
    since: 0,
    run(spec) {
      const ports = new Set<number>();
      const names = which(spec, (container) => {
        const used = (container.ports ?? []).flatMap(({ hostPort = 0 }) => (hostPort === 0 ? [] : [hostPort]));
        for (const port of used) ports.add(port);
        return used.length > 0;
      });
      if (names.length === 0) return undefined;
      const list = [...ports].sort((one, other) => one - other).join(', ');
      return `hostPort (${named('container', names)} ${names.length === 1 ? 'uses' : 'use'} ${ports.size === 1 ? 'hostPort' : 'hostPorts'} ${list})`;
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
    run(spec, minor) {
      if (minor >= 35 && spec.hostUsers === false) return undefined;
      const bad = ({ securityContext }: SecurityContainer) => (securityContext?.procMount ?? 'Default') !== 'Default';
      return ofContainers('procMount', 'must not set securityContext.procMount to "Unmasked"', bad)(spec);
    },
  },
  {
    id: 'seLinuxOptions',
    level: 'baseline',
    since: 0,
    run(spec, minor) {
      const types = minor >= 31 ? [...SELINUX_TYPES, 'container_engine_t'] : SELINUX_TYPES;
      const wrong = new Set<string>();
      const found = offenders(spec, ({ seLinuxOptions }) => {
        if (seLinuxOptions === undefined) return false;
        const { type = '', user = '', role = '' } = seLinuxOptions;
        const bad = [
          ...(types.includes(type) ? [] : [`type ${JSON.stringify(type)}`]),
          ...(user === '' ? [] : ['user may not be set']),
          ...(role === '' ? [] : ['role may not be set']),
        ];
        for (const text of bad) wrong.add(text);
        return bad.length > 0;
      });
      return refusalOf(
        'seLinuxOptions',
        found,
        `set forbidden securityContext.seLinuxOptions: ${[...wrong].join('; ')}`,
      );
    },
  },
  { id: 'seccompProfile_baseline', level: 'baseline', since: 19, run: seccompBaseline },
  {
    id: 'sysctls',
    level: 'baseline',
    since: 0,
    run(spec, minor) {
      const bad = (spec.securityContext?.sysctls ?? [])
        .map(({ name }) => name)
        .filter((name) => (SAFE_SYSCTLS[name] ?? Number.POSITIVE_INFINITY) > minor);
      return bad.length === 0 ? undefined : `forbidden sysctls (${bad.join(', ')})`;
    },
  },
  {
    id: 'windowsHostProcess',
    level: 'baseline',
    since: 0,
    run: (spec) =>
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
    run(spec, minor) {
      if (isWindows(spec, minor)) return undefined;
      const bad = ({ securityContext }: SecurityContainer) => securityContext?.allowPrivilegeEscalation !== false;
      return ofContainers(
        'allowPrivilegeEscalation != false',
        'must set securityContext.allowPrivilegeEscalation=false',
        bad,
      )(spec);
    },
  },
  {
    id: 'capabilities_restricted',
    level: 'restricted',
    since: 22,
    replaces: ['capabilities_baseline'],
    run(spec, minor) {
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
      return texts.length === 0 ? undefined : `unrestricted capabilities (${texts.join('; ')})`;
    },
  },
  {
    id: 'restrictedVolumes',
    level: 'restricted',
    since: 0,
    replaces: ['hostPathVolumes'],
    run(spec) {
      const types = new Set<string>();
      const names = (spec.volumes ?? []).flatMap((volume) => {
        const type = Object.keys(volume).find((key) => key !== 'name' && volume[key] !== undefined);
        if (type === undefined || RESTRICTED_VOLUMES.includes(type)) return [];
        types.add(type);
        return [String(volume['name'])];
      });
      if (names.length === 0) return undefined;
      const uses = `${names.length === 1 ? 'uses' : 'use'} restricted volume ${types.size === 1 ? 'type' : 'types'}`;
      return `restricted volume types (${named('volume', names)} ${uses} ${quoted([...types].sort())})`;
    },
  },
  {
    id: 'runAsNonRoot',
    level: 'restricted',
    since: 0,
    run(spec, minor) {
      if (minor >= 35 && spec.hostUsers === false) return undefined;
      const reason = 'runAsNonRoot != true';
      const pod = spec.securityContext?.runAsNonRoot;
      const wrong = which(spec, ({ securityContext }) => securityContext?.runAsNonRoot === false);
      const text = 'must not set securityContext.runAsNonRoot=false';
      const found = refusalOf(reason, { pod: pod === false, containers: wrong }, text);
      if (found !== undefined || pod === true) return found;
      const unset = which(spec, ({ securityContext }) => securityContext?.runAsNonRoot === undefined);
      return unset.length === 0
        ? undefined
        : `${reason} (pod or ${named('container', unset)} must set securityContext.runAsNonRoot=true)`;
    },
  },
  {
    id: 'runAsUser',
    level: 'restricted',
    since: 23,
    run(spec, minor) {
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
    run(spec, minor) {
      if (isWindows(spec, minor)) return undefined;
      const wrong = seccompBaseline(spec);
      if (wrong !== undefined || spec.securityContext?.seccompProfile?.type !== undefined) return wrong;
      const unset = which(spec, ({ securityContext }) => securityContext?.seccompProfile?.type === undefined);
      if (unset.length === 0) return undefined;
      return `seccompProfile (pod or ${named('container', unset)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`;
    },
  },
];
