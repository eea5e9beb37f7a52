/**
 * Takes over a pod that an earlier life of the kubelet ran. What the API's status says of its containers is the record; the
 * runtime is told of those that run, and they keep their IDs, start times and restart counts.
 */
import { type ContainerHealth, watchHealth } from './container-health.ts';
import { adoptStatus, type ContainerRecord } from './container-record.ts';
import { type BoundPod, knownStatus } from './pod.ts';

/** Reads the API's statuses into the records. False when the API knows of no container that was ever created. */
export function adoptStatuses(pod: BoundPod, records: readonly ContainerRecord[]): boolean {
  let any = false;
  for (const record of records) {
    const known = knownStatus(pod, record.kind, record.name);
    if (known === undefined || (known.containerID ?? '') === '') continue;
    any = true;
    adoptStatus(record, known);
  }
  return any;
}

/**
 * Hands the running containers to the runtime and begins their probes. Gives the sandbox's ID, or undefined when the runtime
 * cannot make one at once: then the pod's containers start anew.
 */
export function adoptContainers(
  health: ContainerHealth,
  pod: BoundPod,
  ips: readonly string[],
  records: readonly ContainerRecord[],
): string | undefined {
  const { clock, runtime } = health;
  const sandbox = runtime.runPodSandbox({ pod, ips });
  if (sandbox instanceof Promise) return undefined;
  for (const record of records) {
    if (record.state !== 'running') continue;
    const config = { pod, container: record.spec, kind: record.kind, attempt: record.restartCount };
    runtime.adoptContainer(record.id, sandbox, config, record.startedAtMs || clock.now());
    const { started, ready } = record;
    watchHealth(health, record);
    // What was ready stays so until a probe says otherwise.
    record.started ||= started;
    record.ready ||= ready;
  }
  return sandbox;
}
