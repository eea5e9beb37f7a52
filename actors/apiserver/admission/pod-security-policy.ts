/**
 * Which level of the Pod Security Standards a namespace asks for, in each of the three modes: its labels, and the defaults and
 * exemptions of the plugin's configuration. @see staging/src/k8s.io/pod-security-admission/api/helpers.go
 */
import { type FieldError, fieldErrors } from '../../../src/api/index.ts';
import { AdmissionConfigurationError, stringsOf } from './plugin.ts';

export type SecurityLevel = 'privileged' | 'baseline' | 'restricted';

export interface LevelVersion {
  readonly level: SecurityLevel;
  /** Minor version of Kubernetes; undefined: the latest. */
  readonly minor: number | undefined;
}

export interface SecurityPolicy {
  readonly enforce: LevelVersion;
  readonly audit: LevelVersion;
  readonly warn: LevelVersion;
}

export interface SecurityConfiguration {
  readonly defaults: SecurityPolicy;
  /** Who is exempt. */
  readonly namespaces: readonly string[];
  readonly usernames: readonly string[];
  readonly runtimeClasses: readonly string[];
}

export const SECURITY_LABEL = 'pod-security.kubernetes.io/';

type Labels = Readonly<Record<string, string>>;
type Mode = keyof SecurityPolicy;

const LEVELS: readonly string[] = ['privileged', 'baseline', 'restricted'];
const MODES: readonly Mode[] = ['enforce', 'audit', 'warn'];

/** `restricted:latest`. */
export function policyText({ level, minor }: LevelVersion): string {
  return `${level}:${minor === undefined ? 'latest' : `v1.${minor}`}`;
}

export function isPrivileged({ enforce, audit, warn }: SecurityPolicy): boolean {
  return enforce.level === 'privileged' && audit.level === 'privileged' && warn.level === 'privileged';
}

/** Negative when `one` is less strict than `other`, 0 when they are the same. */
export function compareLevels(one: SecurityLevel, other: SecurityLevel): number {
  return LEVELS.indexOf(one) - LEVELS.indexOf(other);
}

/** The policy of a namespace. A level that nobody knows is enforced as restricted, and else as privileged. */
export function policyOf(labels: Labels, defaults: SecurityPolicy): { policy: SecurityPolicy; errors: FieldError[] } {
  const errors: FieldError[] = [];
  const read = (mode: Mode): { level?: SecurityLevel; minor?: number | undefined; hasVersion: boolean } => {
    const level = labels[SECURITY_LABEL + mode];
    const isKnown = level === undefined || LEVELS.includes(level);
    if (!isKnown) errors.push(badLabel(SECURITY_LABEL + mode, level, `must be one of ${LEVELS.join(', ')}`));
    const version = labels[`${SECURITY_LABEL}${mode}-version`];
    const minor = version === undefined ? undefined : minorOf(version);
    if (version !== undefined && minor === null) {
      errors.push(badLabel(`${SECURITY_LABEL}${mode}-version`, version, 'must be "latest" or "v1.x"'));
    }
    const unknown = mode === 'enforce' ? 'restricted' : 'privileged';
    return {
      ...(level === undefined ? {} : { level: isKnown ? (level as SecurityLevel) : unknown }),
      minor: minor ?? undefined,
      hasVersion: version !== undefined,
    };
  };
  const pick = (mode: Mode, fallback: LevelVersion): LevelVersion => {
    const { level, minor, hasVersion } = read(mode);
    return { level: level ?? fallback.level, minor: hasVersion ? minor : fallback.minor };
  };
  const enforce = pick('enforce', defaults.enforce);
  const audit = pick('audit', defaults.audit);
  const warn = pick('warn', defaults.warn);
  return { policy: { enforce, audit, warn: warnAsEnforced(labels, enforce, warn) }, errors };
}

/** Who enforces a level and says nothing of warnings wants to be warned of the same, unless the default is stricter. */
function warnAsEnforced(labels: Labels, enforce: LevelVersion, warn: LevelVersion): LevelVersion {
  const level = labels[`${SECURITY_LABEL}enforce`];
  const follows = level !== undefined && LEVELS.includes(level) && labels[`${SECURITY_LABEL}warn`] === undefined;
  if (!follows || compareLevels(enforce.level, warn.level) <= 0) return warn;
  const hasVersion = labels[`${SECURITY_LABEL}warn-version`] !== undefined;
  return { level: enforce.level, minor: hasVersion ? warn.minor : enforce.minor };
}

function badLabel(label: string, value: string, text: string): FieldError {
  return fieldErrors.invalid(`metadata.labels[${label}]`, value, text);
}

/** Undefined for the latest version, null for what is none. */
function minorOf(version: string): number | undefined | null {
  if (version === 'latest') return undefined;
  const minor = /^v1\.(0|[1-9]\d*)$/.exec(version)?.[1];
  return minor === undefined ? null : Number(minor);
}

/** The plugin's configuration, in the form of a PodSecurityConfiguration. @throws AdmissionConfigurationError */
export function securityConfigurationOf(given: unknown): SecurityConfiguration {
  refuseOdd(given);
  const { defaults = {} } = (given ?? {}) as { defaults?: Record<string, string> };
  const labels: Record<string, string> = {};
  for (const mode of MODES) {
    labels[SECURITY_LABEL + mode] = defaults[mode] || 'privileged';
    labels[`${SECURITY_LABEL}${mode}-version`] = defaults[`${mode}-version`] || 'latest';
  }
  const none: LevelVersion = { level: 'privileged', minor: undefined };
  const { policy, errors } = policyOf(labels, { enforce: none, audit: none, warn: none });
  const [wrong] = errors;
  if (wrong !== undefined) {
    const field = wrong.field.slice('metadata.labels['.length + SECURITY_LABEL.length, -1);
    throw new AdmissionConfigurationError(
      `PodSecurity: defaults.${field}: Invalid value: ${JSON.stringify(wrong.value)}: ${wrong.detail}`,
    );
  }
  return {
    defaults: policy,
    namespaces: stringsOf(given, ['exemptions', 'namespaces'], 'PodSecurity'),
    usernames: stringsOf(given, ['exemptions', 'usernames'], 'PodSecurity'),
    runtimeClasses: stringsOf(given, ['exemptions', 'runtimeClasses'], 'PodSecurity'),
  };
}

const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  '': ['apiVersion', 'kind', 'defaults', 'exemptions'],
  defaults: MODES.flatMap((mode) => [mode, `${mode}-version`]),
  exemptions: ['namespaces', 'usernames', 'runtimeClasses'],
};

/** What is misspelt, or of another type, would leave pods unchecked. @throws AdmissionConfigurationError */
function refuseOdd(given: unknown): void {
  for (const [part, known] of Object.entries(MEMBERS)) {
    const whole = (given ?? {}) as Record<string, unknown>;
    const prefix = part === '' ? '' : `${part}.`;
    for (const [name, value] of Object.entries((part === '' ? whole : whole[part]) ?? {})) {
      if (!known.includes(name)) {
        throw new AdmissionConfigurationError(`PodSecurity: unknown field ${JSON.stringify(prefix + name)}`);
      }
      if (part === 'defaults' && value !== null && typeof value !== 'string') {
        throw new AdmissionConfigurationError(`PodSecurity: ${prefix}${name} must be a string, not ${String(value)}`);
      }
    }
  }
}
