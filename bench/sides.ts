/**
 * The two sides of an A/B: scheduler configurations and plugins run in this process; commits are checked out, built and run in
 * processes of their own. Both sides run the same workload from the same seed.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { ChosenWorkload } from './choice.ts';
import { BenchConfigError } from './config.ts';
import { type Summary, summarize } from './report/summary.ts';
import { type RunOptions, runWorkload } from './runner.ts';

const execute = promisify(execFile);

export interface Side {
  readonly label: string;
  run(workload: ChosenWorkload): Promise<Summary>;
  /** Removes what the side left behind. */
  close(): Promise<void>;
}

/** A scheduler with this configuration. */
export function configurationSide(
  label: string,
  schedulerConfiguration: Readonly<Record<string, unknown>>,
  options: RunOptions,
): Side {
  return {
    label,
    run: async (workload) =>
      summarize(await runWorkload(workload, () => undefined, { ...options, schedulerConfiguration })),
    close: () => Promise.resolve(),
  };
}

interface PluginName {
  readonly name: string;
  /** The module of a plugin from outside. */
  readonly module: string | undefined;
}

function pluginName(text: string): PluginName {
  const [name = '', module] = text.split('=');
  return { name, module: module === undefined ? undefined : resolve(module) };
}

/**
 * Two sides that differ in one plugin: each enables its own at every extension point that it has, and leaves the other's out.
 * A plugin is `NAME`, or `NAME=FILE` for a module of one's own.
 */
export function pluginSides(first: string, second: string, options: RunOptions): [Side, Side] {
  const side = (own: string, other: string): Side => {
    const { name, module } = pluginName(own);
    const configuration = {
      apiVersion: 'kubescheduler.config.k8s.io/v1',
      kind: 'KubeSchedulerConfiguration',
      ...(module === undefined ? {} : { pluginModules: [module] }),
      profiles: [{ plugins: { multiPoint: { enabled: [{ name }], disabled: [{ name: pluginName(other).name }] } } }],
    };
    return configurationSide(own, configuration, options);
  };
  return [side(first, second), side(second, first)];
}

async function git(directory: string, ...args: string[]): Promise<string> {
  try {
    return (await execute('git', args, { cwd: directory })).stdout.trim();
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    throw new BenchConfigError(`git ${args.join(' ')}: ${stderr.trim() || (error as Error).message}`);
  }
}

/** How much a child may print: summaries are small, but there may be warnings. */
const printedMax = 16 * 2 ** 20;

async function node(directory: string, args: readonly string[]): Promise<string> {
  try {
    return (await execute(process.execPath, args as string[], { cwd: directory, maxBuffer: printedMax })).stdout;
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    throw new BenchConfigError(`node ${args.join(' ')}: ${stderr.trim().slice(-2000) || (error as Error).message}`);
  }
}

/**
 * The bench of another commit of the checkout at `root`, built in a temporary worktree with the checkout's node_modules. It reads
 * the same workload file; flags that older commits do not know are not used. @throws BenchConfigError
 */
export async function commitSide(root: string, commit: string, threads: string): Promise<Side> {
  const hash = await git(root, 'rev-parse', '--verify', '--quiet', `${commit}^{commit}`).catch(() => {
    throw new BenchConfigError(`${commit} is no commit of ${root}`);
  });
  const directory = mkdtempSync(join(tmpdir(), 'kubehive-commit-'));
  const close = async () => {
    await git(root, 'worktree', 'remove', '--force', directory).catch(() => git(root, 'worktree', 'prune'));
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await git(root, 'worktree', 'add', '--detach', '--force', directory, hash);
    symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
    await node(directory, ['scripts/build.mjs', '--quick']);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    label: `${commit} (${hash.slice(0, 9)})`,
    async run(workload) {
      const chosen = ['--case', workload.case, '--workload', workload.workload];
      const printed = await node(directory, [
        'dist/cli.js',
        'bench',
        workload.file,
        ...chosen,
        '--threads',
        threads,
        '--json',
      ]);
      const line = printed.trim().split('\n').at(-1) ?? '';
      if (!line.startsWith('{'))
        throw new BenchConfigError(`${commit} did not run ${workload.case}/${workload.workload}`);
      return JSON.parse(line) as Summary;
    },
    close,
  };
}
