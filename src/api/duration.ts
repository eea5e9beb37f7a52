/** Durations as Go prints and parses them (`1m30s`, `250ms`): annotations of the simulation and texts of events use them. */

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Parses `1h2m3.5s`, `250ms`, `0` or a plain number of seconds. Gives milliseconds, or undefined when it is no duration. */
export function parseDuration(text: string): number | undefined {
  const plain = Number(text);
  if (text !== '' && Number.isFinite(plain)) return plain < 0 ? undefined : plain * 1000;
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(amount) * (unitMs[unit!] ?? 0);
  }
  return total;
}

/** Prints whole milliseconds as Go's time.Duration does: `0s`, `12ms`, `1.204s`, `5m0s`, `1h0m10s`. */
export function formatDuration(milliseconds: number): string {
  const whole = Math.max(0, Math.round(milliseconds));
  if (whole === 0) return '0s';
  if (whole < 1000) return `${whole}ms`;
  const seconds = `${Number(((whole % 60_000) / 1000).toFixed(3))}s`;
  const minutes = Math.floor(whole / 60_000);
  if (minutes === 0) return seconds;
  if (minutes < 60) return `${minutes}m${seconds}`;
  return `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}
