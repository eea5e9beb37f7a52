/** `kubehive record`: writes what users do to a running cluster as a trace, to be replayed by `kubehive replay`. */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { Command } from 'commander';
import { createHttpClient, type Resource } from '../client/index.ts';
import { RealClock, seededRandom } from '../runtime/index.ts';
import { untilSignal } from './cluster-flags.ts';
import { readConnection } from './connection.ts';
import { CommandError, UsageError } from './errors.ts';
import { resourceNamed, TraceError, traceLine } from './trace/format.ts';
import { Recorder, recordedByDefault } from './trace/recorder.ts';
import { duration, names } from './values.ts';

interface Flags {
  readonly kubeconfig: string;
  readonly resources?: readonly string[];
  readonly namespace?: string;
  readonly owned?: boolean;
  readonly duration?: number;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ kubehive record trace.ndjson                            until Ctrl-C
  $ kubehive record trace.ndjson --duration 10m             for ten minutes
  $ kubehive record - --namespace shop | gzip > shop.gz     one namespace, to standard output
  $ kubehive record all.ndjson --owned                      what controllers made too
  $ kubehive record few.ndjson --resources nodes,pods,secrets
Then:
  $ kubehive replay trace.ndjson --speed 10`;

function resourcesOf(given: readonly string[] | undefined): Resource[] {
  try {
    return (given ?? recordedByDefault).map(resourceNamed);
  } catch (error) {
    throw error instanceof TraceError ? new UsageError(`--resources: ${error.message}`) : error;
  }
}

export const recordCommand = (): Command =>
  new Command('record')
    .description("Record a cluster's workload: what users create, change and delete, with the times.")
    .argument('<file>', 'where the trace goes, as lines of JSON; - for standard output')
    .option('--kubeconfig <file>', 'kubeconfig of the running cluster', '.kubehive/kubeconfig')
    .option('--resources <list>', 'plural names, such as nodes,pods,deployments.apps (default: all but secrets)', names)
    .option('-n, --namespace <name>', 'only this namespace, and kinds that are in none')
    .option('--owned', 'record what controllers made too: for clusters without controllers')
    .option('--duration <time>', 'stop after so long, such as 90s or 10m (default: at Ctrl-C)', duration)
    .option('--json', 'print the counts at the end as one JSON object')
    .addHelpText('after', examples)
    .action(async (file: string, flags: Flags) => {
      const resources = resourcesOf(flags.resources);
      const client = createHttpClient(readConnection(flags.kubeconfig));
      const clock = new RealClock();
      const out = file === '-' ? process.stdout : createWriteStream(file);
      const failed = new Promise<never>((_, reject) => {
        out.on('error', (error) => reject(new CommandError(`cannot write ${file}: ${error.message}`)));
      });
      const warn = (message: string) => void process.stderr.write(`warning: ${message}\n`);
      const recorder = new Recorder({
        client,
        clock,
        random: seededRandom(clock.now(), 'record'),
        log: { debug: () => undefined, info: () => undefined, warn, error: warn },
        resources,
        owned: flags.owned === true,
        namespace: flags.namespace,
        write: (line) => out.write(traceLine(line)),
      });
      const stopped = untilSignal();
      // An unreachable cluster is told at once; later ones are waited for.
      await client.list(resources[0]!, { limit: 1 }).catch((error: Error) => {
        throw new CommandError(error.message);
      });
      await Promise.race([recorder.start(), stopped, failed]);
      process.stderr.write(`recording ${resources.length} kinds to ${file}\n`);
      const ends: Promise<unknown>[] = [stopped, failed];
      if (flags.duration !== undefined) ends.push(clock.sleep(flags.duration));
      await Promise.race(ends);
      recorder.stop();
      client.close();
      if (file !== '-') {
        out.end();
        await once(out, 'finish');
      }
      const { initial, created, patched, deleted } = recorder.counts;
      const text = `${initial} objects at the beginning, then ${created} created, ${patched} changed, ${deleted} deleted`;
      const told = flags.json ? JSON.stringify(recorder.counts) : text;
      // The trace itself may be on standard output.
      (file === '-' ? process.stderr : process.stdout).write(`${told}\n`);
    });
