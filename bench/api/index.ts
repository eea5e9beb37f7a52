/**
 * The API server's bench: `node dist/bench-api.js [workload…]` runs the workloads over HTTP/1.1, the same with TLS, HTTP/2 and
 * the bus, each way on a cluster of its own that is API server and store alone. Requests over HTTP come from another process, so
 * that the processor time of who asks and who answers can be told apart. Appends a line a workload to bench/results.ndjson.
 */
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { parse } from 'yaml';
import { names as namesOf, wholeNumber } from '../../src/cli/values.ts';
import { namespaces } from '../../src/client/resources.ts';
import { Cluster } from '../../src/cluster/index.ts';
import { RealClock } from '../../src/runtime/index.ts';
import { remoteStore } from '../../src/store/index.ts';
import { calibrate } from '../calibration.ts';
import { knownNames, runCommandLine } from '../command-line.ts';
import { appendMeasurement } from '../record.ts';
import { createWatched, Generator, inParallel, type Load, overBus, watchOverBus } from './load.ts';
import { type Endpoint, type HttpTransport, isSecure, type Transport } from './traffic.ts';
import {
  fullSizes,
  namespace,
  type RequestWorkload,
  requestWorkloads,
  type Sizes,
  watchedNamespace,
} from './workloads.ts';

const TRANSPORTS: readonly Transport[] = ['http1', 'https1', 'http2', 'bus'];
const WATCH = 'WatchPods';
const known = [WATCH, ...requestWorkloads.map(({ name }) => name)];
const WARM_UP_SHARE = 0.1;

/** One line of the record. */
export interface ApiFigures {
  readonly case: 'ApiServer';
  /** Such as `CreatePods/http2`. */
  readonly workload: string;
  readonly requests: number;
  /** Answers that held what they should; for watches the events that came. */
  readonly answered: number;
  /** Objects found in the store afterwards. */
  readonly stored?: number;
  readonly storedExpected?: number;
  readonly perSecond: number;
  readonly serverCpuMs: number;
  readonly clientCpuMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of an answer's body. */
  readonly bytes: number;
  readonly calibration: number;
}

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

interface Flags {
  readonly transports: readonly Transport[];
  readonly scale: number;
  readonly connections: number;
  readonly json?: boolean;
}

function share(text: string): number {
  if (!(Number(text) > 0)) throw new InvalidArgumentError('it takes a number above 0, such as 0.1.');
  return Number(text);
}

const command = new Command('bench-api')
  .description('Requests a second, latencies and processor time of the API server, over each of its doors.')
  .argument('[workloads...]', `which to run (default: all): ${known.join(', ')}`)
  .option('--transports <list>', `which ways: ${TRANSPORTS.join(',')}`, namesOf, TRANSPORTS)
  .option('--scale <share>', 'of the full sizes; other than 1 is not recorded', share, 1)
  .option('--connections <n>', 'connections of the load generator', wholeNumber(1, 10_000), fullSizes.connections)
  .option('--json', 'print one JSON object a workload')
  .addHelpText(
    'after',
    '\nExamples:\n  $ node dist/bench-api.js CreatePods --transports http1,bus\n' +
      '  $ node dist/bench-api.js --scale 0.1 --json | jq .perSecond',
  )
  .action(async (chosen: readonly string[], { transports, scale, connections, json }: Flags) => {
    knownNames(command, transports, TRANSPORTS);
    knownNames(command, chosen, known);
    process.exitCode = await runApiBench(chosen, { transports, scale, connections, json: json === true });
  });

