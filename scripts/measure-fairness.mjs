// What one client's flood does to another client: one with many connections, each of which lists hundreds of objects again as soon
// as it has the last answer, and a quiet one that gets one object over a single connection, over HTTPS from processes of their own,
// with priority and fairness and without. Tells the quiet one's median wait, and how many lists the server answered during one of
// its waits, by the server's own audit log: that does not depend on how busy the machine is.
// Usage: node scripts/measure-fairness.mjs [connections] [seconds]
import { fork, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get, request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const MAPS = '/api/v1/namespaces/default/configmaps';
const OBJECTS = 300;
const file = fileURLToPath(import.meta.url);

function client(server, token, connections, path) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, rejectUnauthorized: false });
  return () =>
    new Promise((resolve, reject) => {
      get(server + path, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode));
      }).on('error', reject);
    });
}

if (process.argv[2] === '--flood') {
  const [, , , server, connections] = process.argv;
  const send = client(server, 'flooder', Number(connections), MAPS);
  let answered = 0;
  for (let index = 0; index < Number(connections); index++) {
    void (async () => {
      for (;;)
        if ((await send().catch(() => 0)) === 200 && ++answered === Number(connections)) process.send('flooding');
    })();
  }
} else {
  const connections = Number(process.argv[2] ?? 100);
  const seconds = Number(process.argv[3] ?? 6);
  for (const flags of [[], ['--enable-priority-and-fairness=false']]) await measure(flags, connections, seconds);
}

/** What the flood lists. */
async function fill(server) {
  const agent = new Agent({ keepAlive: true, maxSockets: 8, rejectUnauthorized: false });
  const headers = { authorization: 'Bearer quiet', 'content-type': 'application/json' };
  const create = (body) =>
    new Promise((resolve, reject) => {
      const sent = request(server + MAPS, { agent, method: 'POST', headers }, (response) => {
        response.resume();
        response.on('end', resolve);
      });
      sent.on('error', reject);
      sent.end(JSON.stringify(body));
    });
  const data = { text: 'x'.repeat(500) };
  const maps = Array.from({ length: OBJECTS }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `map-${index}` },
    data,
  }));
  await Promise.all(maps.map(create));
  agent.destroy();
}

async function measure(flags, connections, seconds) {
  const folder = mkdtempSync(join(tmpdir(), 'kubehive-flood-'));
  const tokens = join(folder, 'tokens.csv');
  writeFileSync(tokens, 'flooder,flooder,u1\nquiet,quiet,u2\n');
  const [policy, log] = [join(folder, 'policy.yaml'), join(folder, 'audit.log')];
  const rules = [{ level: 'Metadata', users: ['flooder'], omitStages: ['RequestReceived'] }];
  writeFileSync(policy, JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules }));
  const kubeconfig = join(folder, 'kubeconfig');
  const cli = join(dirname(dirname(file)), 'dist/cli.js');
  const args = ['up', '--nodes', '0', '--components', 'apiserver', '--authorization-mode', 'AlwaysAllow'];
  const up = spawn(
    process.execPath,
    [
      ...[cli, ...args, '--token-auth-file', tokens, '--kubeconfig', kubeconfig, ...flags],
      ...['--audit-policy-file', policy, '--audit-log-path', log],
    ],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  await new Promise((resolve) => up.stdout.on('data', (text) => String(text).startsWith('ready') && resolve()));
  const { server } = parse(readFileSync(kubeconfig, 'utf8')).clusters[0].cluster;
  await fill(server);
  const flood = fork(file, ['--flood', server, String(connections)]);
  const send = client(server, 'quiet', 1, `${MAPS}/map-0`);
  await send();
  await new Promise((resolve) => flood.once('message', resolve));
  const waits = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const started = Date.now();
    await send();
    waits.push({ started, ended: Date.now() });
  }
  flood.kill();
  up.kill();
  await new Promise((resolve) => up.on('exit', resolve));
  const answers = readFileSync(log, 'utf8')
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
    .filter(({ responseStatus }) => responseStatus.code === 200)
    .map(({ stageTimestamp }) => Date.parse(stageTimestamp));
  rmSync(folder, { recursive: true, force: true });
  const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
  const before = waits.map(({ started, ended }) => answers.filter((at) => at >= started && at <= ended).length);
  process.stdout.write(
    `${flags.length === 0 ? 'with fairness   ' : 'without fairness'}: the quiet client waits ` +
      `${median(waits.map(({ started, ended }) => ended - started))} ms, while ${median(before)} lists of ` +
      `${connections} connections are answered (${answers.length} in all, ${waits.length} waits)\n`,
  );
}
