#!/usr/bin/env node
/**
 * Plays a corpus of recorded scenarios (what upstream answers, step by step) against clusters of its own, and compares with
 * test/parity/passing.txt, the scenarios that are known to pass:
 *
 *     node scripts/parity.mjs --corpus DIR [--update] [area or area/name ...]
 *
 * Fails when one that is listed no longer passes, after it was tried once more alone. Names those that pass and are not listed yet;
 * `--update` lists them. The list only grows: what is to go from it goes by hand, with a reason.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const listFile = join(root, 'test/parity/passing.txt');

/** Played against an API server alone; what of them needs controllers goes to the second group. */
const API_AREAS = [
  'admission',
  'authz',
  'codec',
  'crd',
  'defaults',
  'discovery',
  'fieldvalidation',
  'kubectl',
  'list',
  'managedfields',
  'network',
  'patches',
  'security',
  'ssa',
  'tables',
  'validation',
  'verbs',
  'watch',
];
/** Their messages count the cluster's nodes: one at a time, on a cluster that has no others. */
const NODE_AREAS = ['dra', 'node', 'scheduler'];

/** How each group is played: on how many clusters, and how many scenarios at once on each. */
const GROUPS = {
  api: { up: ['--nodes', '0', '--components', 'apiserver'], have: 'none', clusters: 1, jobs: 4 },
  controllers: { up: ['--nodes', '0'], have: 'controllers,scheduler', clusters: 1, jobs: 6 },
  nodes: { up: ['--nodes', '0'], have: 'controllers,scheduler', clusters: 3, jobs: 1 },
};