async function runApiBench(
  chosen: readonly string[],
  { transports, scale, connections, json }: Required<Flags>,
): Promise<number> {
  const calibration = Number(calibrate().factor.toFixed(3));
  say(`calibration: this machine needs ${calibration} times the CPU of the reference`);
  const sizes = { ...sized(scale), connections };
  const wanted = (name: string) => chosen.length === 0 || chosen.includes(name);
  const figures: ApiFigures[] = [];
  for (const transport of transports) {
    for await (const one of measure(transport, sizes, wanted)) {
      const line = { ...one, calibration };
      figures.push(line);
      if (json) process.stdout.write(`${JSON.stringify(line)}\n`);
      // Other sizes cannot be compared from run to run.
      if (scale === 1 && connections === fullSizes.connections) {
        appendMeasurement(fileURLToPath(new URL('../bench', import.meta.url)), new Date().toISOString(), line);
      }
    }
  }
  if (!json) process.stdout.write(table(figures));
  return figures.every(isRight) ? 0 : 1;
}

function sized(scale: number): Sizes {
  const scaled = Object.entries(fullSizes).map(([name, size]) => [name, Math.max(2, Math.round(size * scale))]);
  return Object.fromEntries(scaled) as Sizes;
}

/** Every answer as it should be, and everything that was written in the store. */
const isRight = ({ answered, requests, stored, storedExpected }: ApiFigures) =>
  answered === requests && stored === storedExpected;

async function* measure(
  transport: Transport,
  sizes: Sizes,
  wanted: (name: string) => boolean,
): AsyncGenerator<Omit<ApiFigures, 'calibration'>> {
  const cluster = await Cluster.start({
    nodes: 0,
    components: ['apiserver'],
    threads: 'auto',
    logLevel: 'error',
    ...(transport === 'http1' ? { http: {}, https: false } : transport === 'bus' ? { https: false } : {}),
  });
  const generator = transport === 'bus' ? undefined : new Generator();
  try {
    for (const name of [namespace, watchedNamespace]) await cluster.client.create(namespaces, { metadata: { name } });
    if (wanted(WATCH)) {
      const { watchers, events } = sizes;
      say(`${WATCH}/${transport}: ${watchers} watchers, ${events} events`);
      const one = await measureWatch(cluster, generator, transport, sizes);
      yield { case: 'ApiServer', workload: `${WATCH}/${transport}`, ...one };
    }
    for (const workload of requestWorkloads) {
      // Lists and gets need the pods.
      const needed =
        workload.name === 'CreatePods' && known.some((name) => /^(Get|List)Pods/.test(name) && wanted(name));
      if ((!wanted(workload.name) && !needed) || (transport === 'bus' && workload.bus === undefined)) continue;
      const name = `${workload.name}/${transport}`;
      say(`${name}: ${workload.requests(sizes)} requests`);
      const one = await measureRequests(cluster, generator, transport, workload, sizes);
      if (wanted(workload.name)) yield { case: 'ApiServer', workload: name, ...one };
    }
  } finally {
    generator?.stop();
    await cluster.stop();
  }
}

type Measured = Omit<ApiFigures, 'case' | 'workload' | 'calibration'>;

/** The first tenth of the requests warms up and is not measured. */
async function measureRequests(
  cluster: Cluster,
  generator: Generator | undefined,
  transport: Transport,
  workload: RequestWorkload,
  sizes: Sizes,
): Promise<Measured> {
  const { client } = cluster;
  const requests = workload.requests(sizes);
  const distinct = workload.distinct?.(sizes) ?? requests;
  if (workload.prepare !== undefined)
    await inParallel(distinct, sizes.connections, (n) => workload.prepare!(client, n));
  const load = (first: number, count: number): Promise<Load> => {
    if (generator === undefined || transport === 'bus') return overBus(cluster, workload, sizes, { first, count });
    const endpoint = endpointOf(cluster, transport);
    const width = workload.width(sizes);
    return generator.run({ type: 'requests', endpoint, template: workload.http(sizes), first, count, distinct, width });
  };
  const warmUp = Math.max(1, Math.floor(requests * WARM_UP_SHARE));
  const warm = await load(0, warmUp);
  const measured = await load(warmUp, requests - warmUp);
  const refusal = warm.refusal ?? measured.refusal;
  if (refusal !== undefined) say(`${workload.name}/${transport}: ${refusal}`);
  const { stored, finished } = workload;
  if (finished !== undefined) await until(async () => (await finished(client)) >= requests);
  return {
    ...figuresOf(requests - warmUp, measured),
    ...(stored === undefined
      ? {}
      : { stored: await storedIn(cluster, stored.prefix), storedExpected: stored.count(sizes) }),
  };
}

