/** Where a cluster's actors run, and what is refused before anything starts. */
import { describe, expect, it } from 'vitest';
import { Cluster } from '../../src/cluster/index.ts';
import { checkThreadPlan, planNodeThreads, planThreads } from '../../src/cluster/threads.ts';
import { ThreadBudgetError, threadBudget } from '../../src/runtime/index.ts';

const { bound, recommended } = threadBudget();

describe('thread plans', () => {
  it('are inline unless told otherwise, and shared threads for a number', () => {
    expect(planThreads().controlPlane).toBe('inline');
    expect(planThreads('auto').controlPlane).toBe('dedicated');
    expect(planThreads(3)).toEqual({ controlPlane: 'shared', sharedThreads: 3 });
  });

  it('give nodes threads of their own as long as the budget lasts, then shared ones, and say so', () => {
    expect(planNodeThreads('auto', 10, recommended - 10).placement).toBe('dedicated');
    const beyond = planNodeThreads('auto', 10, recommended - 9);
    expect(beyond.placement).toBe('shared');
    expect(beyond.summary).toContain(`would exceed the budget of ${recommended}`);
  });

  it('refuse more dedicated threads than the machine holds, and only those', () => {
    expect(() => checkThreadPlan('dedicated', 40, bound - 40)).not.toThrow();
    expect(() => checkThreadPlan('dedicated', 40, bound - 39)).toThrow(ThreadBudgetError);
    for (const threads of ['auto', 'shared', 'inline', 2] as const) {
      expect(() => checkThreadPlan(threads, 40, 100_000)).not.toThrow();
    }
  });

  it('are checked by the cluster before it starts anything', async () => {
    const options = { threads: 'dedicated', nodes: bound } as const;
    expect(() => Cluster.check(options)).toThrow(/worker threads were asked for, but the bound is \d+ .*processes$/);
    await expect(Cluster.start(options)).rejects.toThrow(ThreadBudgetError);
  });
});
