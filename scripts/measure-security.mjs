// What security costs: CPU of the server per request with everything on (Node and RBAC, fairness, audit of metadata, encryption at
// rest, all admission plugins) against everything off, over HTTPS as a user with a token. Runs of both alternate, since other work
// on the machine disturbs them; the median counts. Usage: node scripts/measure-security.mjs [rounds]
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const cli = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist/cli.js');
const rounds = Number(process.argv[2] ?? 5);
const REQUESTS = 2000;
const CONNECTIONS = 4;
/** Ticks of /proc/<pid>/stat are hundredths of a second. */
const TICK_US = 10_000;

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
const modes = {
  on: [
    ...[
      '--audit-policy-file',
      file('policy.yaml', JSON.stringify(policy)),
      '--audit-log-path',
      join(folder, 'audit.log'),
    ],
    ...['--encryption-provider-config', file('encryption.yaml', JSON.stringify(encryption))],
  ],
  off: ['--authorization-mode', 'AlwaysAllow', '--enable-priority-and-fairness=false'],
};

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
  return {
    child,
    server,
    user: new Agent(tls),
    admin: new Agent({ ...tls, cert: pem(cert), key: pem(key) }),
  };
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

const cpuTicks = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return Number(fields[11]) + Number(fields[12]);
};

const MAPS = '/api/v1/namespaces/default/configmaps';
const configMap = (name) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { text: 'x'.repeat(500) },
});

async function measure(cluster, one) {
  const before = cpuTicks(cluster.child.pid);
  let next = 0;
  const worker = async () => {
    while (next < REQUESTS) await one(next++);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  return ((cpuTicks(cluster.child.pid) - before) * TICK_US) / REQUESTS;
}

async function prepare(name) {
  const cluster = await start(modes[name]);
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

const figures = { on: { get: [], create: [] }, off: { get: [], create: [] } };
const clusters = { on: await prepare('on'), off: await prepare('off') };
try {
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 === 0 ? ['on', 'off'] : ['off', 'on']) {
      const cluster = clusters[name];
      const get = await measure(cluster, () => send(cluster, 'GET', `${MAPS}/read`));
      const create = await measure(cluster, (index) => send(cluster, 'POST', MAPS, configMap(`c-${round}-${index}`)));
      // The first round warms the code up.
      if (round === 0) continue;
      figures[name].get.push(get);
      figures[name].create.push(create);
    }
  }
} finally {
  for (const { child } of Object.values(clusters)) child.kill();
  rmSync(folder, { recursive: true, force: true });
}
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
for (const verb of ['get', 'create']) {
  const [on, off] = [median(figures.on[verb]), median(figures.off[verb])];
  const more = ((on / off - 1) * 100).toFixed(0);
  process.stdout.write(
    `${verb}: ${on.toFixed(0)} us with everything on, ${off.toFixed(0)} us with everything off, ${more} % more\n`,
  );
}
