#!/usr/bin/env node
/**
 * The kubehive command: one file a subcommand, one line here. A wrong flag or value prints one line and exits with 2; an
 * error that a person can mend prints one line and exits with 1; a bug prints its stack.
 */
import { Command, CommanderError } from 'commander';
import { benchCommand } from './bench.ts';
import { demoCommand } from './demo.ts';
import { CommandError, UsageError } from './errors.ts';
import { explainSchedulingCommand } from './explain-scheduling.ts';
import { kubeconfigCommand } from './kubeconfig.ts';
import { recordCommand } from './record.ts';
import { replayCommand } from './replay.ts';
import { routeCommand } from './route.ts';
import { topCommand } from './top.ts';
import { upCommand } from './up.ts';
import { versionCommand } from './version.ts';

const commands = [
  upCommand,
  benchCommand,
  topCommand,
  routeCommand,
  explainSchedulingCommand,
  demoCommand,
  recordCommand,
  replayCommand,
  kubeconfigCommand,
  versionCommand,
];

function program(): Command {
  const root = new Command('kubehive')
    .description('A Kubernetes control plane with its nodes, in one Node.js process.')
    .configureHelp({ showGlobalOptions: false })
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      // Commander adds a suggestion on a line of its own; ours is one line.
      outputError: (text, write) =>
        write(
          `kubehive: ${text
            .trim()
            .replace(/^error: /, '')
            .replaceAll('\n', ' ')}\n`,
        ),
    })
    .addHelpText(
      'after',
      '\nExamples:\n  $ kubehive up --nodes 100            a cluster with 100 simulated nodes, until Ctrl-C\n' +
        '  $ kubehive bench --json              the scheduling benchmarks\n  $ kubehive up --help                 all about one command',
    );
  for (const make of commands) root.addCommand(make().copyInheritedSettings(root).exitOverride());
  return root;
}

/** Runs the command line and returns the exit code. */
async function run(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync(argv as string[]);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof UsageError || error instanceof CommandError) {
      process.stderr.write(`kubehive: ${error.message}\n`);
      return error instanceof UsageError ? 2 : 1;
    }
    process.stderr.write(`kubehive: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  }
}

process.exit(await run(process.argv));
