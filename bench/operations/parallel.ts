/** Calls `work` for 0 … count-1, at most `width` at a time. The first error ends it. */
export async function inParallel(count: number, width: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
}

/** Creates under way at a time: enough to fill the frames of a turn, few enough to keep the API server's queue short. */
export const createWidth = 256;

/** Waits that spread `perSecond` calls evenly. */
export const intervalMs = (perSecond: number): number => 1000 / perSecond;

/** Go's duration text (`300ms`, `1m30s`) in milliseconds. @throws RangeError for anything else */
export function durationMs(text: string): number {
  const units: Readonly<Record<string, number>> = {
    h: 3_600_000,
    m: 60_000,
    s: 1000,
    ms: 1,
    us: 0.001,
    µs: 0.001,
    ns: 0.000_001,
  };
  let total = 0;
  let rest = text;
  while (rest !== '') {
    const match = /^(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/.exec(rest);
    if (match === null) throw new RangeError(`"${text}" is no duration such as 500ms or 1m30s`);
    total += Number(match[1]) * (units[match[2] ?? ''] ?? 0);
    rest = rest.slice(match[0].length);
  }
  return total;
}
