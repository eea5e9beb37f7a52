/**
 * The kubelet's heartbeat: a Lease in kube-node-lease, renewed every quarter of its duration. A renewal that fails is tried
 * again at once a few times, then at the next turn; a lease that is gone is made anew.
 * @see k8s.io/component-helpers/apimachinery/lease/controller.go
 */
import { formatMicroTime, isAlreadyExists, isServiceUnavailable, isTimeout, type Lease } from '../api/index.ts';
import { type Client, leases } from '../client/index.ts';
import type { Clock, Log, Random } from '../runtime/index.ts';

export const nodeLeaseNamespace = 'kube-node-lease';
const renewalFraction = 0.25;
const jitterFraction = 0.04;
const triesMax = 5;
const tickMs = 250;

export interface NodeLeaseOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly nodeName: string;
  /** UID of the Node, its owner; undefined while it is not known. */
  nodeUid(): string | undefined;
  readonly durationSeconds: number;
}

export class NodeLease {
  readonly #options: NodeLeaseOptions;
  #lease: Lease | undefined;

  constructor(options: NodeLeaseOptions) {
    this.#options = options;
  }

  /** Makes or takes over the lease, and keeps it until the signal aborts. Resolves after the first write. */
  async start(): Promise<void> {
    await this.#renew();
    this.#plan();
  }

  #plan(): void {
    const { clock, durationSeconds, random, signal } = this.#options;
    if (signal.aborted) return;
    const delayMs = durationSeconds * 1000 * renewalFraction * (1 + random.next() * jitterFraction);
    // Renewals of one process meet at common ticks, so that they share frames, turns and commits.
    const tickedMs = delayMs + tickMs - ((clock.now() + delayMs) % tickMs);
    clock.after(tickedMs, () => void this.#renew().then(() => this.#plan()), { background: true });
  }

  async #renew(): Promise<void> {
    const { log, nodeName, signal } = this.#options;
    for (let left = triesMax; left > 0 && !signal.aborted; left--) {
      try {
        this.#lease = await this.#write();
        return;
      } catch (error) {
        // What we hold may not be what the API has: it is read, or made anew, at the next try.
        this.#lease = undefined;
        if (isServiceUnavailable(error) || isTimeout(error) || left === 1) {
          log.debug('lease not renewed', {
            node: nodeName,
            error: error instanceof Error ? error.message : String(error),
          });
          return;
        }
      }
    }
  }

  async #write(): Promise<Lease> {
    const { client, clock, durationSeconds, nodeName } = this.#options;
    const renewTime = formatMicroTime(clock.now());
    if (this.#lease !== undefined) {
      return await client.update(leases, { ...this.#lease, spec: { ...this.#lease.spec, renewTime } });
    }
    const uid = this.#options.nodeUid();
    const fresh: Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: nodeName,
        namespace: nodeLeaseNamespace,
        ...(uid === undefined
          ? undefined
          : { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid }] }),
      },
      spec: { holderIdentity: nodeName, leaseDurationSeconds: durationSeconds, renewTime },
    };
    try {
      return await client.create(leases, fresh);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const known = await client.get(leases, { namespace: nodeLeaseNamespace, name: nodeName });
      return await client.update(leases, { ...known, spec: { ...known.spec, ...fresh.spec } });
    }
  }
}
