/** The results as one HTML page without scripts or outside files: a table, throughput over time, and time by stage, drawn as SVG. */
import type { WorkloadResult } from '../runner.ts';
import { summarize } from './summary.ts';

const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const style = `
:root { color-scheme: light dark; --ink: #1f2933; --muted: #667; --line: #c9d1d9; --bar: #3566c8; --page: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --muted: #9aa4b2; --line: #3a4350; --bar: #7da2f0; --page: #14181d; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: right; }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left; }
section { margin-top: 2.5rem; } svg { width: 100%; height: auto; } svg text { fill: var(--muted); font-size: 11px; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; } p.note { color: var(--muted); }
`;

/** A line of samples over seconds, with the greatest value as the scale. */
function throughputChart(samples: readonly number[]): string {
  const width = 900;
  const height = 160;
  const left = 56;
  const most = Math.max(...samples, 1);
  const x = (index: number) => left + (samples.length < 2 ? 0 : (index / (samples.length - 1)) * (width - left - 10));
  const y = (value: number) => 10 + (1 - value / most) * (height - 34);
  const points = samples.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  const dots = samples.map(
    (value, index) =>
      `<circle cx="${x(index).toFixed(1)}" cy="${y(value).toFixed(1)}" r="3" fill="var(--bar)"><title>${value.toFixed(0)} pods/s</title></circle>`,
  );
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="pods per second over time">
<line x1="${left}" y1="${y(0)}" x2="${width - 10}" y2="${y(0)}" stroke="var(--line)"/><line x1="${left}" y1="${y(most)}" x2="${width - 10}" y2="${y(most)}" stroke="var(--line)" stroke-dasharray="3 4"/>
<text x="${left - 6}" y="${y(most) + 4}" text-anchor="end">${most.toFixed(0)}</text><text x="${left - 6}" y="${y(0) + 4}" text-anchor="end">0</text>
<polyline points="${points}" fill="none" stroke="var(--bar)" stroke-width="2"/>${dots.join('')}
<text x="${left}" y="${height - 6}">1 s</text><text x="${width - 10}" y="${height - 6}" text-anchor="end">${samples.length} s</text></svg>`;
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

/** The whole page. `machine` describes where it ran, for the head of the page. */
export function htmlReport(results: readonly WorkloadResult[], machine: string, skipped: readonly string[]): string {
  const rows = results.map((result) => {
    const { podsPerSecond: rate, cpuMsPerPod, peakRssBytes, podsBound, podsVerified } = summarize(result);
    const cells = [
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
    return `<tr>${cells.map((cell) => `<td>${escapeText(String(cell))}</td>`).join('')}</tr>`;
  });
  const sections = results.map((result) => {
    const summary = summarize(result);
    const charts = result.measurements.map((measurement) => throughputChart(measurement.samples)).join('');
    const notes = result.notes.map((note) => `<p class="note">${escapeText(note)}</p>`).join('');
    return `<section><h2>${escapeText(`${result.case}/${result.workload}`)}</h2><p>Pods bound per second, one point a second.</p>${charts}<p>Mean time by stage.</p>${stageChart(summary.stagesMs)}${notes}</section>`;
  });
  const left =
    skipped.length === 0
      ? ''
      : `<section><h2>Not run</h2><ul>${skipped.map((line) => `<li>${escapeText(line)}</li>`).join('')}</ul></section>`;
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Scheduling benchmarks</title><style>${style}</style>
<h1>Scheduling benchmarks</h1><p>${escapeText(machine)}</p>
<table><thead><tr>${['Case', 'Workload', 'Pods', 'In store', 'Pods/s', 'p50', 'p90', 'p99', 'Total pods/s', 'CPU ms/pod', 'RSS MiB'].map((title) => `<th>${title}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>
${sections.join('')}${left}</html>\n`;
}
