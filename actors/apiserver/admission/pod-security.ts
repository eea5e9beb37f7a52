/**
 * PodSecurity: pods keep to the level that their namespace's labels name, or are refused or warned of. Of workloads only their
 * templates are looked at, and only to warn. @see staging/src/k8s.io/pod-security-admission/admission/admission.go
 */
import { forbiddenOf } from '../failures.ts';
import type { Server } from '../server.ts';
import { sameValue } from '../stages/defaulting.ts';
import type { AdmissionPlugin, Attributes } from './plugin.ts';
import { type SecuritySpec, securityChecks } from './pod-security-checks.ts';

type Mode = 'enforce' | 'warn';

interface Policy {
  readonly level: string;
  /** As the label has it: `latest` or `v1.20`. */
  readonly version: string;
}

const PODS = '/registry/pods';
const LABEL = 'pod-security.kubernetes.io/';
const LATEST = 36;

const IN_SPEC = ['spec', 'template', 'spec'];

/** Where each kind of workload keeps the spec of its pods. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  PodTemplate: ['template', 'spec'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
  ReplicationController: IN_SPEC,
  ReplicaSet: IN_SPEC,
  Deployment: IN_SPEC,
  StatefulSet: IN_SPEC,
  DaemonSet: IN_SPEC,
  Job: IN_SPEC,
};

export const podSecurity: AdmissionPlugin = {
  name: 'PodSecurity',
  handles(kind, operation, subresource) {
    if (operation !== 'CREATE' && operation !== 'UPDATE') return false;
    if (kind.storagePrefix === PODS) return subresource === '' || subresource === 'ephemeralcontainers';
    return subresource === '' && TEMPLATES[kind.kind] !== undefined && ['', 'apps', 'batch'].includes(kind.group);
  },
  validate(attributes, server) {
    const labels = labelsOf(server, attributes.namespace);
    if (labels === undefined) return;
    const isPod = attributes.kind.storagePrefix === PODS;
    const path = isPod ? ['spec'] : (TEMPLATES[attributes.kind.kind] ?? []);
    const spec = partOf(attributes.object, path) as SecuritySpec | undefined;
    if (spec === undefined) return;
    // What keeps its spec was let in before.
    if (attributes.previous !== undefined && sameValue(spec, partOf(attributes.previous, path))) return;
    if (isPod) enforce(attributes, labels, spec);
    warn(attributes, labels, spec);
  },
};

/** The labels of a namespace that has any of these; most have none. */
function labelsOf(server: Server, namespace: string | undefined): Readonly<Record<string, string>> | undefined {
  const cache = server.caches.cacheOf('/registry/namespaces', false);
  const labels = cache.get(cache.keyOf(undefined, namespace ?? ''))?.object.metadata.labels as
    | Readonly<Record<string, string>>
    | undefined;
  if (labels === undefined) return undefined;
  return labels[`${LABEL}enforce`] === undefined && labels[`${LABEL}warn`] === undefined ? undefined : labels;
}

function partOf(object: unknown, path: readonly string[]): unknown {
  let part: unknown = object;
  for (const name of path) part = (part as Record<string, unknown> | undefined)?.[name];
  return part;
}

function policyOf(labels: Readonly<Record<string, string>>, mode: Mode): Policy {
  return { level: labels[LABEL + mode] ?? 'privileged', version: labels[`${LABEL}${mode}-version`] ?? 'latest' };
}

function enforce({ kind, name }: Attributes, labels: Readonly<Record<string, string>>, spec: SecuritySpec): void {
  const policy = policyOf(labels, 'enforce');
  const found = violations(policy, spec);
  if (found !== '') throw forbiddenOf(kind, name, `violates PodSecurity "${policy.level}:${policy.version}": ${found}`);
}

function warn({ call }: Attributes, labels: Readonly<Record<string, string>>, spec: SecuritySpec): void {
  const policy = policyOf(labels, 'warn');
  if (call.attempt > 1) return;
  const found = violations(policy, spec);
  if (found === '') return;
  call.warnings.push(`would violate PodSecurity "${policy.level}:${policy.version}": ${found}`);
}

/** What is wrong with a pod at that level, in upstream's words; empty when it keeps to it. A level that nobody knows is restricted. */
export function violations({ level, version }: Policy, spec: SecuritySpec): string {
  if (level === 'privileged') return '';
  const minor = /^v1\.(\d+)$/.exec(version)?.[1];
  const at = minor === undefined ? LATEST : Number(minor);
  const made = securityChecks.filter(
    (check) => check.since <= at && (check.level === 'baseline' || level !== 'baseline'),
  );
  const replaced = new Set(made.flatMap(({ replaces = [] }) => replaces));
  return made
    .filter(({ id }) => !replaced.has(id))
    .flatMap((check) => check.run(spec, at) ?? [])
    .join(', ');
}
