/** startCollectingMetrics and stopCollectingMetrics. */
import { z } from 'zod';
import { defineOperation } from './types.ts';

const schema = z.looseObject({
  name: z.string().default('metrics'),
  namespaces: z.array(z.string()).optional(),
  labelSelector: z.record(z.string(), z.string()).optional(),
  collectors: z.array(z.enum(['Throughput', 'Metrics', 'Memory', 'SchedulingDuration'])).optional(),
});

export const startCollectingMetrics = defineOperation({
  opcode: 'startCollectingMetrics',
  schema,
  async run({ name, namespaces = [], labelSelector, collectors }, run) {
    await run.startMeasuring({ name, namespaces, labelSelector, collectors });
  },
});

export const stopCollectingMetrics = defineOperation({
  opcode: 'stopCollectingMetrics',
  schema: z.looseObject({}),
  run: (_, run) => run.stopMeasuring(),
});
