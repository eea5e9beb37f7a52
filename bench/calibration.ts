/**
 * How fast this machine is right now, in a fixed piece of work of the kind that the control plane does: packing small objects as
 * text and back, and sorting numbers. Measured in the same run as the workloads, so that figures of different machines, or of a
 * busy and a quiet one, can be compared: multiply pods per second by the factor, divide CPU by it.
 */

/** Microseconds of CPU that one round took on the machine that figures are normalized to. */
const referenceMicros = 1000;
const rounds = 40;

function oneRound(seed: number): number {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state;
  };
  let sum = 0;
  for (let i = 0; i < 250; i++) {
    const object = {
      metadata: { name: `pod-${next()}`, labels: { app: `a${next() % 7}` } },
      spec: { cpu: next() % 4000 },
    };
    const back = JSON.parse(JSON.stringify(object)) as typeof object;
    sum += back.spec.cpu + back.metadata.name.length;
  }
  const numbers = Float64Array.from({ length: 4000 }, next);
  numbers.sort();
  return sum + (numbers[0] ?? 0);
}

export interface Calibration {
  /** Above 1: this machine needs more CPU for the same work than the reference. */
  readonly factor: number;
  /** Median microseconds of CPU a round. */
  readonly microsPerRound: number;
}

/** Takes about a tenth of a second. */
export function calibrate(): Calibration {
  const micros: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    oneRound(round + 1);
    const { user, system } = process.cpuUsage(before);
    // The first rounds warm up the compiler.
    if (round >= rounds / 4) micros.push(user + system);
  }
  micros.sort((a, b) => a - b);
  const microsPerRound = micros[Math.floor(micros.length / 2)] ?? referenceMicros;
  return { factor: microsPerRound / referenceMicros, microsPerRound };
}
