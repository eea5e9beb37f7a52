/** `kubehive top actors`: what each actor of a running cluster does right now. */
import { Command } from 'commander';
import type { ActorInspection } from '../runtime/index.ts';
import { getJson } from './connection.ts';
import { table } from './table.ts';

const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)}Mi`;

const messages = (actor: ActorInspection): number => actor.messagesInPerSecond + actor.messagesOutPerSecond;

const row = (actor: ActorInspection): string[] => [
  actor.address,
  actor.host,
  actor.state,
  String(actor.mailboxDepth),
  actor.messagesInPerSecond.toFixed(0),
  actor.messagesOutPerSecond.toFixed(0),
  `${(actor.utilization * 100).toFixed(0)}%`,
  String(actor.restarts),
  mebibytes(actor.heapBytes),
];

export const topCommand = (): Command => {
  const top = new Command('top').description('Show what a running cluster does.');
  top
    .command('actors')
    .description(
      'Thread, mailbox depth, messages a second, event-loop utilisation, restarts and memory of every actor.',
    )
    .option('--kubeconfig <file>', 'kubeconfig of the running cluster', '.kubehive/kubeconfig')
    .option('--sort <column>', 'busy (messages a second), name or mailbox', 'busy')
    .option('--limit <n>', 'print so many rows', '50')
    .option('--json', 'print one JSON array')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kubehive top actors\n  $ kubehive top actors --sort mailbox --limit 10\n  $ kubehive top actors --json',
    )
    .action(async (flags: { kubeconfig: string; sort: string; limit: string; json?: boolean }) => {
      const actors = await getJson<ActorInspection[]>(flags.kubeconfig, '/kubehive/actors');
      const orders: Record<string, (a: ActorInspection, b: ActorInspection) => number> = {
        busy: (a, b) => messages(b) - messages(a),
        mailbox: (a, b) => b.mailboxDepth - a.mailboxDepth,
        name: (a, b) => a.address.localeCompare(b.address),
      };
      const order = orders[flags.sort];
      const limit = Number(flags.limit);
      if (order === undefined) top.error(`--sort takes busy, mailbox or name, not "${flags.sort}"`, { exitCode: 2 });
      if (!Number.isInteger(limit) || limit < 1) top.error('--limit takes a whole number from 1', { exitCode: 2 });
      actors.sort(order);
      if (flags.json) {
        process.stdout.write(`${JSON.stringify(actors)}\n`);
        return;
      }
      const shown = actors.slice(0, limit);
      process.stdout.write(
        table(['ACTOR', 'THREAD', 'STATE', 'MAILBOX', 'IN/S', 'OUT/S', 'LOOP', 'RESTARTS', 'HEAP'], shown.map(row)),
      );
      if (actors.length > shown.length)
        process.stdout.write(`(${actors.length - shown.length} more; --limit ${actors.length} shows all)\n`);
    });
  return top;
};
