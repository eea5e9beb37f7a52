/**
 * Pods as the Pod Security Standards see them, and ways to say which of their containers break a rule, in upstream's words. Used by
 * the checks alone. @see staging/src/k8s.io/pod-security-admission/policy/visitor.go, helpers.go
 */

/** A pod, or the template of one. */
export interface SecurityPod {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: SecuritySpec;
}

/** What a check has found: why in a few words, and where. */
export interface SecurityFinding {
  readonly reason: string;
  readonly detail: string;
}

export interface SecuritySpec {
  readonly containers?: readonly SecurityContainer[];
  readonly initContainers?: readonly SecurityContainer[];
  readonly ephemeralContainers?: readonly SecurityContainer[];
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly hostUsers?: boolean;
  readonly runtimeClassName?: string;
  readonly os?: { readonly name: string };
  readonly volumes?: readonly Readonly<Record<string, unknown>>[];
  readonly securityContext?: PodSecurityContext;
}

interface Handler {
  readonly httpGet?: { readonly host?: string };
  readonly tcpSocket?: { readonly host?: string };
}

interface Profile {
  readonly type?: string;
}

export interface CommonContext {
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

export interface SecurityContainer {
  readonly name: string;
  readonly image?: string;
  readonly livenessProbe?: Handler;
  readonly readinessProbe?: Handler;
  readonly startupProbe?: Handler;
  readonly lifecycle?: { readonly postStart?: Handler; readonly preStop?: Handler };
  readonly ports?: readonly { readonly hostPort?: number }[];
  readonly securityContext?: CommonContext & {
    readonly privileged?: boolean;
    readonly procMount?: string;
    readonly allowPrivilegeEscalation?: boolean;
    readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  };
}

export function all(spec: SecuritySpec): readonly SecurityContainer[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

export const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ');

/** `container "a"` or `containers "a", "b"`. */
export function named(what: string, names: readonly string[]): string {
  return `${what}${names.length === 1 ? '' : 's'} ${quoted(names)}`;
}

export function which(spec: SecuritySpec, bad: (container: SecurityContainer) => boolean): string[] {
  return all(spec)
    .filter(bad)
    .map(({ name }) => name);
}

/** A check whose only offenders are containers. */
export function ofContainers(reason: string, must: string, bad: (container: SecurityContainer) => boolean) {
  return ({ spec }: SecurityPod): SecurityFinding | undefined => {
    const names = which(spec, bad);
    return names.length === 0 ? undefined : { reason, detail: `${named('container', names)} ${must}` };
  };
}

/** Settings that a pod and its containers share: who has a forbidden one. */
export function offenders(
  spec: SecuritySpec,
  bad: (context: CommonContext) => boolean,
): { pod: boolean; containers: string[] } {
  return {
    pod: spec.securityContext !== undefined && bad(spec.securityContext),
    containers: which(spec, ({ securityContext }) => securityContext !== undefined && bad(securityContext)),
  };
}

export function refusalOf(
  reason: string,
  found: { pod: boolean; containers: string[] },
  text: string,
): SecurityFinding | undefined {
  const who = [
    ...(found.pod ? ['pod'] : []),
    ...(found.containers.length > 0 ? [named('container', found.containers)] : []),
  ];
  return who.length === 0 ? undefined : { reason, detail: `${who.join(' and ')} ${text}` };
}

/** Forbidden values of a profile's type, as text. */
export function profileRefusal(
  spec: SecuritySpec,
  reason: string,
  text: string,
  typeOf: (context: CommonContext) => string | undefined,
  fine: readonly string[],
): SecurityFinding | undefined {
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

/** Hosts that the container's probes and lifecycle hooks name. */
export function probeHosts({ livenessProbe, readinessProbe, startupProbe, lifecycle }: SecurityContainer): string[] {
  return [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop]
    .flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host])
    .filter((host): host is string => host !== undefined && host !== '');
}
