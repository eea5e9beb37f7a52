/** `kubehive explain-scheduling pod/x`: why a pod went where it went, attempt by attempt and node by node. */
import { Command } from 'commander';
import type { AttemptExplanation, ExplainReply, NodeExplanation } from '../scheduling/index.ts';
import { getJson } from './connection.ts';
import { CommandError, UsageError } from './errors.ts';
import { table } from './table.ts';

interface Flags {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly scheduler: string;
  readonly record?: string;
  readonly json?: boolean;
}

const scoresText = ({ scores = [] }: NodeExplanation): string =>
  scores.map(({ plugin, score, weight }) => `${plugin} ${score}${weight === 1 ? '' : `x${weight}`}`).join(', ');

function attemptText(attempt: AttemptExplanation): string {
  const { atMs, profile, nodeName, message, nodesTotal, nodesLookedAt, nodesFitting, refusals, nodes } = attempt;
  const outcome = nodeName === undefined ? `not placed: ${message}` : `placed on ${nodeName}`;
  const counts = `${nodesTotal} nodes, ${nodesLookedAt} looked at, ${nodesFitting} fit`;
  const lines = [`${new Date(atMs).toISOString()}  ${profile}: ${outcome}\n  ${counts}\n`];
  for (const { plugin, reason, nodes: count } of refusals)
    lines.push(`  ${count} refused by ${plugin || 'nobody by name'}: ${reason}\n`);
  if (nodes.length === 0) return lines.join('');
  const rows = nodes.map((node) => [
    node.node,
    node.total === undefined ? '-' : String(node.total),
    node.total === undefined ? `${node.plugin ?? ''}: ${(node.reasons ?? []).join(', ')}` : scoresText(node),
  ]);
  return `${lines.join('')}${table(['NODE', 'SCORE', 'WHY'], rows)}`;
}

export const explainSchedulingCommand = (): Command =>
  new Command('explain-scheduling')
    .description('Tell why a pod was placed where it was, or not at all.')
    .argument('[pod]', 'pod/NAME or NAME')
    .option('-n, --namespace <name>', 'namespace of the pod', 'default')
    .option('--record <on|off>', 'begin or end recording: it is off at first, and costs a little while on')
    .option('--scheduler <name>', 'which scheduler of several to ask', 'scheduler')
    .option('--kubeconfig <file>', 'kubeconfig of the running cluster', '.kubehive/kubeconfig')
    .option('--json', 'print the recorded attempts as one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kubehive explain-scheduling --record on\n  $ kubehive explain-scheduling pod/web-0 -n shop\n' +
        '  $ kubehive explain-scheduling web-0 --json | jq .attempts[-1].refusals\n\n' +
        'Over HTTP: GET /kubehive/explain-scheduling?namespace=shop&name=web-0 of the API server.',
    )
    .action(async (pod: string | undefined, flags: Flags) => {
      if (pod === undefined && flags.record === undefined) throw new UsageError('name a pod, or --record on');
      if (flags.record !== undefined && flags.record !== 'on' && flags.record !== 'off') {
        throw new UsageError(`--record takes on or off, not "${flags.record}"`);
      }
      const name = pod?.replace(/^pods?\//, '');
      const query = new URLSearchParams({ namespace: flags.namespace, scheduler: flags.scheduler });
      if (name !== undefined) query.set('name', name);
      if (flags.record !== undefined) query.set('record', flags.record);
      const answer = await getJson<ExplainReply>(flags.kubeconfig, `/kubehive/explain-scheduling?${query}`);
      if (flags.json) {
        process.stdout.write(`${JSON.stringify(answer)}\n`);
        return;
      }
      if (name === undefined) {
        process.stdout.write(`recording is ${answer.recording ? 'on' : 'off'}\n`);
        return;
      }
      if (answer.attempts.length === 0) {
        throw new CommandError(
          answer.recording
            ? `no attempt to schedule pod ${flags.namespace}/${name} has been recorded`
            : 'nothing is recorded; turn it on with: kubehive explain-scheduling --record on',
        );
      }
      process.stdout.write(answer.attempts.map(attemptText).join('\n'));
    });
