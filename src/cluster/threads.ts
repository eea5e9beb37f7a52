/**
 * Decides where actors run. Control-plane components get threads of their own; kubelets and kube-proxies too while the
 * thread budget lasts, and otherwise share a few threads.
 */
import { availableParallelism } from 'node:os';
import { checkThreads, type Placement, threadBudget } from '../runtime/index.ts';
import type { ClusterOptions } from './options.ts';

export interface ThreadPlan {
  readonly controlPlane: Placement;
  /** Threads that the shared actors are spread over. */
  readonly sharedThreads: number;
}

export interface NodeThreadPlan {
  readonly placement: Placement;
  readonly sharedThreads: number;
  /** For people: what was decided and why. */
  readonly summary: string;
}

/** One core is left to the control plane, whose API server is the busiest thread of all. */
const sharedDefault = (): number => Math.max(1, availableParallelism() - 1);

export function planThreads(threads: ClusterOptions['threads'] = 'inline'): ThreadPlan {
  if (typeof threads === 'number') return { controlPlane: 'shared', sharedThreads: threads };
  return { controlPlane: threads === 'auto' ? 'dedicated' : threads, sharedThreads: sharedDefault() };
}

/**
 * Refuses, before anything starts, a cluster that would need more threads than the machine holds.
 * @param controlPlane Actors of the control plane.
 * @param nodeActors Kubelets and kube-proxies.
 * @throws ThreadBudgetError
 */
export function checkThreadPlan(threads: ClusterOptions['threads'], controlPlane: number, nodeActors: number): void {
  if (planThreads(threads).controlPlane !== 'dedicated') return;
  const nodes = planNodeThreads(threads, controlPlane, nodeActors);
  checkThreads(controlPlane + (nodes.placement === 'dedicated' ? nodeActors : nodes.sharedThreads));
}

/** Plans for `added` kubelets and kube-proxies beside `running` actors. */
export function planNodeThreads(
  threads: ClusterOptions['threads'] = 'inline',
  running: number,
  added: number,
): NodeThreadPlan {
  const plan = planThreads(threads);
  const inThreads = (count: number) => `${count} shared thread${count === 1 ? '' : 's'}`;
  if (threads === 'inline') {
    return { placement: 'inline', sharedThreads: 1, summary: 'in the calling thread' };
  }
  if (plan.controlPlane === 'shared') {
    return { placement: 'shared', sharedThreads: plan.sharedThreads, summary: `in ${inThreads(plan.sharedThreads)}` };
  }
  const { recommended: budget } = threadBudget();
  if (threads === 'dedicated' || running + added <= budget) {
    return { placement: 'dedicated', sharedThreads: 1, summary: 'each in a thread of its own' };
  }
  return {
    placement: 'shared',
    sharedThreads: plan.sharedThreads,
    summary: `in ${inThreads(plan.sharedThreads)}, as ${running + added} threads would exceed the budget of ${budget}`,
  };
}
