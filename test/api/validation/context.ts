/** What strategies ask of the server, as far as validation looks: a fixed time and no chance. */
import type { StrategyContext } from '../../../src/api/index.ts';

export function contextOf(): StrategyContext {
  return {
    now: '2026-01-02T03:04:05Z',
    nowMs: Date.parse('2026-01-02T03:04:05Z'),
    uuid: () => '00000000-0000-4000-8000-000000000000',
    suffix: (length) => 'x'.repeat(length),
    dryRun: false,
  };
}
