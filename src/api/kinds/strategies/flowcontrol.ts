/** Strategies of priority and fairness. @see pkg/apis/flowcontrol/v1/defaults.go */
import type { FlowSchema, PriorityLevelConfiguration } from '../../generated/types.ts';
import { strategyOf } from '../strategy-of.ts';

export const flowSchemaStrategy = strategyOf<FlowSchema>({
  defaults(schema: FlowSchema) {
    schema.spec ??= { priorityLevelConfiguration: { name: '' } };
    schema.spec.matchingPrecedence ||= 1000;
  },
  generation: true,
});

export const priorityLevelStrategy = strategyOf<PriorityLevelConfiguration>({
  defaults(level: PriorityLevelConfiguration) {
    const exempt = level.spec?.exempt;
    if (exempt !== undefined) {
      exempt.nominalConcurrencyShares ??= 0;
      exempt.lendablePercent ??= 0;
    }
    const limited = level.spec?.limited;
    if (limited === undefined) return;
    limited.nominalConcurrencyShares ??= 30;
    limited.lendablePercent ??= 0;
    const queuing = limited.limitResponse?.queuing;
    if (queuing === undefined) return;
    queuing.handSize ||= 8;
    queuing.queues ||= 64;
    queuing.queueLengthLimit ||= 50;
  },
  generation: true,
});
