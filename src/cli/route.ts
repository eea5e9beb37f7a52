/** `kubehive route`: which pod a connection to a Service would go to, as a node's kube-proxy answers it. */
import { Command } from 'commander';
import type { RouteAnswer } from '../network/index.ts';
import { getJson } from './connection.ts';
import { UsageError } from './errors.ts';

type Answer = RouteAnswer & { readonly service: string; readonly node: string };

/** One line for people. */
function describe(answer: Answer): string {
  if (answer.outcome !== 'endpoint') return `${answer.service}: ${answer.outcome}, ${answer.reason}`;
  const { ip, port, pod, nodeName } = answer.endpoint;
  const where = nodeName === undefined ? '' : ` on ${nodeName}`;
  const choice = answer.sticky ? 'by session affinity' : `one of ${answer.candidates}`;
  return `${answer.service} (${answer.entry}) -> ${pod ?? 'no pod'} ${ip}:${port}${where}, ${choice}`;
}

export const routeCommand = (): Command =>
  new Command('route')
    .description('Tell which pod a connection to a Service goes to.')
    .argument('<service>', 'NAME or NAMESPACE/NAME, with :PORT when it has several')
    .option('-n, --namespace <namespace>', 'namespace of the Service', 'default')
    .option('--from-node <node>', 'node that the connection starts at (default: any)')
    .option('--source <ip>', 'address that the connection comes from')
    .option('--kubeconfig <file>', 'kubeconfig of the running cluster', '.kubehive/kubeconfig')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kubehive route web\n  $ kubehive route shop/web:8080 --from-node node-3\n  $ kubehive route web --json',
    )
    .action(
      async (
        service: string,
        flags: { namespace: string; fromNode?: string; source?: string; kubeconfig: string; json?: boolean },
      ) => {
        const parsed = /^(?:([a-z0-9-]+)\/)?([a-z0-9-]+)(?::([a-z0-9-]+))?$/.exec(service);
        if (parsed === null)
          throw new UsageError(`"${service}" is no Service; write NAME, NAMESPACE/NAME or NAME:PORT`);
        const query = new URLSearchParams({ namespace: parsed[1] ?? flags.namespace, service: parsed[2] ?? '' });
        if (parsed[3] !== undefined) query.set('port', parsed[3]);
        if (flags.fromNode !== undefined) query.set('node', flags.fromNode);
        if (flags.source !== undefined) query.set('source', flags.source);
        const answer = await getJson<Answer>(flags.kubeconfig, `/kubehive/route?${query}`);
        process.stdout.write(`${flags.json ? JSON.stringify(answer) : describe(answer)}\n`);
        if (answer.outcome === 'none') process.exitCode = 1;
      },
    );