const options = readArguments(process.argv.slice(2));
const corpus = resolve(options.corpus);
const wanted = scenarios(corpus).filter(
  ({ area, id }) => options.names.length === 0 || options.names.includes(area) || options.names.includes(id),
);
if (wanted.length === 0) fail(`no scenario below ${corpus} is called like that`);
const listed = existsSync(listFile)
  ? readFileSync(listFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
  : [];
const outcomes = await playAll(playable(wanted));
process.exitCode = judge(outcomes) ? 0 : 1;

function readArguments(given) {
  const found = { corpus: process.env['PARITY_CORPUS'] ?? '', update: false, names: [] };
  for (let at = 0; at < given.length; at++) {
    if (given[at] === '--corpus') found.corpus = given[++at] ?? '';
    else if (given[at] === '--update') found.update = true;
    else if (given[at].startsWith('-')) fail(`unknown option ${given[at]}`);
    else found.names.push(given[at].replace(/\/$/, ''));
  }
  if (found.corpus === '') fail('say where the corpus is: --corpus DIR');
  return found;
}

function fail(message) {
  console.error(`parity: ${message}`);
  process.exit(2);
}

function scenarios(folder) {
  const areas = join(folder, 'scenarios');
  if (!existsSync(areas)) fail(`${areas} is not there`);
  return readdirSync(areas).flatMap((area) =>
    readdirSync(join(areas, area))
      .filter((name) => name.endsWith('.json'))
      .map((name) => ({ area, file: join(areas, area, name), id: `${area}/${name.slice(0, -5)}` })),
  );
}

/** Plays everything in its group; resolves with a Map from id to the outcome. */
async function playAll(all) {
  const of = (belongs) => all.filter(({ area }) => belongs(area));
  const isNode = (area) => NODE_AREAS.includes(area);
  const isApi = (area) => API_AREAS.includes(area);
  const results = new Map();
  const nodes = playGroup('nodes', of(isNode), results);
  await playGroup('api', of(isApi), results);
  const skipped = of(isApi).filter(({ id }) => results.get(id)?.skipped);
  await playGroup('controllers', [...skipped, ...of((area) => !isNode(area) && !isApi(area))], results);
  await nodes;
  return results;
}

async function playGroup(name, some, results) {
  if (some.length === 0) return;
  const started = Date.now();
  const group = GROUPS[name];
  const parts = Array.from({ length: group.clusters }, (_, part) =>
    some.filter((_scenario, index) => index % group.clusters === part),
  ).filter((part) => part.length > 0);
  const played = await Promise.all(parts.map((part) => play(group, part, group.jobs)));
  for (const result of played.flat()) results.set(result.id, result);
  const again = some.filter(({ id }) => isFailure(results.get(id)) && (options.update || listed.includes(id)));
  if (again.length > 0) {
    for (const result of await play(group, again, 1)) results.set(result.id, result);
  }
  const passed = some.filter(({ id }) => results.get(id)?.ok).length;
  console.log(`${name}: ${passed} of ${some.length} pass, in ${Math.round((Date.now() - started) / 1000)} s`);
}

function isFailure(result) {
  return result !== undefined && !result.ok && !result.skipped;
}

/** Plays scenarios on a fresh cluster. */
async function play(group, some, jobs) {
  const folder = mkdtempSync(join(tmpdir(), 'parity-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const cluster = spawn(process.execPath, [join(root, 'dist/cli.js'), 'up', ...group.up, '--kubeconfig', kubeconfig], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = () => cluster.kill('SIGKILL');
  process.once('exit', kill);
  try {
    await readyOf(cluster);
    const player = spawn(
      process.execPath,
      [
        join(corpus, 'run.mjs'),
        ...['--kubeconfig', kubeconfig, '--json', '--jobs', String(jobs), '--have', group.have],
        ...some.map(({ file }) => file),
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PARITY_RETRY_MS: '2500', ...process.env, KUBECTL: newestKubectl() ?? 'kubectl' },
      },
    );
    const [text, errors] = await Promise.all([textOf(player.stdout), textOf(player.stderr)]);
    const byFile = new Map(some.map(({ file, id }) => [resolve(file), id]));
    const end = text.lastIndexOf(']');
    if (end < 0) throw new Error(`the player gave no results: ${errors}`);
    return JSON.parse(text.slice(text.indexOf('['), end + 1)).map((result) => ({
      ...result,
      id: byFile.get(resolve(result.file)),
    }));
  } finally {
    cluster.kill('SIGTERM');
    await new Promise((done) => (cluster.exitCode === null ? cluster.once('exit', done) : done()));
    process.off('exit', kill);
    rmSync(folder, { recursive: true, force: true });
  }
}

function readyOf(cluster) {
  return new Promise((done, failed) => {
    let text = '';
    cluster.stdout.on('data', (chunk) => {
      text += chunk;
      if (/^ready/m.test(text)) done();
    });
    // What it logs is of no interest while it runs.
    cluster.stderr.on('data', (chunk) => {
      text = (text + chunk).slice(-4000);
    });
    cluster.once('exit', (code) => failed(new Error(`the cluster ended with ${code} before it was ready: ${text}`)));
  });
}

async function textOf(stream) {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}

/**
 * The corpus was recorded with kubectl 1.33, and other releases print some things otherwise: it goes before any that is simply called
 * kubectl, and is also looked for beside what that links to. Undefined when there is none at all.
 */
function newestKubectl() {
  if (process.env['KUBECTL']) return process.env['KUBECTL'];
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const plain = folders.map((folder) => join(folder, 'kubectl')).filter((path) => existsSync(path));
  const beside = plain.map((path) => dirname(realpathSync(path)));
  return (
    [...folders, ...beside].map((folder) => join(folder, 'kubectl.1.33')).find((path) => existsSync(path)) ?? plain[0]
  );
}

/** Without a kubectl the scenarios that use one are left out, and said so. */
function playable(all) {
  if (newestKubectl() !== undefined) return all;
  const plain = all.filter(({ file }) => !readFileSync(file, 'utf8').includes('"kubectl":'));
  console.log(`no kubectl here: ${all.length - plain.length} scenarios are left out`);
  return plain;
}

/** Prints what has changed; true when everything that is listed passes. */
function judge(results) {
  const passing = [...results.values()].filter(({ ok }) => ok).map(({ id }) => id);
  const broken = listed.filter((id) => isFailure(results.get(id)));
  const fresh = passing.filter((id) => !listed.includes(id)).sort();
  const failing = [...results.values()].filter((result) => isFailure(result) && !listed.includes(result.id));
  for (const id of broken) {
    const [first] = results.get(id).diffs ?? [];
    console.log(`no longer passes: ${id}`);
    if (first !== undefined) {
      console.log(`    ${first.step}: ${first.path}: upstream=${shown(first.upstream)} here=${shown(first.here)}`);
    }
  }
  for (const { id } of failing) console.log(`does not pass yet: ${id}`);
  for (const id of fresh) console.log(`passes now: ${id}`);
  if (options.update && fresh.length > 0) {
    const all = [...new Set([...listed, ...fresh])].sort();
    writeFileSync(listFile, `${all.join('\n')}\n`);
    console.log(`${fresh.length} more are listed in test/parity/passing.txt`);
  }
  console.log(`${passing.length} pass, ${broken.length} no longer, ${failing.length} not yet`);
  return broken.length === 0;
}

function shown(value) {
  const text = JSON.stringify(value) ?? '(absent)';
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
