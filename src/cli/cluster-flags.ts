/** The flags that every command which brings up a cluster takes, and what they become. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { parseRuntimeConfig, type RuntimeConfig } from '../api/index.ts';
import {
  Cluster,
  type ClusterOptions,
  ClusterOptionsError,
  type SecurityOptions,
  UnknownComponentError,
} from '../cluster/index.ts';
import { ThreadBudgetError } from '../runtime/index.ts';
import { StoreInUseError } from '../store/index.ts';
import { readAdmissionConfiguration } from './admission-configuration.ts';
import { CommandError, UsageError } from './errors.ts';
import { progressBar } from './progress.ts';
import { readSchedulerConfiguration } from './scheduler-configuration.ts';
import { cidrs, featureGates, names, repeated, type Threads, threads, wholeNumber } from './values.ts';

export interface ClusterFlags {
  readonly nodes: number;
  readonly zones?: number;
  readonly components: string;
  readonly dataDir?: string;
  readonly port?: number;
  readonly securePort: number;
  readonly address: string;
  readonly kubeconfig: string;
  readonly threads: Threads;
  readonly serviceCidr: string;
  readonly podCidr?: string;
  readonly seed: number;
  readonly enableAdmissionPlugins?: readonly string[];
  readonly disableAdmissionPlugins?: readonly string[];
  readonly admissionControlConfigFile?: string;
  readonly schedulerConfig?: readonly string[];
  readonly resourceMetrics?: boolean;
  readonly runtimeConfig?: RuntimeConfig;
  readonly featureGates?: Readonly<Record<string, boolean>>;
}

/** Adds the flags to `command`; `nodes` is the default number of nodes. */
export function addClusterFlags(command: Command, nodes: number): Command {
  return command
    .option('--nodes <n>', 'simulated nodes', wholeNumber(0, 100_000), nodes)
    .option('--zones <n>', 'zones that the nodes are dealt over: zone-1, zone-2 and so on', wholeNumber(1, 100_000))
    .option(
      '--components <list>',
      'all, apiserver, scheduler, controllers, nodes, kube-proxy or controllers by name; -NAME leaves one out',
      'all',
    )
    .option('--data-dir <dir>', 'keep the state here (default: in memory)')
    .option('--port <port>', 'also listen for plain HTTP on loopback; 0 picks a free port', wholeNumber(0, 65_535))
    .option('--secure-port <port>', 'HTTPS port; 0 picks a free one', wholeNumber(0, 65_535), 0)
    .option('--address <ip>', 'address to listen on for HTTPS', '127.0.0.1')
    .option('--kubeconfig <file>', "write the administrator's kubeconfig here", '.kubehive/kubeconfig')
    .option('--threads <how>', 'auto, dedicated, shared, inline, or a number of shared threads', threads, 'auto')
    .option(
      '--service-cidr <ranges>',
      'addresses of Services; one of each family for dual-stack',
      cidrs,
      '10.96.0.0/16',
    )
    .option('--pod-cidr <ranges>', 'addresses of pods, of which node-ipam-controller gives every node a part', cidrs)
    .option('--seed <n>', 'seed of everything random', wholeNumber(0, 2 ** 31), 1)
    .option('--enable-admission-plugins <list>', 'admission plugins to run that are off by default', names)
    .option('--disable-admission-plugins <list>', 'admission plugins to leave out', names)
    .option('--admission-control-config-file <file>', 'an AdmissionConfiguration with the configurations of plugins')
    .option('--resource-metrics', 'serve metrics.k8s.io, as metrics-server does: for kubectl top and autoscaling')
    .option(
      '--runtime-config <list>',
      'API versions and kinds to switch on or off: api/all=true, api/beta=true, <group>/<version>[/<resource>]=true',
      parseRuntimeConfig,
    )
    .option('--scheduler-config <file>', 'a KubeSchedulerConfiguration; given again, one more scheduler', repeated)
    .option(
      '--feature-gates <list>',
      'features to turn on or off, as in GangScheduling=true,MaxUnavailableStatefulSet=true',
      featureGates,
    );
}

