/**
 * When nodes were last heard of: by the heartbeat of their Ready condition, or by their Lease. Time is that of who looks, so that
 * clocks of nodes do not matter; a look comes every few seconds.
 *
 * @see kubernetes/pkg/controller/nodelifecycle/node_lifecycle_controller.go, tryUpdateNodeHealth
 */
import type { Lease, Node, NodeCondition } from '../api/index.ts';
import type { Clock } from '../runtime/index.ts';
import { conditionOf } from './conditions.ts';
import { timeMs, timeText } from './times.ts';

/** A node that never reported a status gets this long from its creation on. */
const startupGraceMs = 60_000;

/** What a silent kubelet used to say. NetworkUnavailable is not its own. */
const kubeletConditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

interface Health {
  /** When the node was last heard of; monotonic milliseconds. */
  probeMs: number;
  /** Of its Ready condition; undefined without one. */
  heartbeat: string | undefined;
  /** Of its Lease; undefined when the next look is to count it as news. */
  renewed: string | undefined;
}

export class NodeHealths {
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #healths = new Map<string, Health>();

  /** `graceMs`: how long a node that has reported may be silent. */
  constructor(clock: Clock, graceMs: number) {
    this.#clock = clock;
    this.#graceMs = graceMs;
  }

  /** Takes in what the node and its Lease say now. True when the node has been silent for too long. */
  isSilent(node: Node, lease: Lease | undefined): boolean {
    const ready = conditionOf(node.status?.conditions, 'Ready');
    const nowMs = this.#clock.monotonic();
    const known = this.#healths.get(node.metadata?.name ?? '');
    const health = this.#heard(node, ready, known, nowMs);
    if (lease !== undefined) {
      const renewed = lease.spec?.renewTime ?? '';
      const before = known?.renewed;
      if (before === undefined || before < renewed) {
        health.renewed = renewed;
        health.probeMs = nowMs;
      }
    }
    this.#healths.set(node.metadata?.name ?? '', health);
    return nowMs > health.probeMs + (ready === undefined ? startupGraceMs : this.#graceMs);
  }

  #heard(node: Node, ready: NodeCondition | undefined, known: Health | undefined, nowMs: number): Health {
    if (ready === undefined) {
      const ageMs = Math.max(0, this.#clock.now() - timeMs(node.metadata?.creationTimestamp));
      return { probeMs: nowMs - ageMs, renewed: undefined, ...known, heartbeat: undefined };
    }
    const heartbeat = ready.lastHeartbeatTime ?? '';
    // A heartbeat forgets the Lease, as upstream: the next look counts it once more.
    return known?.heartbeat === heartbeat ? { ...known } : { probeMs: nowMs, heartbeat, renewed: undefined };
  }

  /** The node was called Unknown, for what it said and what its Lease says. */
  wrote(node: Node, lease: Lease | undefined): void {
    const known = this.#healths.get(node.metadata?.name ?? '');
    if (known === undefined) return;
    known.heartbeat = conditionOf(node.status?.conditions, 'Ready')?.lastHeartbeatTime ?? '';
    known.renewed = lease?.spec?.renewTime;
  }

  /** All nodes get their time anew. */
  renewAll(): void {
    for (const health of this.#healths.values()) health.probeMs = this.#clock.monotonic();
  }

  forget(name: string): void {
    this.#healths.delete(name);
  }
}

/** The conditions of a node that was silent for too long. */
export function unknownConditions(node: Node, nowMs: number): NodeCondition[] {
  const now = timeText(nowMs);
  const conditions = [...(node.status?.conditions ?? [])];
  for (const type of kubeletConditions) {
    const at = conditions.findIndex((condition) => condition.type === type);
    const current = conditions[at];
    if (current === undefined) conditions.push(neverReported(node, type, now));
    else if (current.status !== 'Unknown') conditions[at] = stoppedReporting(current, now);
  }
  return conditions;
}

function stoppedReporting(current: NodeCondition, now: string): NodeCondition {
  const message = 'Kubelet stopped posting node status.';
  return { ...current, status: 'Unknown', reason: 'NodeStatusUnknown', message, lastTransitionTime: now };
}

function neverReported(node: Node, type: string, now: string): NodeCondition {
  return {
    type,
    status: 'Unknown',
    reason: 'NodeStatusNeverUpdated',
    message: 'Kubelet never posted node status.',
    lastHeartbeatTime: node.metadata?.creationTimestamp ?? now,
    lastTransitionTime: now,
  };
}
