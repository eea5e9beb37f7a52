/** `kubehive up`: a cluster until Ctrl-C. Standard output gets a line that begins with `ready` once the API server answers. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import {
  addClusterFlags,
  addNodesWithProgress,
  type ClusterFlags,
  startCluster,
  untilSignal,
} from './cluster-flags.ts';
import { addSecurityFlags, securityOf } from './security-flags.ts';

const examples = `
Examples:
  $ kubehive up                                         one node, HTTPS on a free port
  $ kubehive up --nodes 1000 --kubeconfig ./kubeconfig  a thousand nodes
  $ kubehive up --nodes 6 --zones 3                     two nodes in each of three zones
  $ kubehive up --nodes 0 --components apiserver        the store and the API server alone
  $ kubehive up --components all,-deployment-controller all but one controller
  $ kubehive up --data-dir ./state --secure-port 6443   the same state again next time
  $ kubehive up --authorization-mode AlwaysAllow        everybody may do everything
  $ kubehive up --audit-policy-file policy.yaml --audit-log-path audit.log
Then:
  $ kubectl --kubeconfig .kubehive/kubeconfig get nodes`;

export const upCommand = (): Command =>
  addSecurityFlags(addClusterFlags(new Command('up').description('Bring up a cluster and keep it up until Ctrl-C.'), 1))
    .option('--json', 'print the ready line as one JSON object')
    .addHelpText('after', examples)
    .action(async (flags: ClusterFlags & { json?: boolean }) => {
      const stopped = untilSignal();
      const { security, warnings } = securityOf(flags);
      for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
      const cluster = await startCluster(flags, security);
      const { http, https } = cluster.endpoints;
      const path = resolve(flags.kubeconfig);
      if (http !== undefined) {
        process.stderr.write(`warning: ${http} is open to every program on this machine, as cluster administrator\n`);
      }
      process.stdout.write(
        flags.json
          ? `ready ${JSON.stringify({ https, http, kubeconfig: path })}\n`
          : `ready ${[https, http].filter(Boolean).join(' ')} kubeconfig ${path}\n`,
      );
      await Promise.race([addNodesWithProgress(cluster, flags), stopped]);
      await stopped;
      await cluster.stop();
    });
