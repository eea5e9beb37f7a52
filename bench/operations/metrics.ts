/** startCollectingMetrics and stopCollectingMetrics. */
import { z } from 'zod';
import { defineOperation } from './types.ts';

const schema = z.looseObject({
  name: z.string().default('metrics'),
  namespaces: z.array(z.string()).optional(),
  labelSelector: z.record(z.string(), z.string()).optional(),
});

export const startCollectingMetrics = defineOperation({
  opcode: 'startCollectingMetrics',
  schema,
  async run({ name, namespaces = [], labelSelector }, run) {
    run.startMeasuring({ name, namespaces, labelSelector });
  },
});

export const stopCollectingMetrics = defineOperation({
  opcode: 'stopCollectingMetrics',
  schema: z.looseObject({}),
  run: (_, run) => run.stopMeasuring(),
});
