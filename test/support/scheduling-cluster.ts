/** A cluster with an API server and schedulers only, inline, for tests of what reaches the API. */
import type { Pod } from '../../src/api/index.ts';
import { events, pods } from '../../src/client/index.ts';
import { Cluster, type ClusterOptions } from '../../src/cluster/index.ts';

/** How long a state may take to come about on a busy machine. */
const patienceMs = 60_000;
const pollMs = 20;

export interface SchedulingCluster {
  readonly cluster: Cluster;
  /** Resolves with what `read` answers once it is neither undefined nor false. */
  eventually<Value>(what: string, read: () => Promise<Value | undefined | false>): Promise<Value>;
  pod(name: string): Promise<Pod>;
  /** The node of a pod, once it has one. */
  nodeOf(name: string): Promise<string>;
  /** The message of a PodScheduled condition that is False. */
  messageOf(name: string): Promise<string>;
  /** Notes of the pod's events with a reason, once there is one. */
  notesOf(name: string, reason: string): Promise<string[]>;
}

export async function startSchedulingCluster(options: ClusterOptions = {}): Promise<SchedulingCluster> {
  const cluster = await Cluster.start({
    nodes: 0,
    components: ['apiserver', 'scheduler'],
    threads: 'inline',
    https: false,
    disabledAdmissionPlugins: ['ServiceAccount', 'TaintNodesByCondition'],
    ...options,
  });
  const { client, clock } = cluster;
  const namespace = 'default';
  const pod = (name: string) => client.get(pods, { namespace, name });
  async function eventually<Value>(what: string, read: () => Promise<Value | undefined | false>): Promise<Value> {
    for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += pollMs) {
      const value = await read();
      if (value !== undefined && value !== false) return value;
      await clock.sleep(pollMs);
    }
    throw new Error(`${what} did not come about`);
  }
  return {
    cluster,
    eventually,
    pod,
    nodeOf: (name) => eventually(`a node for ${name}`, async () => (await pod(name)).spec?.nodeName || undefined),
    messageOf: (name) =>
      eventually(`a refusal of ${name}`, async () => {
        const condition = (await pod(name)).status?.conditions?.find(({ type }) => type === 'PodScheduled');
        return condition?.status === 'False' ? condition.message : undefined;
      }),
    notesOf: (name, reason) =>
      eventually(`an event ${reason} of ${name}`, async () => {
        const { items } = await client.list(events, { namespace });
        const found = items.filter((event) => event.regarding?.name === name && event.reason === reason);
        return found.length > 0 && found.map(({ note = '' }) => note);
      }),
  };
}
