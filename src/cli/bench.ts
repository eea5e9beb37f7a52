/** `kubehive bench`: loads the bench suite, which nothing else depends on, and runs it. */
import { Command } from 'commander';
import { CommandError, UsageError } from './errors.ts';
import { duration, type Threads, threads, wholeNumber } from './values.ts';

export interface BenchFlags {
  readonly case?: string;
  readonly workload?: string;
  readonly labels?: string;
  readonly out?: string;
  readonly markdown?: string;
  readonly isolate?: boolean;
  readonly timeout?: number;
  readonly resume?: boolean;
  readonly json?: boolean;
  readonly list?: boolean;
  readonly kubelets?: boolean;
  readonly smallest?: boolean;
  readonly smallestFirst?: boolean;
  readonly topic?: string;
  readonly seed: number;
  readonly record: boolean;
  readonly scheduler?: string;
  readonly schedulerCommand?: string;
  readonly schedulerConfig?: string;
  readonly enforceThresholds?: boolean;
  readonly compare?: readonly string[];
  readonly comparePlugins?: readonly string[];
  readonly compareCommit?: readonly string[];
  readonly rounds?: number;
  readonly threads?: Threads;
}

/** What dist/bench.js exports. */
interface BenchSuite {
  runBench(paths: readonly string[], flags: BenchFlags): Promise<number>;
}

export const benchCommand = (): Command =>
  new Command('bench')
    .description("Run scheduling benchmarks in the format of upstream's scheduler_perf.")
    .argument(
      '[paths...]',
      "performance-config.yaml files, or folders with such files in and below (default: the project's own set)",
    )
    .option(
      '--case <name>',
      'only test cases of these names, with commas between them; * stands for any characters, !NAME leaves out',
    )
    .option('--workload <name>', "only workloads of these names, such as 500Nodes or '5000*,!*Enabled'")
    .option('--labels <list>', 'only workloads with these labels; -NAME leaves out, as in performance,-short')
    .option('--smallest', 'of each case only its smallest workload')
    .option('--smallest-first', 'order the workloads by size, over all files')
    .option(
      '--out <dir>',
      "write upstream's data items (JSON), an HTML report and one JSON object a workload (NDJSON) here",
    )
    .option('--markdown <file>', 'write one table of all outcomes, with thresholds, as Markdown')
    .option('--isolate', 'a process for each workload: a crash ends that one only, and its memory is its own')
    .option('--timeout <time>', 'stop a workload after this time, such as 10m; implies --isolate', duration)
    .option('--resume', 'go on with the run whose outcomes lie in --out: what has passed is not run again')
    .option('--json', 'print one JSON object a workload')
    .option('--topic <name>', 'name in the data items and of thresholds by topic (default: the folder of the file)')
    .option('--enforce-thresholds', 'exit with 1 when a threshold of the file is missed')
    .option('--seed <n>', 'seed of names and all else random', wholeNumber(0, 2 ** 31), 1)
    .option('--kubelets', 'run a kubelet on every node too, and measure the time until pods are Ready')
    .option('--threads <how>', 'auto, dedicated, shared, inline, or a number of shared threads', threads, 'auto')
    .option('--scheduler <which>', 'external: start none, and print where one outside finds the API server')
    .option('--scheduler-command <command>', 'start this as the scheduler: SERVER and KUBECONFIG tell it where')
    .option('--scheduler-config <file>', "a KubeSchedulerConfiguration in place of the workloads' own")
    .option('--compare <files...>', 'two KubeSchedulerConfiguration files, A and B: run in turn, with a verdict')
    .option('--compare-plugins <names...>', 'two plugins, NAME or NAME=FILE: each with the other left out')
    .option('--compare-commit <commits...>', 'two commits of the checkout, each built in a temporary worktree')
    .option('--rounds <n>', 'runs of each side under --compare', wholeNumber(1, 1000), 5)
    .option('--no-record', 'append nothing to bench/results.ndjson of the checkout, where runs of the own set go')
    .option('--list', 'list the cases and workloads and run none')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kubehive bench --case SchedulingBasic --workload 500Nodes\n' +
        '  $ kubehive bench --json | jq .podsPerSecond.average\n  $ kubehive bench performance-config.yaml --out ./report\n' +
        '  $ kubehive bench performance-config.yaml --labels performance,-short\n' +
        '  $ kubehive bench scheduler_perf --timeout 10m --smallest-first --out all --resume --markdown all.md\n' +
        '  $ kubehive bench --case SchedulingBasic --scheduler-command \'kube-scheduler --kubeconfig "$KUBECONFIG"\'\n' +
        '  $ kubehive bench --smallest --compare a.yaml b.yaml --rounds 7\n' +
        '  $ kubehive bench --case SchedulingBasic --workload 5000Nodes --compare-commit main HEAD',
    )
    .action(async (paths: readonly string[], flags: BenchFlags) => {
      if (flags.scheduler !== undefined && flags.scheduler !== 'external') {
        throw new UsageError(`--scheduler takes external, not "${flags.scheduler}"`);
      }
      if (flags.scheduler !== undefined && flags.schedulerCommand !== undefined)
        throw new UsageError('either --scheduler external or --scheduler-command: one waits, one starts');
      // By URL, so that no source of the product depends on the bench suite.
      const suite = new URL('./bench.js', import.meta.url).href;
      let loaded: BenchSuite;
      try {
        loaded = (await import(suite)) as BenchSuite;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
        throw new CommandError('the bench suite is not built; run: npm run build');
      }
      process.exitCode = await loaded.runBench(paths, flags);
    });
