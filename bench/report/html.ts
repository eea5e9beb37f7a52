/** The results as one HTML page without scripts or outside files: a table, throughput over time, and time by stage, drawn as SVG. */
import { ratesOver } from '../collector.ts';
import type { HistogramFigures } from '../histograms.ts';
import { figureText, qualityFigures } from '../quality.ts';
import type { WorkloadResult } from '../runner.ts';
import { thresholdVerdicts } from './data-items.ts';
import { summarize } from './summary.ts';

export const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const style = `
:root { color-scheme: light dark; --ink: #1f2933; --muted: #667; --line: #c9d1d9; --bar: #3566c8; --page: #fff; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --muted: #9aa4b2; --line: #3a4350; --bar: #7da2f0; --page: #14181d; --bad: #f2877f; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 88rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: right; } td { white-space: nowrap; }
th:nth-child(1), td:nth-child(1), .two th:nth-child(2), .two td:nth-child(2) { text-align: left; }
div.wide { overflow-x: auto; } details { margin-top: .6rem; } .missed { color: var(--bad); } svg.strip { width: 14rem; min-width: 0; }
section { margin-top: 2.5rem; } svg { width: 100%; min-width: 38rem; max-width: 62rem; height: auto; } svg text { fill: var(--muted); font-size: 13px; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; } p.note { color: var(--muted); }
`;

/** A page without scripts or outside files. */
export const pageOf = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeText(title)}</title><style>${style}</style>
${body}</html>\n`;

const chartSteps = 60;

/** Pods per second over the seconds of a stretch, with the greatest rate as the scale. */
function throughputChart({ progress, seconds }: WorkloadResult['measurements'][number]): string {
  const width = 900;
  const height = 160;
  const left = 56;
  const rates = ratesOver(progress, chartSteps);
  const most = Math.max(...rates, 1);
  const step = (width - left - 10) / Math.max(1, rates.length);
  const x = (index: number) => left + (index + 0.5) * step;
  const y = (value: number) => 10 + (1 - value / most) * (height - 34);
  const points = rates.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  const dots = rates.map(
    (value, index) =>
      `<circle cx="${x(index).toFixed(1)}" cy="${y(value).toFixed(1)}" r="2.5" fill="var(--bar)"><title>${value.toFixed(0)} pods/s</title></circle>`,
  );
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="pods per second over time">
<line x1="${left}" y1="${y(0)}" x2="${width - 10}" y2="${y(0)}" stroke="var(--line)"/><line x1="${left}" y1="${y(most)}" x2="${width - 10}" y2="${y(most)}" stroke="var(--line)" stroke-dasharray="3 4"/>
<text x="${left - 6}" y="${y(most) + 4}" text-anchor="end">${most.toFixed(0)}</text><text x="${left - 6}" y="${y(0) + 4}" text-anchor="end">0</text>
<polyline points="${points}" fill="none" stroke="var(--bar)" stroke-width="2"/>${dots.join('')}
<text x="${left}" y="${height - 6}">0 s</text><text x="${width - 10}" y="${height - 6}" text-anchor="end">${seconds.toFixed(2)} s</text></svg>`;
}

function stageChart(stages: Readonly<Record<string, number>>): string {
  const entries = Object.entries(stages);
  const most = Math.max(...entries.map(([, value]) => value), 0.001);
  const rows = entries.map(([stage, value], index) => {
    const y = index * 24;
    const length = Math.max(1, (value / most) * 560);
    return `<text x="210" y="${y + 16}" text-anchor="end">${escapeText(stage)}</text><rect x="220" y="${y + 4}" width="${length.toFixed(1)}" height="15" fill="var(--bar)"/><text x="${(226 + length).toFixed(1)}" y="${y + 16}">${value.toFixed(2)} ms</text>`;
  });
  return `<svg viewBox="0 0 900 ${entries.length * 24 + 6}" role="img" aria-label="mean milliseconds by stage">${rows.join('')}</svg>`;
}

