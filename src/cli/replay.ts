/** `kubehive replay`: sends the requests of a trace (or of a recording of kwok) to a cluster, at their times or faster. */
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import type { Node, Pod } from '../api/index.ts';
import { createHttpClient } from '../client/index.ts';
import { pods } from '../client/resources.ts';
import { Cluster } from '../cluster/index.ts';
import { RealClock } from '../runtime/index.ts';
import { readConnection } from './connection.ts';
import { CommandError, UsageError } from './errors.ts';
import { progressBar } from './progress.ts';
import { readSchedulerConfiguration } from './scheduler-configuration.ts';
import { parseTrace, resourceTitle, TraceError, type TraceEvent } from './trace/format.ts';
import { isKwokRecording, parseKwokRecording } from './trace/kwok.ts';
import { type ReplayResult, replay } from './trace/replayer.ts';
import { names, repeated, wholeNumber } from './values.ts';

interface Flags {
  readonly kubeconfig: string;
  readonly speed: number;
  readonly resources?: readonly string[];
  readonly owned?: boolean;
  readonly virtual?: boolean;
  readonly nodes: number;
  readonly components: string;
  readonly schedulerConfig?: readonly string[];
  readonly seed: number;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ kubehive replay trace.ndjson                        as it was, on the cluster of .kubehive/kubeconfig
  $ kubehive replay trace.ndjson --speed 10             ten times as fast
  $ kubehive replay trace.ndjson --speed max            as fast as the cluster takes it
  $ kubehive replay recording.yaml                      a recording of kwokctl snapshot record
  $ kubehive replay trace.ndjson --virtual --json       on a cluster of its own, in virtual time
  $ kubehive replay trace.ndjson --virtual --scheduler-config mine.yaml`;

function speed(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value))
    throw new InvalidArgumentError('it takes a factor above 0, such as 10 or 0.5, or max.');
  return value;
}

/** The events of a file of either kind. */
function readEvents(file: string, flags: Flags): TraceEvent[] {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as Error).message}`);
  }
  try {
    const events = isKwokRecording(text)
      ? parseKwokRecording(text, { owned: flags.owned === true, nowMs: new RealClock().now() })
      : parseTrace(text).events;
    const { resources } = flags;
    if (resources === undefined) return events;
    return events.filter((event) => resources.includes(resourceTitle(event)) || resources.includes(event.resource));
  } catch (error) {
    throw error instanceof TraceError ? new UsageError(`${file}: ${error.message}`) : error;
  }
}

/** What became of the trace's pods, beside what was sent. */
interface Outcome extends ReplayResult {
  readonly podsBound?: number;
  readonly podsPending?: number;
}

const bound = (pod: Pod): boolean => (pod.spec?.nodeName ?? '') !== '';

/** On a cluster in this process whose time stands still while it works. Recorded nodes get kubelets. */
async function replayVirtually(events: readonly TraceEvent[], flags: Flags): Promise<Outcome> {
  const configurations = flags.schedulerConfig?.map(readSchedulerConfiguration);
  const cluster = await Cluster.start({
    threads: 'inline',
    clock: 'virtual',
    seed: flags.seed,
    nodes: flags.nodes,
    https: false,
    components: flags.components.split(','),
    ...(configurations === undefined ? {} : { schedulerConfiguration: configurations }),
  });
  try {
    const { client, clock } = cluster;
    const onNode = ({ metadata, status }: Node) =>
      cluster.addNodes([
        { name: metadata?.name ?? '', capacity: (status?.capacity ?? {}) as Readonly<Record<string, string>> },
      ]);
    let result: ReplayResult | undefined;
    const going = replay(events, { client, clock, speed: flags.speed, onNode }).then((value) => {
      result = value;
    });
    // Time moves only while somebody waits for the cluster to settle.
    while (result === undefined) {
      await Promise.race([going, cluster.settled()]);
    }
    await cluster.settled();
    const { items } = await client.list(pods);
    const podsBound = items.filter(bound).length;
    return { ...result, podsBound, podsPending: items.length - podsBound };
  } finally {
    await cluster.stop();
  }
}

async function replayOver(events: readonly TraceEvent[], flags: Flags): Promise<Outcome> {
  const client = createHttpClient(readConnection(flags.kubeconfig));
  const bar = progressBar('requests replayed');
  try {
    const result = await replay(events, {
      client,
      clock: new RealClock(),
      speed: flags.speed,
      onProgress: (done, total) => bar.update(done, total),
    });
    bar.finish();
    return result;
  } finally {
    client.close();
  }
}

function outcomeText(outcome: Outcome): string {
  const { created, patched, deleted, existing, missing, failed, durationMs, behindMs, podsBound, podsPending } =
    outcome;
  const lines = [
    `${created} created, ${patched} changed, ${deleted} deleted in ${(durationMs / 1000).toFixed(1)} s`,
    ...(existing > 0 ? [`${existing} were there already`] : []),
    ...(missing > 0 ? [`${missing} were gone already`] : []),
    ...(behindMs > 1000 ? [`at most ${(behindMs / 1000).toFixed(1)} s behind the recording`] : []),
    ...(podsBound === undefined ? [] : [`${podsBound} pods have a node, ${podsPending} have none`]),
    ...(failed > 0 ? [`${failed} failed`, ...outcome.failures.map((failure) => `  ${failure}`)] : []),
  ];
  return `${lines.join('\n')}\n`;
}

export const replayCommand = (): Command =>
  new Command('replay')
    .description('Replay a trace of kubehive record, or a recording of kwok, against a cluster.')
    .argument('<file>', 'the trace, or the YAML of kwokctl snapshot record; - for standard input')
    .option('--kubeconfig <file>', 'kubeconfig of the cluster to replay on', '.kubehive/kubeconfig')
    .option('--speed <factor>', 'how much faster than recorded; max: as fast as the cluster takes it', speed, 1)
    .option('--resources <list>', 'only these, by plural names such as nodes,pods', names)
    .option('--owned', 'of a recording of kwok also what controllers made')
    .option('--virtual', 'on a cluster of its own in this process, in virtual time')
    .option('--nodes <n>', 'with --virtual: simulated nodes beside those of the trace', wholeNumber(0, 100_000), 0)
    .option('--components <list>', 'with --virtual: as of kubehive up', 'all')
    .option('--scheduler-config <file>', 'with --virtual: a KubeSchedulerConfiguration; again, one more', repeated)
    .option('--seed <n>', 'with --virtual: seed of everything random', wholeNumber(0, 2 ** 31), 1)
    .option('--json', 'print the outcome as one JSON object')
    .addHelpText('after', examples)
    .action(async (file: string, flags: Flags) => {
      const events = readEvents(file, flags);
      const outcome = await (flags.virtual ? replayVirtually(events, flags) : replayOver(events, flags));
      process.stdout.write(flags.json ? `${JSON.stringify(outcome)}\n` : outcomeText(outcome));
      if (outcome.failed > 0) {
        const [first = ''] = outcome.failures;
        throw new CommandError(`${outcome.failed} of ${events.length} requests failed, the first: ${first}`);
      }
    });
