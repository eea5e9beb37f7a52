/** A/B comparisons for a terminal and as an HTML page: medians with least and most, change, p value and verdict. */
import { type Comparison, leastRounds, significance } from '../compare.ts';
import type { SidesCompared } from '../compare-sides.ts';
import { escapeText, pageOf } from './html.ts';

const short = (value: number): string => String(Number.isInteger(value) ? value : Number(value.toPrecision(4)));

const sampleText = ({ median, least, most }: Comparison['a']): string =>
  `${short(median)} (${short(least)}…${short(most)})`;

const changeText = ({ change, a }: Comparison): string =>
  a.median === 0 ? '-' : `${change >= 0 ? '+' : ''}${(change * 100).toFixed(1)} %`;

const tooFew = (rounds: number): string =>
  rounds < leastRounds ? `${rounds} rounds are too few for a verdict; take ${leastRounds} or more` : '';

export function comparisonText(compared: SidesCompared): string {
  const rows = compared.verdicts.map((one) => [
    `  ${one.metric}`,
    sampleText(one.a),
    sampleText(one.b),
    changeText(one),
    `p=${one.p.toFixed(3)}`,
    one.verdict,
  ]);
  const all = [['', 'A', 'B', 'B/A', '', ''], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  const head = `${compared.case}/${compared.workload}: ${compared.rounds} rounds, calibration ${compared.calibration}\n  A ${compared.a}\n  B ${compared.b}`;
  const few = tooFew(compared.rounds);
  return `${[head, ...lines, `  ${outcomeText(compared)}`, ...(few === '' ? [] : [`  ${few}`])].join('\n')}\n`;
}

/** Each run as a dot on one scale, A above B, with a line at the median. */
function strip({ a, b }: Comparison): string {
  const least = Math.min(a.least, b.least);
  const most = Math.max(a.most, b.most);
  const x = (value: number) => (most === least ? 110 : 10 + ((value - least) / (most - least)) * 200).toFixed(1);
  const row = (sample: Comparison['a'], y: number, color: string) =>
    `${sample.values.map((value) => `<circle cx="${x(value)}" cy="${y}" r="4" fill="${color}" fill-opacity=".55"><title>${short(value)}</title></circle>`).join('')}<line x1="${x(sample.median)}" x2="${x(sample.median)}" y1="${y - 8}" y2="${y + 8}" stroke="${color}" stroke-width="2"/>`;
  return `<svg class="strip" viewBox="0 0 220 40" role="img" aria-label="runs of A above runs of B">${row(a, 11, 'var(--muted)')}${row(b, 30, 'var(--bar)')}</svg>`;
}

/** What counts, in one sentence. */
function outcomeText({ verdicts }: SidesCompared): string {
  const told = (['better', 'worse', 'higher', 'lower'] as const).flatMap((verdict) => {
    const figures = verdicts
      .filter((one) => one.verdict === verdict)
      .map((one) => `${one.metric} (${changeText(one)})`);
    return figures.length === 0 ? [] : [`${verdict} in ${figures.join(', ')}`];
  });
  return told.length === 0 ? 'No figure differs by more than chance.' : `B is ${told.join('; ')}.`;
}

function section(compared: SidesCompared): string {
  const rows = compared.verdicts.map((one) => {
    const style = one.verdict === 'worse' ? ' class="missed"' : '';
    return `<tr><td>${escapeText(one.metric)}</td><td>${sampleText(one.a)}</td><td>${sampleText(one.b)}</td><td>${changeText(one)}</td><td>${one.p.toFixed(3)}</td><td${style}>${one.verdict}</td><td>${strip(one)}</td></tr>`;
  });
  const head = ['Figure', 'A', 'B', 'B/A', 'p', 'B is', 'Runs'].map((title) => `<th>${title}</th>`).join('');
  return `<section><h2>${escapeText(`${compared.case}/${compared.workload}`)}</h2>
<p>A is ${escapeText(compared.a)}; B is ${escapeText(compared.b)}; ${compared.rounds} rounds; calibration ${compared.calibration}. ${tooFew(compared.rounds)}</p>
<p><strong>${escapeText(outcomeText(compared))}</strong></p>
<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div></section>`;
}

/** The whole page. */
export const comparisonPage = (comparisons: readonly SidesCompared[], machine: string): string =>
  pageOf(
    'A/B of schedulers',
    `<h1>A/B of schedulers</h1><p>${escapeText(machine)}</p>
<p>Medians with least and most. A difference counts when the Mann-Whitney U test gives p below ${significance}.
At the right each run is a dot: A above in grey, B below in blue, with a line at the median.</p>
${comparisons.map(section).join('')}`,
  );