/** Starts the control plane of the flags, writes the kubeconfig, and leaves the nodes to {@link addNodesWithProgress}. */
export async function startCluster(flags: ClusterFlags, security: SecurityOptions = {}): Promise<Cluster> {
  // A list that starts with a name left out, such as "-job-controller", means all but that.
  const components = flags.components.split(',');
  const options: ClusterOptions = {
    nodes: 0,
    components,
    threads: flags.threads,
    seed: flags.seed,
    serviceCidr: flags.serviceCidr,
    ...(flags.podCidr === undefined ? {} : { podCidr: flags.podCidr }),
    security,
    https: { host: flags.address, port: flags.securePort },
    ...(flags.port === undefined ? {} : { http: { port: flags.port } }),
    ...(flags.dataDir === undefined ? {} : { dataDirectory: resolve(flags.dataDir) }),
    ...admissionOptions(flags),
    ...(flags.resourceMetrics === undefined ? {} : { resourceMetrics: flags.resourceMetrics }),
    ...(flags.runtimeConfig === undefined ? {} : { runtimeConfig: flags.runtimeConfig }),
    ...(flags.featureGates === undefined ? {} : { featureGates: flags.featureGates }),
    ...(flags.schedulerConfig === undefined
      ? {}
      : { schedulerConfiguration: flags.schedulerConfig.map(readSchedulerConfiguration) }),
  };
  try {
    // The nodes come later, under a progress bar; what cannot be is refused now all the same.
    Cluster.check({ ...options, nodes: flags.nodes });
    const cluster = await Cluster.start(options);
    const path = resolve(flags.kubeconfig);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, cluster.kubeconfig, { mode: 0o600 });
    return cluster;
  } catch (error) {
    throw mendable(error);
  }
}

/** The options of the admission flags. @throws UsageError for a configuration file that cannot be read */
function admissionOptions(flags: ClusterFlags): ClusterOptions {
  const { enableAdmissionPlugins, disableAdmissionPlugins, admissionControlConfigFile: file } = flags;
  return {
    ...(enableAdmissionPlugins === undefined ? {} : { enabledAdmissionPlugins: enableAdmissionPlugins }),
    ...(disableAdmissionPlugins === undefined ? {} : { disabledAdmissionPlugins: disableAdmissionPlugins }),
    ...(file === undefined ? {} : { admissionConfiguration: readAdmissionConfiguration(file) }),
  };
}

/** Adds the nodes of the flags under a progress bar. */
export async function addNodesWithProgress(cluster: Cluster, { nodes, zones }: ClusterFlags): Promise<void> {
  if (nodes === 0) return;
  const group = { count: nodes, ...(zones === undefined ? {} : { zones }) };
  const bar = progressBar('nodes registered');
  try {
    await cluster.addNodes([group], ({ done, total, threads: where }) => bar.update(done, total, where));
    bar.finish();
  } catch (error) {
    throw mendable(error);
  }
}

/** Errors of options and of the machine become one line with exit code 2 or 1; a bug stays what it is. */
function mendable(error: unknown): unknown {
  if (error instanceof ClusterOptionsError || error instanceof UnknownComponentError)
    return new UsageError(error.message);
  // The API server refuses it in a thread of its own: all that comes through is the text.
  const misconfigured = /AdmissionConfigurationError: (.*)/.exec(error instanceof Error ? error.message : '')?.[1];
  if (misconfigured !== undefined) return new UsageError(misconfigured);
  if (error instanceof StoreInUseError || error instanceof ThreadBudgetError) return new CommandError(error.message);
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (code === 'EADDRINUSE')
    return new CommandError(`${address}:${port} is in use by another program; choose another port`);
  if (code === 'EACCES') return new CommandError(`no permission: ${(error as Error).message}`);
  return error;
}

/** npm passes on the Ctrl-C that its child has had from the terminal as well: what comes so soon after is the same one. */
const sameSignalMs = 500;

/** Resolves at SIGINT or SIGTERM. A second one ends the process at once. */
export function untilSignal(): Promise<void> {
  return new Promise((done) => {
    let seenAt: number | undefined;
    const onSignal = () => {
      const now = performance.now();
      if (seenAt !== undefined && now - seenAt > sameSignalMs) process.exit(130);
      seenAt ??= now;
      done();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
