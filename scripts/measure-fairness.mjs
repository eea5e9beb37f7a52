// What one client's flood does to another client: one with many connections, each of which sends its list again as soon as it has
// the last answer, and a quiet one that gets one object over a single connection, over HTTPS from processes of their own, with
// priority and fairness and without. Counts the lists that the server answers between the moment at which the quiet client sends
// and the moment at which the server has answered it, by the server's own audit log: a count does not depend on how busy the
// machine is, nor on when the clients get a core. Two floods: lists of 300 objects, and lists that look at 3000 and send none.
// Usage: node scripts/measure-fairness.mjs [connections] [seconds]
import { fork, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get, request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const MAPS = '/api/v1/namespaces/default/configmaps';
const FLOODS = [
  { name: 'lists of 300 objects', objects: 300, path: MAPS },
  { name: 'lists that look at 3000 objects and send none', objects: 3000, path: `${MAPS}?labelSelector=absent%3Dyes` },
];
const file = fileURLToPath(import.meta.url);

function client(server, token, connections) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, rejectUnauthorized: false });
  return (path, headers = {}) =>
    new Promise((resolve, reject) => {
      get(server + path, { agent, headers: { authorization: `Bearer ${token}`, ...headers } }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode));
      }).on('error', reject);
    });
}

if (process.argv[2] === '--flood') {
  const [, , , server, count, path] = process.argv;
  const connections = Number(count);
  const send = client(server, 'flooder', connections);
  let answered = 0;
  for (let index = 0; index < connections; index++) {
    void (async () => {
      for (;;) {
        await send(path).catch(() => 0);
        if (++answered === connections * 3) process.send('flooding');
      }
    })();
  }
} else {
  const connections = Number(process.argv[2] ?? 100);
  const seconds = Number(process.argv[3] ?? 6);
  for (const flood of FLOODS) {
    process.stdout.write(`${connections} connections, ${flood.name}\n`);
    for (const flags of [[], ['--enable-priority-and-fairness=false']])
      await measure(flood, flags, connections, seconds);
  }
}

/** What the flood lists. */
async function fill(server, objects) {
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
  const maps = Array.from({ length: objects }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `map-${index}` },
    data,
  }));
  await Promise.all(maps.map(create));
  agent.destroy();
}

async function measure(flood, flags, connections, seconds) {
  const folder = mkdtempSync(join(tmpdir(), 'kubehive-flood-'));
  const tokens = join(folder, 'tokens.csv');
  writeFileSync(tokens, 'flooder,flooder,u1\nquiet,quiet,u2\n');
  const [policy, log] = [join(folder, 'policy.yaml'), join(folder, 'audit.log')];
  const rules = [
    { level: 'Metadata', users: ['flooder', 'quiet'], verbs: ['get', 'list'], omitStages: ['RequestReceived'] },
  ];
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
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  await new Promise((resolve) => up.stdout.on('data', (text) => String(text).startsWith('ready') && resolve()));
  const { server } = parse(readFileSync(kubeconfig, 'utf8')).clusters[0].cluster;
  await fill(server, flood.objects);
  const flooding = fork(file, ['--flood', server, String(connections), flood.path]);
  const send = client(server, 'quiet', 1);
  await send(`${MAPS}/map-0`);
  await new Promise((resolve) => flooding.once('message', resolve));
  const end = performance.now() + seconds * 1000;
  // The server tells the name of the client with the answer, and with it the time at which the client sent.
  while (performance.now() < end) await send(`${MAPS}/map-0`, { 'user-agent': `sent-at/${Date.now()}` });
  flooding.kill();
  up.kill();
  await new Promise((resolve) => up.on('exit', resolve));
  const events = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  rmSync(folder, { recursive: true, force: true });
  const lists = events
    .map((event, at) => ({ ...event, at }))
    .filter(({ user, responseStatus: { code } }) => user.username === 'flooder' && code === 200);
  const waits = events.flatMap(({ userAgent = '', responseStatus: { code } }, at) => {
    const sent = /^sent-at\/(\d+)$/.exec(userAgent);
    if (sent === null || code !== 200) return [];
    const between = [0, 0];
    for (let index = at - 1; index >= 0 && Date.parse(events[index].stageTimestamp) > Number(sent[1]); index--) {
      const { user, responseStatus } = events[index];
      if (user.username === 'flooder') between[responseStatus.code === 200 ? 0 : 1]++;
    }
    return [between];
  });
  const quantile = (of, part) =>
    waits.map((between) => between[of]).toSorted((a, b) => a - b)[Math.floor((waits.length - 1) * part)];
  process.stdout.write(
    `  ${flags.length === 0 ? 'with fairness:   ' : 'without fairness:'} ${String(quantile(0, 0.5)).padStart(4)} lists and ` +
      `${quantile(1, 0.5)} refusals before the quiet client's answer (median; 9 of 10: at most ${quantile(0, 0.9)} lists; ` +
      `${waits.length} answers, ${lists.length} lists in all)\n`,
  );
}
