/**
 * Registers the Node and keeps its status reported: one write at the start, then one each five minutes. A Node that exists
 * already (a kubelet that comes back) keeps what others have set on it. Knows the Node as last seen, and reads it anew when
 * somebody needs what others may have changed.
 * @see kubernetes/pkg/kubelet/kubelet_node_status.go
 */
import { isAlreadyExists, isNotFound, type Node } from '../api/index.ts';
import { type Client, nodes } from '../client/index.ts';
import type { Clock, Log, Random } from '../runtime/index.ts';
import { kubeletLabels, nodeObject, nodeStatus } from './node-object.ts';
import type { KubeletOptions } from './options.ts';
import type { RuntimeService } from './runtime.ts';

export interface NodeRegistrationOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly kubelet: KubeletOptions;
  readonly runtime: RuntimeService;
}

const registerRetryFirstMs = 100;
const registerRetryMaxMs = 7000;
const statusReportDefaultMs = 300_000;

export class NodeRegistration {
  readonly #options: NodeRegistrationOptions;
  #node: Node;
  #volumesInUse: readonly string[] = [];

  constructor(options: NodeRegistrationOptions) {
    this.#options = options;
    this.#node = { metadata: { name: options.kubelet.nodeName } };
  }

  /** What decisions need of the Node, as last seen: names, labels, spec and conditions. */
  get node(): Node {
    return this.#node;
  }

  /** What an earlier life of this kubelet had reported, when it registered. */
  get volumesInUse(): readonly string[] {
    return this.#volumesInUse;
  }

  /** Registers, trying again until it succeeds or the signal aborts, and begins the regular reports. */
  async start(): Promise<void> {
    const { clock, kubelet, log, signal } = this.#options;
    for (let delayMs = registerRetryFirstMs; !signal.aborted; delayMs = Math.min(delayMs * 2, registerRetryMaxMs)) {
      try {
        await this.#register();
        this.#plan();
        return;
      } catch (error) {
        log.warn('node not registered', {
          node: kubelet.nodeName,
          error: error instanceof Error ? error.message : String(error),
        });
        await clock.sleep(delayMs, { signal }).catch(() => undefined);
      }
    }
  }

  /** Reads the Node anew. Keeps what was last seen when it cannot be read. */
  async refresh(): Promise<Node> {
    const { client, kubelet } = this.#options;
    this.#node = essence(await client.get(nodes, { name: kubelet.nodeName }));
    return this.#node;
  }

  #runtimeVersion(): string {
    const { name, version } = this.#options.runtime;
    return `${name}://${version}`;
  }

  async #register(): Promise<void> {
    const { client, clock, kubelet } = this.#options;
    const wanted = nodeObject(kubelet, this.#runtimeVersion(), clock.now());
    try {
      this.#node = essence(await client.create(nodes, wanted));
      return;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const known = await client.get(nodes, { name: kubelet.nodeName });
    this.#node = essence(known);
    this.#volumesInUse = known.status?.volumesInUse ?? [];
    const labels = { ...kubeletLabels(kubelet), ...kubelet.labels };
    const missing = Object.entries(labels).filter(([key, value]) => known.metadata?.labels?.[key] !== value);
    if (missing.length > 0) {
      const patch = { metadata: { labels: Object.fromEntries(missing) } };
      this.#node = essence(await client.patch(nodes, { name: kubelet.nodeName }, 'merge', patch));
    }
    await this.#report();
  }

  async #report(): Promise<void> {
    const { client, clock, kubelet, runtime } = this.#options;
    const images = await runtime.images.listImages();
    const status = nodeStatus(kubelet, this.#runtimeVersion(), clock.now(), this.#node.status, images);
    // Addresses are replaced as a whole: their merge key cannot tell two of one type apart. Those of a cloud are its own to say.
    const { addresses = [], ...others } = status;
    const patch = {
      status: kubelet.externalCloud === true ? others : { ...others, addresses: [...addresses, { $patch: 'replace' }] },
    };
    const written = await client.patch(nodes, { name: kubelet.nodeName }, 'strategic', patch, {
      subresource: 'status',
    });
    this.#node = essence(written);
  }

  #plan(): void {
    const { clock, kubelet, log, random, signal } = this.#options;
    if (signal.aborted) return;
    // Spread over the period, so that the nodes of a big cluster do not report at once.
    const periodMs = (kubelet.statusReportMs ?? statusReportDefaultMs) * (0.5 + random.next() / 2);
    const report = async (): Promise<void> => {
      try {
        await this.#report();
      } catch (error) {
        const gone = isNotFound(error);
        log.debug('node status not written', {
          node: kubelet.nodeName,
          gone,
          error: error instanceof Error ? error.message : String(error),
        });
      }
      this.#plan();
    };
    clock.after(periodMs, () => void report(), { background: true });
  }
}

/** The part of a Node that is kept: with thousands of kubelets in a thread, the rest would be most of their memory. */
function essence({ metadata, spec, status }: Node): Node {
  const kept: Node = { metadata: { name: metadata?.name, uid: metadata?.uid, labels: metadata?.labels } };
  if (spec !== undefined) kept.spec = spec;
  const conditions = status?.conditions?.map(({ lastTransitionTime, status, type }) => ({
    lastTransitionTime,
    status,
    type,
  }));
  return conditions === undefined ? kept : { ...kept, status: { conditions } };
}
