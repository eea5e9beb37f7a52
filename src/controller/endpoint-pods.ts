/**
 * What the endpoint controllers share: which pods stand behind a Service, under which ports and addresses, when their
 * endpoints last changed, and which Services a change of a pod concerns.
 *
 * @see kubernetes/staging/src/k8s.io/endpointslice/util
 */
import type { Pod, Service, ServicePort } from '../api/index.ts';
import type { Change, Lister } from '../client/index.ts';
import { keyFor } from './keys.ts';
import { type LabelMatcher, mapMatcherOf } from './label-selectors.ts';
import { isPodFinished, isPodReady, podCondition } from './pods.ts';
import { timeMs } from './times.ts';
import type { Key } from './types.ts';

export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';
export const headlessLabel = 'service.kubernetes.io/headless';

export function isHeadless(service: Service): boolean {
  return service.spec?.clusterIP === 'None';
}

export function hasSelector(service: Service): boolean {
  return service.spec?.selector !== undefined && service.spec.selector !== null;
}

/** Whether a pod has a place among the endpoints: it has an address and has not finished. */
export function belongsToEndpoints(pod: Pod, includeTerminating: boolean): boolean {
  if (!includeTerminating && pod.metadata?.deletionTimestamp !== undefined) return false;
  if (isPodFinished(pod)) return false;
  return podAddresses(pod).length > 0;
}

export function podAddresses(pod: Pod): string[] {
  const addresses = pod.status?.podIPs?.flatMap(({ ip }) => (ip ? [ip] : [])) ?? [];
  const { podIP } = pod.status ?? {};
  return addresses.length === 0 && podIP ? [podIP] : addresses;
}

export function addressTypeOf(address: string): 'IPv4' | 'IPv6' {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

/** The pod's hostname under a headless Service that its subdomain names. */
export function hostnameOf(pod: Pod, service: Service): string | undefined {
  const { hostname, subdomain } = pod.spec ?? {};
  if (!hostname || subdomain !== service.metadata?.name) return undefined;
  return pod.metadata?.namespace === service.metadata?.namespace ? hostname : undefined;
}

/** The number behind a target port; a name is looked up in the pod's containers. Undefined when the pod has none. */
export function targetPortOf(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target === 0 ? port.port : target;
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    for (const candidate of container.ports ?? []) {
      const protocol = candidate.protocol ?? 'TCP';
      if (candidate.name === target && protocol === (port.protocol ?? 'TCP')) return candidate.containerPort;
    }
  }
  return undefined;
}

/** Remembers selectors as functions and answers which Services a pod stands behind. */
export class ServiceSelectors {
  readonly #services: Lister<Service>;
  readonly #matchers = new WeakMap<Service, LabelMatcher>();

  constructor(services: Lister<Service>) {
    this.#services = services;
  }

  /** Whether any Service of the namespace selects pods: only then do its pods matter. */
  areIn(namespace: string | undefined): boolean {
    return this.#services.list(namespace ?? '').some(hasSelector);
  }

  matches(service: Service, labels: Readonly<Record<string, string>> | undefined): boolean {
    let matcher = this.#matchers.get(service);
    if (matcher === undefined) {
      matcher = mapMatcherOf(service.spec?.selector);
      this.#matchers.set(service, matcher);
    }
    return matcher(labels);
  }

  /** Keys of the Services that must look again after this change; none when nothing that endpoints show has changed. */
  concernedBy(change: Change<Pod>): Key[] {
    const pod = change.object;
    const previous = change.type === 'updated' ? change.previous : undefined;
    const relabelled = previous !== undefined && !sameLabels(previous.metadata?.labels, pod.metadata?.labels);
    if (previous !== undefined && !relabelled && sameEndpoint(previous, pod)) return [];
    const keys: Key[] = [];
    for (const service of this.#services.list(pod.metadata?.namespace)) {
      const concerned =
        this.matches(service, pod.metadata?.labels) ||
        (relabelled && this.matches(service, previous?.metadata?.labels));
      if (concerned) keys.push(keyFor(service));
    }
    return keys;
  }
}

function sameLabels(
  left: Readonly<Record<string, string>> | undefined,
  right: Readonly<Record<string, string>> | undefined,
): boolean {
  const leftEntries = Object.entries(left ?? {});
  return (
    leftEntries.length === Object.keys(right ?? {}).length &&
    leftEntries.every(([name, value]) => right?.[name] === value)
  );
}

/** Whether two states of a pod give the same endpoint. */
function sameEndpoint(left: Pod, right: Pod): boolean {
  return (
    left.metadata?.deletionTimestamp === right.metadata?.deletionTimestamp &&
    left.status?.phase === right.status?.phase &&
    isPodReady(left) === isPodReady(right) &&
    left.spec?.nodeName === right.spec?.nodeName &&
    left.spec?.hostname === right.spec?.hostname &&
    left.spec?.subdomain === right.spec?.subdomain &&
    podAddresses(left).join() === podAddresses(right).join()
  );
}

interface ServiceTimes {
  serviceMs: number;
  pods: Map<string, number>;
}

/** Knows per Service which change was handled last, to say since when a new state of its endpoints was due. */
export class TriggerTimes {
  readonly #services = new Map<Key, ServiceTimes>();

  forget(key: Key): void {
    this.#services.delete(key);
  }

  /** Milliseconds since the epoch of the earliest change not seen before; undefined when there was none. */
  next(service: Service, pods: readonly Pod[]): number | undefined {
    const key = keyFor(service);
    const known = this.#services.get(key);
    const serviceMs = timeMs(service.metadata?.creationTimestamp);
    const times = new Map<string, number>();
    let earliest = Number.POSITIVE_INFINITY;
    for (const pod of pods) {
      const readyMs = timeMs(podCondition(pod, 'Ready')?.lastTransitionTime);
      const name = pod.metadata?.name ?? '';
      if (readyMs === 0) continue;
      times.set(name, readyMs);
      if (readyMs > (known?.pods.get(name) ?? 0)) earliest = Math.min(earliest, readyMs);
    }
    if (serviceMs > (known?.serviceMs ?? 0)) earliest = Math.min(earliest, serviceMs);
    this.#services.set(key, { serviceMs, pods: times });
    if (known === undefined) return serviceMs;
    return earliest === Number.POSITIVE_INFINITY ? undefined : earliest;
  }
}