const tableOf = (titles: readonly string[], rows: readonly (readonly unknown[])[], kind = ''): string => {
  const cells = (row: readonly unknown[]) => row.map((cell) => `<td>${escapeText(String(cell))}</td>`).join('');
  const head = titles.map((title) => `<th>${escapeText(title)}</th>`).join('');
  return `<div class="wide"><table class="${kind}"><thead><tr>${head}</tr></thead><tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join('')}</tbody></table></div>`;
};

/** The scheduler's histograms of a stretch, to unfold. */
function histogramTable(histograms: readonly HistogramFigures[]): string {
  if (histograms.length === 0) return '';
  const rows = histograms.map(({ metric, labels, ms, count }) => [
    metric,
    Object.values(labels).join(' '),
    count,
    ...[ms.average, ms.p50, ms.p90, ms.p99].map((value) => value.toFixed(3)),
  ]);
  const table = tableOf(['Histogram', 'Of', 'Samples', 'Mean ms', 'p50', 'p90', 'p99'], rows, 'two');
  return `<details><summary>The scheduler's histograms</summary>${table}</details>`;
}

function workloadSection(result: WorkloadResult): string {
  const name = escapeText(`${result.case}/${result.workload}`);
  const stretches = result.measurements.map((measurement) => {
    const { heap } = measurement;
    const memory = `Heap ${heap.average.toFixed(0)} MiB on average, ${heap.max.toFixed(0)} MiB at most.`;
    return `<p>Pods bound per second, over time.</p><div class="wide">${throughputChart(measurement)}</div><p>${memory}</p>${histogramTable(measurement.histograms)}`;
  });
  const thresholds = thresholdVerdicts(result).map(
    ({ metric, bucket, threshold, value, isMet }) =>
      `<p class="${isMet ? 'note' : 'missed'}">Threshold ${isMet ? 'reached' : 'missed'}: ${escapeText(metric)} ${bucket} is ${value.toFixed(1)}, the threshold ${threshold}.</p>`,
  );
  const notes = result.notes.map((note) => `<p class="note">${escapeText(note)}</p>`);
  const stages = stageChart(summarize(result).stagesMs);
  return `<section><h2>${name}</h2>${stretches.join('')}<p>Mean time by stage.</p><div class="wide">${stages}</div>${thresholds.join('')}${notes.join('')}</section>`;
}

/** The whole page. `machine` describes where it ran, for the head of the page. */
export function htmlReport(results: readonly WorkloadResult[], machine: string, skipped: readonly string[]): string {
  const rows = results.map((result) => {
    const { podsPerSecond: rate, cpuMsPerPod, peakRssBytes, podsBound, podsVerified } = summarize(result);
    return [
      result.case,
      result.workload,
      podsBound,
      podsVerified,
      rate.average.toFixed(0),
      rate.p50.toFixed(0),
      rate.p90.toFixed(0),
      rate.p99.toFixed(0),
      rate.total.toFixed(0),
      cpuMsPerPod.toFixed(2),
      (peakRssBytes / 2 ** 20).toFixed(0),
    ];
  });
  const titles = [
    'Case',
    'Workload',
    'Pods',
    'In store',
    'Pods/s',
    'p50',
    'p90',
    'p99',
    'Total pods/s',
    'CPU ms/pod',
    'RSS MiB',
  ];
  const placement = results.map((result) => [
    result.case,
    result.workload,
    ...qualityFigures.map(({ name, isShare }) => figureText(result.quality[name], isShare)),
  ]);
  const left =
    skipped.length === 0
      ? ''
      : `<section><h2>Not run</h2><ul>${skipped.map((line) => `<li>${escapeText(line)}</li>`).join('')}</ul></section>`;
  const speedTable = tableOf(titles, rows, 'two');
  const placementTable = tableOf(['Case', 'Workload', ...qualityFigures.map(({ title }) => title)], placement, 'two');
  return pageOf(
    'Scheduling benchmarks',
    `<h1>Scheduling benchmarks</h1><p>${escapeText(machine)}</p>
<h2>Speed</h2>${speedTable}
<h2>Placement</h2>${placementTable}
${results.map(workloadSection).join('')}${left}`,
  );
}
