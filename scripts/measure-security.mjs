// What security costs: CPU of the server per request with everything on (Node and RBAC, fairness, audit of metadata to a file,
// encryption at rest, every admission plugin of the default set) against everything off, over HTTPS as the same user with a token.
// Servers of both kinds run side by side and take turns of a few requests, in changing order, so that what else goes on on the
// machine falls on both; a round compares the sums of its turns, and the median round counts. The CPU is that of all threads.
// Usage: node scripts/measure-security.mjs [rounds] [--parts] [--record]     --parts: also each part by itself against everything off
// --record appends the figures with everything on to bench/results.ndjson.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { appendMeasurement } from '../dist/bench.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cli = join(root, 'dist/cli.js');
const bench = join(root, 'bench');
const rounds = Number(process.argv.slice(2).find((text) => /^\d+$/.test(text)) ?? 20);
/** Of a turn. */
const REQUESTS = 40;
const TURNS = 12;
const WARMING_ROUNDS = 5;
const CONNECTIONS = 4;

const folder = mkdtempSync(join(tmpdir(), 'kubehive-cost-'));
const file = (name, text) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const tokens = file('tokens.csv', 'jane-token,jane,u-1,dev\n');
const secret = Buffer.alloc(32, 7).toString('base64');
const encryption = {
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  resources: [{ resources: ['configmaps', 'secrets'], providers: [{ aesgcm: { keys: [{ name: 'k', secret }] } }] }],
};
const policy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
};
/** The plugins of the default set that have a say about ConfigMaps. */
const PLUGINS = [
  ...['NamespaceLifecycle', 'MutatingAdmissionPolicy', 'MutatingAdmissionWebhook'],
  ...['ValidatingAdmissionPolicy', 'ValidatingAdmissionWebhook', 'ResourceQuota'],
];
const parts = {
  authorization: [['--authorization-mode', 'AlwaysAllow'], []],
  fairness: [['--enable-priority-and-fairness=false'], []],
  admission: [['--disable-admission-plugins', PLUGINS.join()], []],
  audit: [
    [],
    ['--audit-policy-file', file('policy.yaml', JSON.stringify(policy)), '--audit-log-path', join(folder, 'audit.log')],
  ],
  encryption: [[], ['--encryption-provider-config', file('encryption.yaml', JSON.stringify(encryption))]],
};
/** Flags of a server with these parts on. */
const flagsOf = (on) => Object.entries(parts).flatMap(([part, [off, flags]]) => (on.includes(part) ? flags : off));
const modes = { off: flagsOf([]), on: flagsOf(Object.keys(parts)) };
if (process.argv.includes('--parts')) for (const part of Object.keys(parts)) modes[part] = flagsOf([part]);

async function start(flags) {
  const kubeconfig = join(mkdtempSync(join(folder, 'up-')), 'kubeconfig');
  const args = ['up', '--nodes', '0', '--components', 'apiserver', '--threads', 'inline', '--token-auth-file', tokens];
  const child = spawn(process.execPath, [cli, ...args, '--kubeconfig', kubeconfig, ...flags], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Promise((resolve, reject) => {
    child.stdout.on('data', (text) => String(text).startsWith('ready') && resolve());
    child.on('exit', (code) => reject(new Error(`kubehive up ended with ${code}`)));
  });
  const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8'));
  const { server, 'certificate-authority-data': ca } = clusters[0].cluster;
  const { 'client-certificate-data': cert, 'client-key-data': key } = users[0].user;
  const pem = (data) => Buffer.from(data, 'base64');
  const tls = { ca: pem(ca), keepAlive: true, maxSockets: CONNECTIONS };
  return { child, server, user: new Agent(tls), admin: new Agent({ ...tls, cert: pem(cert), key: pem(key) }) };
}

function send({ server, user, admin }, method, path, body, asAdmin = false) {
  return new Promise((resolve, reject) => {
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(asAdmin ? {} : { authorization: 'Bearer jane-token' }),
    };
    const sent = request(server + path, { method, headers, agent: asAdmin ? admin : user }, (response) => {
      response.resume();
      response.on('end', () =>
        response.statusCode < 300 ? resolve() : reject(new Error(`${path}: ${response.statusCode}`)),
      );
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Microseconds that the threads of a process have run; those of the server live as long as it does. */
const cpuUs = (pid) =>
  readdirSync(`/proc/${pid}/task`)
    .map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1000)
    .reduce((sum, us) => sum + us, 0);

const MAPS = '/api/v1/namespaces/default/configmaps';
const configMap = (name) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { text: 'x'.repeat(500) },
});

/** Microseconds a request. */
async function measure(cluster, one) {
  const before = cpuUs(cluster.child.pid);
  let next = 0;
  const worker = async () => {
    while (next < REQUESTS) await one(next++);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  return (cpuUs(cluster.child.pid) - before) / REQUESTS;
}

async function prepare(flags) {
  const cluster = await start(flags);
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'jane' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
    subjects: [{ kind: 'User', name: 'jane' }],
  };
  await send(cluster, 'POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', binding, true);
  await send(cluster, 'POST', MAPS, configMap('read'));
  return cluster;
}

const names = Object.keys(modes);
const figures = Object.fromEntries(names.map((name) => [name, { get: [], create: [] }]));
const clusters = {};
try {
  for (const name of names) clusters[name] = await prepare(modes[name]);
  for (let round = -WARMING_ROUNDS; round < rounds; round++) {
    const requests = {
      get: (cluster) => send(cluster, 'GET', `${MAPS}/read`),
      create: (cluster, name) => send(cluster, 'POST', MAPS, configMap(name)),
    };
    for (const [verb, one] of Object.entries(requests)) {
      const sums = Object.fromEntries(names.map((name) => [name, 0]));
      for (let turn = 0; turn < TURNS; turn++) {
        // Nobody runs twice in a row, with warm caches, more often than the others.
        const first = turn % names.length;
        for (const name of [...names.slice(first), ...names.slice(0, first)]) {
          sums[name] += await measure(clusters[name], (index) => one(clusters[name], `c-${round}-${turn}-${index}`));
        }
      }
      if (round >= 0) for (const name of names) figures[name][verb].push(sums[name] / TURNS);
    }
  }
} finally {
  for (const { child } of Object.values(clusters)) child.kill();
  rmSync(folder, { recursive: true, force: true });
}

const quantile = (values, part) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)];
const spread = (values, digits) => [0.25, 0.5, 0.75].map((part) => quantile(values, part).toFixed(digits));
for (const verb of ['get', 'create']) {
  const off = figures.off[verb];
  process.stdout.write(`${verb}: ${quantile(off, 0.5).toFixed(0)} us with everything off\n`);
  for (const name of names.slice(1)) {
    const own = figures[name][verb];
    const [low, middle, high] = spread(
      own.map((us, round) => (us / off[round] - 1) * 100),
      0,
    );
    const [, more] = spread(
      own.map((us, round) => us - off[round]),
      1,
    );
    if (name === 'on' && process.argv.includes('--record')) {
      const us = { off: Number(quantile(off, 0.5).toFixed(1)), on: Number(quantile(own, 0.5).toFixed(1)) };
      const morePercent = { p25: Number(low), p50: Number(middle), p75: Number(high) };
      const at = new Date().toISOString();
      appendMeasurement(bench, at, { case: 'Security', workload: verb, rounds, cpuUsPerRequest: us, morePercent });
    }
    process.stdout.write(
      `  ${name.padEnd(13)} ${quantile(own, 0.5).toFixed(0).padStart(4)} us, ${more} us more: ${middle} % (${low} to ${high})\n`,
    );
  }
}
