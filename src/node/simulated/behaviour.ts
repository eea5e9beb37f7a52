/**
 * How a simulated container behaves, as data: read from annotations of its pod, from the kubelet's options and from its
 * command. Annotations begin with `kubehive.io/`; one that ends in `.<container>` counts for that container alone:
 *
 *     pull-delay: 2s        pull-error: "manifest unknown"   start-delay: 500ms
 *     exit-after: 10s       exit-code: "1"                   exit-reason: OOMKilled   exit-message: text
 *     stop-delay: 40s       stop-exit-code: "143"            log: "text of the log"
 *     startup | liveness | readiness:  success | failure | success-after=5s | failure-after=30s
 */
import { type Container, type Pod, parseDuration } from '../../api/index.ts';
import type { ContainerKind, ProbeKind } from '../runtime.ts';

/** Delays that hold for all containers of a kubelet unless an annotation says otherwise. All in milliseconds; default 0. */
export interface SimulationDelays {
  readonly imagePullMs?: number | undefined;
  readonly startMs?: number | undefined;
  /** How long a container of a Job's pod works before it ends with 0. */
  readonly jobMs?: number | undefined;
  /** A delay varies by up to this part of itself, both ways: 0.2 is ±20 %. */
  readonly jitter?: number | undefined;
}

/** Until `atMs` after the start a probe answers `before`, then the opposite. */
export interface ProbeBehaviour {
  readonly before: boolean;
  readonly atMs: number | undefined;
}

export interface ContainerBehaviour {
  readonly startDelayMs: number;
  /** Undefined: it runs until it is stopped, or as its command says. */
  readonly exit:
    | { readonly afterMs: number; readonly exitCode: number; readonly reason: string; readonly message?: string }
    | undefined;
  /** How long it takes to end after the signal. Beyond the grace period it is killed. */
  readonly stopDelayMs: number;
  readonly stopExitCode: number;
  readonly log: string | undefined;
  readonly probes: Readonly<Record<ProbeKind, ProbeBehaviour>>;
}

export interface PullBehaviour {
  readonly delayMs: number;
  readonly error: string | undefined;
}

const prefix = 'kubehive.io/';
const succeeds: ProbeBehaviour = { before: true, atMs: undefined };
const steadyProbes = { startup: succeeds, liveness: succeeds, readiness: succeeds } as const;

/** Reads one setting for a container: the container's own annotation wins over the pod's. */
function setting(pod: Pod, name: string, container: string): string | undefined {
  const annotations = pod.metadata?.annotations;
  return annotations?.[`${prefix}${name}.${container}`] ?? annotations?.[prefix + name];
}

function hasSettings(pod: Pod): boolean {
  for (const key in pod.metadata?.annotations) if (key.startsWith(prefix)) return true;
  return false;
}

/** True for pods whose work is to end: those of a Job. */
function worksToEnd(pod: Pod): boolean {
  return pod.metadata?.ownerReferences?.some((owner) => owner.kind === 'Job' && owner.controller === true) ?? false;
}

/** The pull of one image for one pod. `container` names whose annotations count. */
export function pullBehaviour(pod: Pod, container: string, delays: SimulationDelays): PullBehaviour {
  if (!hasSettings(pod)) return { delayMs: delays.imagePullMs ?? 0, error: undefined };
  return {
    delayMs: duration(setting(pod, 'pull-delay', container)) ?? delays.imagePullMs ?? 0,
    error: setting(pod, 'pull-error', container),
  };
}

/** What a container of this pod does. Without annotations: init containers and those of Jobs end with 0, others run. */
export function containerBehaviour(
  pod: Pod,
  container: Container,
  kind: ContainerKind,
  delays: SimulationDelays,
): ContainerBehaviour {
  const ends = kind === 'init' ? 0 : kind === 'main' && worksToEnd(pod) ? (delays.jobMs ?? 0) : undefined;
  const startDelayMs = delays.startMs ?? 0;
  const name = container.name;
  if (!hasSettings(pod)) {
    const exit = ends === undefined ? undefined : { afterMs: ends, exitCode: 0, reason: 'Completed' };
    return { startDelayMs, exit, stopDelayMs: 0, stopExitCode: 0, log: undefined, probes: steadyProbes };
  }
  const read = (key: string): string | undefined => setting(pod, key, name);
  const exitCode = integer(read('exit-code'));
  const afterMs = duration(read('exit-after')) ?? (exitCode === undefined ? ends : (ends ?? 0));
  const message = read('exit-message');
  return {
    startDelayMs: duration(read('start-delay')) ?? startDelayMs,
    exit:
      afterMs === undefined
        ? undefined
        : {
            afterMs,
            exitCode: exitCode ?? 0,
            reason: read('exit-reason') ?? (exitCode === undefined || exitCode === 0 ? 'Completed' : 'Error'),
            ...(message === undefined ? undefined : { message }),
          },
    stopDelayMs: duration(read('stop-delay')) ?? 0,
    stopExitCode: integer(read('stop-exit-code')) ?? 0,
    log: read('log'),
    probes: {
      startup: probe(read('startup')),
      liveness: probe(read('liveness')),
      readiness: probe(read('readiness')),
    },
  };
}

function probe(text: string | undefined): ProbeBehaviour {
  if (text === undefined) return succeeds;
  const match = /^(success|failure|true|false)(?:-after=(.+))?$/.exec(text);
  if (match === null) return succeeds;
  const positive = match[1] === 'success' || match[1] === 'true';
  if (match[2] === undefined) return { before: positive, atMs: undefined };
  return { before: !positive, atMs: duration(match[2]) ?? 0 };
}

function duration(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text);
}

function integer(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : undefined;
}
