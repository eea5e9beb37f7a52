/** The results for a terminal: a table, and a bar a workload. */
import type { WorkloadResult } from '../runner.ts';
import { summarize } from './summary.ts';

const bars = '▁▂▃▄▅▆▇█';

/** One character a sample, scaled to the greatest. */
export function sparkline(samples: readonly number[], width = 24): string {
  const most = Math.max(...samples, 1);
  const step = Math.max(1, Math.ceil(samples.length / width));
  let line = '';
  for (let at = 0; at < samples.length; at += step) {
    line += bars[Math.min(bars.length - 1, Math.floor(((samples[at] ?? 0) / most) * bars.length))] ?? '';
  }
  return line;
}

const columns = ['CASE', 'WORKLOAD', 'PODS', 'PODS/S', 'P50', 'P99', 'TOTAL', 'CPU MS/POD', 'RSS MIB', 'SAMPLES'];

export function terminalTable(results: readonly WorkloadResult[]): string {
  const rows = results.map((result) => {
    const summary = summarize(result);
    const { average, p50, p99, total } = summary.podsPerSecond;
    return [
      summary.case,
      summary.workload,
      String(summary.podsBound),
      average.toFixed(0),
      p50.toFixed(0),
      p99.toFixed(0),
      total.toFixed(0),
      summary.cpuMsPerPod.toFixed(2),
      (summary.peakRssBytes / 2 ** 20).toFixed(0),
      sparkline(result.measurements.flatMap((measurement) => measurement.samples)),
    ];
  });
  const widths = columns.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column < 2 || column === 9 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const most = Math.max(1, ...results.map((result) => summarize(result).podsPerSecond.total));
  const plot = results.map((result) => {
    const { total } = summarize(result).podsPerSecond;
    return `${`${result.case}/${result.workload}`.padEnd(44)} ${'█'.repeat(Math.max(1, Math.round((total / most) * 40)))} ${total.toFixed(0)} pods/s`;
  });
  const placement = results.map((result) => {
    const { cpuUtilization, cpuDeviation, fragmentation, hostSkew, zoneSkew, victims } = result.quality;
    const zones = zoneSkew === undefined ? '' : `, zone skew ${zoneSkew}`;
    const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
    return `${`${result.case}/${result.workload}`.padEnd(44)} CPU ${percent(cpuUtilization)} ± ${percent(cpuDeviation)}, fragmented ${percent(fragmentation)}, host skew ${hostSkew}${zones}, ${victims} victims`;
  });
  return `${[columns, ...rows].map(line).join('\n')}\n\n${plot.join('\n')}\n\nPlacement\n${placement.join('\n')}\n`;
}
