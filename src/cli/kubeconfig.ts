/** `kubehive kubeconfig`: a kubeconfig for any user, with a client certificate that the cluster's own authority signs. */
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { parse } from 'yaml';
import { getJson } from './connection.ts';
import { UsageError } from './errors.ts';

const examples = `
Examples:
  $ kubehive kubeconfig --user jane --group dev > jane.kubeconfig
  $ kubehive kubeconfig --user jane --group dev --group ops --output jane.kubeconfig
  $ kubehive kubeconfig --component kube-scheduler    what a scheduler of your own signs in with
  $ kubehive kubeconfig --node node-7                 what a kubelet of your own signs in with
  $ kubehive kubeconfig --user jane --json            one JSON object
Then:
  $ kubectl --kubeconfig jane.kubeconfig auth can-i --list
A certificate holds for a year and cannot be called back: give rights by RoleBindings, not by system:masters.`;

/** Upstream's users of the components. */
const COMPONENTS: Readonly<Record<string, { user: string; groups: string[] }>> = {
  admin: { user: 'admin', groups: ['system:masters'] },
  'kube-controller-manager': { user: 'system:kube-controller-manager', groups: [] },
  'kube-proxy': { user: 'system:kube-proxy', groups: ['system:node-proxier'] },
  'kube-scheduler': { user: 'system:kube-scheduler', groups: [] },
};

interface Flags {
  readonly user?: string;
  readonly group?: readonly string[];
  readonly component?: string;
  readonly node?: string;
  readonly kubeconfig: string;
  readonly output?: string;
  readonly json?: boolean;
}

export const kubeconfigCommand = (): Command =>
  new Command('kubeconfig')
    .description('Issue a kubeconfig for a user, a component or a node of a running cluster.')
    .option('--user <name>', 'user name (the common name of the certificate)')
    .option(
      '--group <name>',
      'group (an organization of the certificate); may be repeated',
      (text, known: string[] = []) => [...known, text],
    )
    .option('--component <name>', `instead of a user: ${Object.keys(COMPONENTS).join(', ')}`)
    .option('--node <name>', 'instead of a user: the kubelet of a node')
    .option('--kubeconfig <file>', "the administrator's kubeconfig of the running cluster", '.kubehive/kubeconfig')
    .option('--output <file>', 'write it here, readable by you alone (default: standard output)')
    .option('--json', 'print JSON instead of YAML')
    .addHelpText('after', examples)
    .action(async (flags: Flags) => {
      const { user, groups } = whoIsMeant(flags);
      const query = new URLSearchParams({ user, groups: JSON.stringify(groups) });
      const { kubeconfig } = await getJson<{ kubeconfig: string }>(flags.kubeconfig, `/kubehive/kubeconfig?${query}`);
      const text = flags.json === true ? `${JSON.stringify(parse(kubeconfig))}\n` : kubeconfig;
      if (flags.output === undefined) process.stdout.write(text);
      else writeFileSync(flags.output, text, { mode: 0o600 });
    });

function whoIsMeant({ user, group = [], component, node }: Flags): { user: string; groups: readonly string[] } {
  if ([user, component, node].filter((name) => name !== undefined).length !== 1) {
    throw new UsageError('kubeconfig takes one of --user, --component and --node; see kubehive kubeconfig --help');
  }
  if (node !== undefined) return { user: `system:node:${node}`, groups: ['system:nodes', ...group] };
  if (component === undefined) return { user: user as string, groups: group };
  const known = Object.hasOwn(COMPONENTS, component) ? COMPONENTS[component] : undefined;
  if (known === undefined) {
    throw new UsageError(`--component takes ${Object.keys(COMPONENTS).join(', ')}, not "${component}"`);
  }
  return { user: known.user, groups: [...known.groups, ...group] };
}
