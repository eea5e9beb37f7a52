/**
 * The probes of one running container: startup first, then readiness and liveness, with their delays, periods and thresholds.
 * A probe whose answer cannot change (the runtime says `steady`) is not asked again, so that a healthy simulated container
 * costs no timer. @see kubernetes/pkg/kubelet/prober/worker.go
 */
import type { Probe } from '../api/index.ts';
import type { Clock, Timer } from '../runtime/index.ts';
import { type MaybePromise, type ProbeKind, type ProbeResult, whenDone } from './runtime.ts';

/** What the prober tells its owner. */
export interface ProbeOwner {
  /** The verdict of a probe has turned. Told once more only when it turns again. */
  turned(kind: ProbeKind, success: boolean): void;
  /** A probe has failed once; for the `Unhealthy` event. */
  failed(kind: ProbeKind, output: string): void;
}

interface Track {
  readonly kind: ProbeKind;
  readonly probe: Probe;
  verdict: boolean | undefined;
  /** How often in a row the last result came. */
  streak: number;
  last: boolean | undefined;
  timer: Timer | undefined;
  asking: boolean;
}

export class Prober {
  readonly #clock: Clock;
  readonly #ask: (kind: ProbeKind) => MaybePromise<ProbeResult>;
  readonly #owner: ProbeOwner;
  readonly #startedAtMs: number;
  readonly #tracks: Track[] = [];
  #stopped = false;

  constructor(
    clock: Clock,
    startedAtMs: number,
    ask: (kind: ProbeKind) => MaybePromise<ProbeResult>,
    owner: ProbeOwner,
  ) {
    this.#clock = clock;
    this.#startedAtMs = startedAtMs;
    this.#ask = ask;
    this.#owner = owner;
  }

  /** Begins to probe; asks at once when there is no initial delay. */
  add(kind: ProbeKind, probe: Probe): void {
    const track: Track = {
      kind,
      probe,
      verdict: undefined,
      streak: 0,
      last: undefined,
      timer: undefined,
      asking: false,
    };
    this.#tracks.push(track);
    this.#next(track, firstDelayMs(probe) - (this.#clock.now() - this.#startedAtMs));
  }

  /** The runtime says that answers may differ from now on. */
  refresh(): void {
    for (const track of this.#tracks) {
      track.timer?.cancel();
      this.#next(track, Math.max(0, firstDelayMs(track.probe) - (this.#clock.now() - this.#startedAtMs)));
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const track of this.#tracks) track.timer?.cancel();
  }

  #next(track: Track, delayMs: number): void {
    if (this.#stopped) return;
    track.timer = undefined;
    if (delayMs <= 0) {
      this.#probe(track);
      return;
    }
    // Until there is a first verdict the pod is still coming up, and that is work; later rounds are mere watching.
    const background = track.verdict !== undefined || track.last === false;
    track.timer = this.#clock.after(delayMs, () => this.#probe(track), { background });
  }

  #probe(track: Track): void {
    if (this.#stopped || track.asking) return;
    track.asking = true;
    whenDone(
      this.#ask(track.kind),
      (result) => this.#answered(track, result),
      (error) => this.#answered(track, { success: false, output: String(error), steady: false }),
    );
  }

  #answered(track: Track, { success, output, steady }: ProbeResult): void {
    track.asking = false;
    if (this.#stopped) return;
    track.streak = track.last === success ? track.streak + 1 : 1;
    track.last = success;
    if (!success) this.#owner.failed(track.kind, output);
    const threshold = success ? (track.probe.successThreshold ?? 1) : (track.probe.failureThreshold ?? 3);
    const reached = track.streak >= threshold;
    if (reached && track.verdict !== success) {
      track.verdict = success;
      this.#owner.turned(track.kind, success);
    }
    if (this.#stopped || (reached && steady) || (track.kind === 'startup' && track.verdict === true)) return;
    this.#next(track, (track.probe.periodSeconds ?? 10) * 1000);
  }
}

/** Probes come at multiples of the period; the first one that counts is the first not before the initial delay. */
function firstDelayMs(probe: Probe): number {
  const period = probe.periodSeconds ?? 10;
  return Math.ceil((probe.initialDelaySeconds ?? 0) / period) * period * 1000;
}
