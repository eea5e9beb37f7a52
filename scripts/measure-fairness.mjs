// What one client's flood does to another client: one with many connections, each of which sends its next request as soon as it has
// the last answer, and a quiet one with a single connection, over HTTPS from processes of their own, with priority and fairness and
// without. Tells the quiet one's median wait and how many requests of the flooder are answered during one of its own, which does not
// depend on how busy the machine is. Usage: node scripts/measure-fairness.mjs [connections] [seconds]
import { fork, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const PATH = '/api/v1/namespaces/default';
const file = fileURLToPath(import.meta.url);

function client(server, token, connections) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, rejectUnauthorized: false });
  return () =>
    new Promise((resolve, reject) => {
      get(server + PATH, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode));
      }).on('error', reject);
    });
}

if (process.argv[2] === '--flood') {
  const [, , , server, connections] = process.argv;
  const send = client(server, 'flooder', Number(connections));
  let answered = 0;
  process.on('message', () => process.send(answered));
  for (let index = 0; index < Number(connections); index++) {
    void (async () => {
      for (;;) if ((await send().catch(() => 0)) === 200) answered++;
    })();
  }
} else {
  const connections = Number(process.argv[2] ?? 100);
  const seconds = Number(process.argv[3] ?? 6);
  for (const flags of [[], ['--enable-priority-and-fairness=false']]) await measure(flags, connections, seconds);
}

async function measure(flags, connections, seconds) {
  const folder = mkdtempSync(join(tmpdir(), 'kubehive-flood-'));
  const tokens = join(folder, 'tokens.csv');
  writeFileSync(tokens, 'flooder,flooder,u1\nquiet,quiet,u2\n');
  const kubeconfig = join(folder, 'kubeconfig');
  const cli = join(dirname(dirname(file)), 'dist/cli.js');
  const args = ['up', '--nodes', '0', '--components', 'apiserver', '--authorization-mode', 'AlwaysAllow'];
  const up = spawn(
    process.execPath,
    [cli, ...args, '--token-auth-file', tokens, '--kubeconfig', kubeconfig, ...flags],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  await new Promise((resolve) => up.stdout.on('data', (text) => String(text).startsWith('ready') && resolve()));
  const { server } = parse(readFileSync(kubeconfig, 'utf8')).clusters[0].cluster;
  const flood = fork(file, ['--flood', server, String(connections)]);
  const answered = () =>
    new Promise((resolve) => {
      flood.once('message', resolve);
      flood.send('how many');
    });
  const send = client(server, 'quiet', 1);
  await send();
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const waits = [];
  let during = 0;
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const before = await answered();
    const started = performance.now();
    await send();
    waits.push(performance.now() - started);
    during += (await answered()) - before;
  }
  flood.kill();
  up.kill();
  await new Promise((resolve) => up.on('exit', resolve));
  rmSync(folder, { recursive: true, force: true });
  const median = waits.sort((a, b) => a - b)[waits.length >> 1];
  process.stdout.write(
    `${flags.length === 0 ? 'with fairness   ' : 'without fairness'}: the quiet client waits ${median.toFixed(0)} ms, ` +
      `${(during / waits.length).toFixed(0)} answers of ${connections} connections go before each of its own\n`,
  );
}
