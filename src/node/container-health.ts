/** Watches the health of one running container by its probes, and says what follows from their verdicts. */
import type { Clock } from '../runtime/index.ts';
import type { ContainerRecord } from './container-record.ts';
import type { BoundPod } from './pod.ts';
import type { PodEvents } from './pod-events.ts';
import { Prober } from './prober.ts';
import type { ProbeKind, RuntimeService } from './runtime.ts';

export interface ContainerHealth {
  readonly clock: Clock;
  readonly runtime: RuntimeService;
  readonly events: PodEvents;
  pod(): BoundPod;
  /** A probe has failed for good: the container is to be stopped, and its restart policy says what comes next. */
  stop(record: ContainerRecord, graceSeconds: number | undefined): void;
  /** `started` or `ready` of the record may have changed. */
  changed(): void;
}

/** Begins the probes of a container that has just started; without any it is started and ready from now on. */
export function watchHealth(health: ContainerHealth, record: ContainerRecord): void {
  const { startupProbe, readinessProbe, livenessProbe } = record.spec;
  record.started = startupProbe === undefined;
  record.ready = startupProbe === undefined && readinessProbe === undefined;
  if (startupProbe === undefined && readinessProbe === undefined && livenessProbe === undefined) return;
  const { clock, events, runtime } = health;
  const prober = new Prober(clock, record.startedAtMs, (kind) => runtime.probe(record.id, kind), {
    turned: (kind, success) => turned(health, record, prober, kind, success),
    failed: (kind, output) => {
      const name = kind[0]!.toUpperCase() + kind.slice(1);
      events.warning(health.pod(), record, 'Unhealthy', `${name} probe failed: ${output}`);
    },
  });
  record.prober = prober;
  if (startupProbe !== undefined) prober.add('startup', startupProbe);
  else probeOn(record, prober);
}

function probeOn({ spec }: ContainerRecord, prober: Prober): void {
  if (spec.readinessProbe !== undefined) prober.add('readiness', spec.readinessProbe);
  if (spec.livenessProbe !== undefined) prober.add('liveness', spec.livenessProbe);
}

function turned(
  health: ContainerHealth,
  record: ContainerRecord,
  prober: Prober,
  kind: ProbeKind,
  success: boolean,
): void {
  if (kind === 'readiness') record.ready = success;
  else if (kind === 'startup' && success) {
    record.started = true;
    record.ready = record.spec.readinessProbe === undefined;
    probeOn(record, prober);
  } else if (!success) {
    const message = `Container ${record.name} failed ${kind} probe, will be restarted`;
    health.events.normal(health.pod(), record, 'Killing', message);
    health.stop(record, record.spec[`${kind}Probe`]?.terminationGracePeriodSeconds);
  }
  health.changed();
}