async function measureWatch(
  cluster: Cluster,
  generator: Generator | undefined,
  transport: Transport,
  sizes: Sizes,
): Promise<Measured> {
  const { watchers, events } = sizes;
  const path = `/api/v1/namespaces/${watchedNamespace}/pods?watch=1&resourceVersion=0`;
  const load =
    generator === undefined || transport === 'bus'
      ? await watchOverBus(cluster, sizes)
      : await generator.run(
          {
            type: 'watch',
            endpoint: endpointOf(cluster, transport),
            path,
            marker: '{"type":"ADDED"',
            watchers,
            events,
          },
          () => createWatched(cluster, events),
        );
  return figuresOf(watchers * events, load);
}

function figuresOf(requests: number, load: Load): Measured {
  const each = (ms: number) => Number((ms / requests).toPrecision(4));
  return {
    requests,
    answered: load.answered,
    perSecond: Number((requests / (load.ms / 1000)).toPrecision(4)),
    serverCpuMs: each(load.serverCpuMs),
    clientCpuMs: each(load.clientCpuMs),
    p50Ms: load.p50Ms,
    p99Ms: load.p99Ms,
    bytes: Math.round(load.bytes / requests),
  };
}

function endpointOf({ endpoints, kubeconfig }: Cluster, transport: HttpTransport): Endpoint {
  const { hostname: host, port } = new URL((isSecure(transport) ? endpoints.https : endpoints.http) ?? '');
  if (!isSecure(transport)) return { transport, host, port: Number(port) };
  const { clusters, users } = parse(kubeconfig) as {
    clusters: { cluster: Record<string, string> }[];
    users: { user: Record<string, string> }[];
  };
  const pem = (text: string | undefined) => Buffer.from(text ?? '', 'base64').toString();
  return {
    transport,
    host,
    port: Number(port),
    ca: pem(clusters[0]?.cluster['certificate-authority-data']),
    cert: pem(users[0]?.user['client-certificate-data']),
    key: pem(users[0]?.user['client-key-data']),
  };
}

/** Asks the store itself. */
async function storedIn(cluster: Cluster, prefix: string): Promise<number> {
  const { count } = await remoteStore(cluster.actors.bus, 'store').range({ prefix, limit: 1 });
  return count;
}

const UNTIL_MS = 60_000;
const clock = new RealClock();

async function until(test: () => Promise<boolean>): Promise<void> {
  const endMs = clock.monotonic() + UNTIL_MS;
  while (!(await test())) {
    if (clock.monotonic() > endMs) throw new Error('what was begun has not been finished within a minute');
    await clock.sleep(20);
  }
}

const COLUMNS = ['WORKLOAD', 'REQUESTS', 'RIGHT', 'PER SECOND', 'P50 MS', 'P99 MS', 'SERVER CPU MS', 'CLIENT CPU MS'];

function table(figures: readonly ApiFigures[]): string {
  const rows = figures.map((one) => [
    one.workload,
    String(one.requests),
    isRight(one) ? 'all' : `${one.answered}`,
    String(one.perSecond),
    one.p50Ms.toFixed(1),
    one.p99Ms.toFixed(1),
    one.serverCpuMs.toFixed(3),
    one.clientCpuMs.toFixed(3),
  ]);
  const widths = COLUMNS.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ');
  return `${[COLUMNS, ...rows].map(line).join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = await runCommandLine(command, process.argv.slice(2));
