/** What a cluster can be told, its defaults, and the check of both. Every option is optional. */
import type { LogSink, Placement } from '../runtime/index.ts';
import { ClusterOptionsError } from './options-error.ts';
import type { SecurityOptions } from './security.ts';

export { ClusterOptionsError } from './options-error.ts';

/** One simulated node, or a number of nodes that are alike. */
export interface NodeGroup {
  /** How many. Default 1. */
  readonly count?: number;
  /** Names are `<prefix>-0`, `<prefix>-1`, …, or the prefix itself for a single node with `name`. Default `node`. */
  readonly prefix?: string;
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  /** Quantities by resource name. Default: cpu 32, memory 256Gi, pods 110. */
  readonly capacity?: Readonly<Record<string, string>>;
  /** Zones that the nodes are dealt over in turn: `zone-1`, `zone-2`, … of `region-1`. Default: they are in none. */
  readonly zones?: number;
}

export interface ListenOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
}

export interface ClusterOptions {
  /** Simulated nodes: how many, or groups of them. Default 1. */
  readonly nodes?: number | readonly NodeGroup[];
  /** Components to run: see `kubehive up --help`. Default `['all']`. */
  readonly components?: readonly string[];
  /**
   * Where actors run. `auto`: control plane in threads of their own; nodes too while the thread budget lasts, else in
   * shared threads. A number: everything in so many shared threads. Default `inline`: all in the calling thread.
   */
  readonly threads?: 'auto' | Placement | number;
  /** Default `real`. `virtual` needs `threads: 'inline'`: time moves only in `settled()` and `clock.advance()`. */
  readonly clock?: 'real' | 'virtual';
  /** Same seed, same run (with `inline` and the virtual clock). Default 1. */
  readonly seed?: number;
  /** Keeps the cluster's state here. Default: in memory, gone with the process. */
  readonly dataDirectory?: string;
  /** When a write is acknowledged: `sync` on disk (default with a data directory), `os` handed to the system. */
  readonly durability?: 'sync' | 'os';
  /** Plain HTTP on loopback. Default: off. */
  readonly http?: ListenOptions | false;
  /** HTTPS with certificates of the cluster's own CA. Default: on a free port of 127.0.0.1. */
  readonly https?: ListenOptions | false;
  /**
   * Addresses of Services. Default 10.96.0.0/16. Two ranges with a comma between, one of IPv4 and one of IPv6, make a dual-stack
   * cluster, whose nodes and pods have addresses of both families too; the first is the family of a Service that asks for none.
   */
  readonly serviceCidr?: string;
  /**
   * The network of pods, or one of each family with a comma between. With it `node-ipam-controller` runs and gives every node a
   * part. Default: nodes have parts of 10.128.0.0/9 (and fd00:10:128::/48) by their number.
   */
  readonly podCidr?: string;
  /** Default `30000-32767`. */
  readonly nodePortRange?: string;
  /** Admission plugins to run although they are off by default, by upstream's names. NodeRestriction runs in any case, as kubeadm's. */
  readonly enabledAdmissionPlugins?: readonly string[];
  /** Authentication, authorization, audit, fairness, encryption: by the names of upstream's flags. */
  readonly security?: SecurityOptions;
  /**
   * Controllers act only while this process holds the Lease kube-system/kube-controller-manager, so that several processes
   * with controllers can share one API server. Default false: this process is the only one.
   */
  readonly leaderElection?: boolean;
  /** Admission plugins to leave out, by upstream's names. */
  readonly disabledAdmissionPlugins?: readonly string[];
  /** Configurations of admission plugins by upstream's names: what an AdmissionConfiguration holds under each. */
  readonly admissionConfiguration?: Readonly<Record<string, unknown>>;
  /** Serves metrics.k8s.io, what nodes and pods use, as metrics-server does. Default false, as a cluster without that add-on. */
  readonly resourceMetrics?: boolean;
  /**
   * API versions and kinds to switch on or off, by the names of upstream's `--runtime-config`: `{ 'api/beta': 'true' }`,
   * `{ 'resource.k8s.io/v1beta1/resourceclaims': 'true' }`. Default: all stable ones, and no alpha or beta.
   */
  readonly runtimeConfig?: Readonly<Record<string, string>>;
  /** KubeSchedulerConfiguration v1, as an object; a list starts a scheduler for each. */
  readonly schedulerConfiguration?: Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[];
  /** Feature gates of the scheduler, and MaxUnavailableStatefulSet, that are not to be as upstream has them by default. */
  readonly featureGates?: Readonly<Record<string, boolean>>;
  /** How simulated containers behave: times in milliseconds. Default: everything at once. */
  readonly simulation?: { readonly imagePullMs?: number; readonly containerStartMs?: number };
  /** Where log lines go. Default: warnings and errors to standard error. */
  readonly log?: LogSink;
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error';
  /** Told as nodes start, every few hundred. */
  readonly onProgress?: (progress: StartProgress) => void;
}

export interface StartProgress {
  /** Nodes started so far, and how many there will be. */
  readonly done: number;
  readonly total: number;
  /** Where the nodes run, for people. */
  readonly threads: string;
}

/** A single node as the kubelet actor wants it. */
export interface NodePlan {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: NonNullable<NodeGroup['taints']>;
  readonly capacity: Readonly<Record<string, string>> | undefined;
  readonly zone?: string;
  readonly region?: string;
}

/** Spreads node groups out into nodes. @throws ClusterOptionsError for a bad count or two nodes of one name. */
export function planNodes(nodes: ClusterOptions['nodes'] = 1): NodePlan[] {
  const groups = typeof nodes === 'number' ? [{ count: nodes }] : nodes;
  const plans: NodePlan[] = [];
  const names = new Set<string>();
  for (const group of groups as readonly NodeGroup[]) {
    const { count = 1, zones } = group;
    if (zones !== undefined && (!Number.isInteger(zones) || zones < 1)) {
      throw new ClusterOptionsError(`nodes: ${zones} is not a number of zones`);
    }
    if (!Number.isInteger(count) || count < 0 || count > 100_000) {
      throw new ClusterOptionsError(`nodes: ${count} is not a whole number from 0 to 100000`);
    }
    for (let index = 0; index < count; index++) {
      const name = group.name !== undefined && count === 1 ? group.name : `${group.prefix ?? 'node'}-${index}`;
      if (names.has(name))
        throw new ClusterOptionsError(`nodes: two nodes would be called "${name}"; give each group a prefix`);
      names.add(name);
      const place = zones === undefined ? {} : { zone: `zone-${(index % zones) + 1}`, region: 'region-1' };
      plans.push({ name, labels: group.labels ?? {}, taints: group.taints ?? [], capacity: group.capacity, ...place });
    }
  }
  return plans;
}
