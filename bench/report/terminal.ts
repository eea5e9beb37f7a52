/** The results for a terminal: a table with a line of samples, a bar a workload, how well pods were placed, and thresholds. */
import { ratesOver } from '../collector.ts';
import { figureText, qualityFigures } from '../quality.ts';
import type { WorkloadResult } from '../runner.ts';
import { thresholdVerdicts } from './data-items.ts';
import { summarize } from './summary.ts';

const bars = '▁▂▃▄▅▆▇█';
const sparklineWidth = 24;

/** One character a rate, scaled to the greatest. */
export function sparkline(rates: readonly number[]): string {
  const most = Math.max(...rates, 1);
  return rates.map((rate) => bars[Math.min(bars.length - 1, Math.floor((rate / most) * bars.length))] ?? '').join('');
}

/** Columns as wide as their widest cell; those from `firstNumber` on lie to the right, but for the last. */
function columnsOf(rows: readonly (readonly string[])[], firstNumber: number): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const last = widths.length - 1;
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column < firstNumber || column === last ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const titles = ['CASE', 'WORKLOAD', 'PODS', 'PODS/S', 'P50', 'P99', 'TOTAL', 'CPU MS/POD', 'RSS MIB', 'OVER TIME'];

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
      result.measurements.map(({ progress }) => sparkline(ratesOver(progress, sparklineWidth))).join(' '),
    ];
  });
  const nameOf = (result: WorkloadResult) => `${result.case}/${result.workload}`;
  const most = Math.max(1, ...results.map((result) => summarize(result).podsPerSecond.total));
  const plot = results.map((result) => {
    const { total } = summarize(result).podsPerSecond;
    return `${nameOf(result).padEnd(44)} ${'█'.repeat(Math.max(1, Math.round((total / most) * 40)))} ${total.toFixed(0)} pods/s`;
  });
  // A figure that no workload has, such as the skew of zones without zones, is left out.
  const shown = qualityFigures.filter(({ name }) => results.some((result) => result.quality[name] !== undefined));
  const placement = columnsOf(
    [
      ['PLACEMENT', ...shown.map(({ title }) => title.toUpperCase()), ''],
      ...results.map((result) => [
        nameOf(result),
        ...shown.map(({ name, isShare }) => figureText(result.quality[name], isShare)),
        '',
      ]),
    ],
    1,
  );
  const thresholds = results.flatMap(thresholdVerdicts).map(({ name, metric, bucket, threshold, value, isMet }) => {
    const figure = `${name.replace('BenchmarkPerfScheduling/', '')}: ${metric} ${bucket} ${value.toFixed(1)}`;
    return `threshold ${isMet ? 'reached' : 'MISSED'}: ${figure}, threshold ${threshold}`;
  });
  return [
    columnsOf([titles, ...rows], 2),
    plot.join('\n'),
    placement,
    ...(thresholds.length > 0 ? [thresholds.join('\n')] : []),
  ]
    .join('\n\n')
    .concat('\n');
}
