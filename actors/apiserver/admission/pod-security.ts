/**
 * PodSecurity: pods keep to the level that their namespace's labels name, or are refused, noted or warned of. Of workloads only
 * their templates are looked at, and never refused. @see staging/src/k8s.io/pod-security-admission/admission/admission.go
 */
import { type ApiObject, aggregateText, fieldErrorText } from '../../../src/api/index.ts';
import type { Server } from '../server.ts';
import { annotate } from './audit-annotations.ts';
import { type AdmissionPlugin, type Attributes, refusal } from './plugin.ts';
import { type SecurityPod, violations } from './pod-security-evaluation.ts';
import { countError, countEvaluation, countExemption } from './pod-security-metrics.ts';
import { admitNamespace } from './pod-security-namespaces.ts';
import type { SecurityContainer } from './pod-security-pods.ts';
import {
  isPrivileged,
  policyOf,
  policyText,
  type SecurityConfiguration,
  securityConfigurationOf,
} from './pod-security-policy.ts';

const PODS = '/registry/pods';
const NAMESPACES = '/registry/namespaces';

/** Subresources of pods that change nothing which the levels are about. */
const IGNORED = ['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status'];

const TEMPLATE = ['spec', 'template'];

/** Where each kind of workload keeps the template of its pods. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  PodTemplate: ['template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  ReplicationController: TEMPLATE,
  ReplicaSet: TEMPLATE,
  Deployment: TEMPLATE,
  StatefulSet: TEMPLATE,
  DaemonSet: TEMPLATE,
  Job: TEMPLATE,
};

export const podSecurity: AdmissionPlugin = {
  name: 'PodSecurity',
  handles(kind, operation, subresource) {
    if (operation !== 'CREATE' && operation !== 'UPDATE') return false;
    if (kind.storagePrefix === PODS) return !IGNORED.includes(subresource);
    if (subresource !== '') return false;
    if (kind.storagePrefix === NAMESPACES) return true;
    return TEMPLATES[kind.kind] !== undefined && ['', 'apps', 'batch'].includes(kind.group);
  },
  configure(given): AdmissionPlugin {
    const configuration = securityConfigurationOf(given);
    return {
      ...podSecurity,
      validate(attributes, server) {
        if (attributes.kind.storagePrefix === NAMESPACES) return admitNamespace(attributes, server, configuration);
        admitPod(attributes, server, configuration);
      },
    };
  },
};

function admitPod(attributes: Attributes, server: Server, configuration: SecurityConfiguration): void {
  const { call, kind, namespace = '', object, previous } = attributes;
  const exempt = (why: string) => {
    annotate(call, 'pod-security.kubernetes.io/exempt', why);
    countExemption(attributes, server);
  };
  if (configuration.namespaces.includes(namespace)) {
    exempt('namespace');
    return;
  }
  if (configuration.usernames.includes(call.user.user)) {
    exempt('user');
    return;
  }
  const labels = labelsOf(server, namespace);
  const { policy, errors } = policyOf(labels, configuration.defaults);
  if (errors.length === 0 && isPrivileged(policy)) return;
  const isPod = kind.storagePrefix === PODS;
  const pod = podIn(object, isPod ? [] : (TEMPLATES[kind.kind] ?? []));
  if (pod === undefined) return;
  if (isPod && previous !== undefined && !isSignificant(pod, previous as unknown as SecurityPod)) return;
  if (configuration.runtimeClasses.includes(pod.spec.runtimeClassName ?? '')) {
    exempt('runtimeClass');
    return;
  }
  if (errors.length > 0) {
    const text = aggregateText(errors.map(fieldErrorText));
    annotate(call, 'pod-security.kubernetes.io/error', `Failed to parse policy: ${text}`);
    countError(attributes, server);
  }
  const noted = violations(policy.audit, pod);
  if (noted !== '') {
    const text = `would violate PodSecurity "${policyText(policy.audit)}": ${noted}`;
    annotate(call, 'pod-security.kubernetes.io/audit-violations', text);
    countEvaluation(attributes, server, 'audit', policy.audit, 'deny');
  }
  if (isPod) {
    const text = policyText(policy.enforce);
    annotate(call, 'pod-security.kubernetes.io/enforce-policy', text);
    const found = violations(policy.enforce, pod);
    countEvaluation(attributes, server, 'enforce', policy.enforce, found === '' ? 'allow' : 'deny');
    if (found !== '') throw refusal(attributes, `violates PodSecurity "${text}": ${found}`);
  }
  if (call.attempt > 1) return;
  const warned = violations(policy.warn, pod);
  if (warned === '') return;
  call.warnings.push(`would violate PodSecurity "${policyText(policy.warn)}": ${warned}`);
  countEvaluation(attributes, server, 'warn', policy.warn, 'deny');
}

function labelsOf(server: Server, namespace: string): Readonly<Record<string, string>> {
  const cache = server.caches.cacheOf(NAMESPACES, false);
  const labels = cache.get(cache.keyOf(undefined, namespace))?.object.metadata.labels;
  return (labels ?? {}) as Readonly<Record<string, string>>;
}

function podIn(object: ApiObject | undefined, path: readonly string[]): SecurityPod | undefined {
  let part: unknown = object;
  for (const name of path) part = (part as Record<string, unknown> | undefined)?.[name];
  return (part as Partial<SecurityPod> | undefined)?.spec === undefined ? undefined : (part as SecurityPod);
}

const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';

/** Updates of pods are looked at when they bring an image, a container or a seccomp annotation: nothing else that can change matters. */
function isSignificant(pod: SecurityPod, previous: SecurityPod): boolean {
  const differs = (key: string) => pod.metadata?.annotations?.[key] !== previous.metadata?.annotations?.[key];
  if (differs(SECCOMP_POD)) return true;
  for (const list of ['containers', 'initContainers'] as const) {
    const [now, before] = [pod.spec[list] ?? [], previous.spec[list] ?? []];
    if (now.length !== before.length) return true;
    const isOther = ({ name, image }: SecurityContainer, index: number) =>
      image !== before[index]?.image || differs(SECCOMP_CONTAINER + name);
    if (now.some(isOther)) return true;
  }
  const known = new Map((previous.spec.ephemeralContainers ?? []).map(({ name, image }) => [name, image]));
  return (pod.spec.ephemeralContainers ?? []).some(
    ({ name, image }) => !known.has(name) || known.get(name) !== image || differs(SECCOMP_CONTAINER + name),
  );
}
