/** The kinds of `autoscaling`: HorizontalPodAutoscaler in its stored version v2, and in v1, converted. */

import { horizontalPodAutoscalerTable } from '../tables/autoscaling.ts';
import { throughStored } from '../tables/columns.ts';
import { rowsOf, STATUS } from './row.ts';
import { horizontalPodAutoscalerStrategy, horizontalPodAutoscalerV1Strategy } from './strategies/autoscaling.ts';
import { horizontalPodAutoscalerConversion } from './strategies/autoscaling-conversion.ts';
import type { KindDefinition } from './types.ts';

const v2 = rowsOf('autoscaling', 'v2', 'io.k8s.api.autoscaling.v2');
const v1 = rowsOf('autoscaling', 'v1', 'io.k8s.api.autoscaling.v1');

/** HorizontalPodAutoscaler in both versions, the preferred one first. */
export const autoscalingKinds: readonly KindDefinition[] = [
  v2('HorizontalPodAutoscaler', {
    plural: 'horizontalpodautoscalers',
    shortNames: ['hpa'],
    categories: ['all'],
    subresources: [STATUS],
    strategy: horizontalPodAutoscalerStrategy,
    table: horizontalPodAutoscalerTable,
  }),
  v1('HorizontalPodAutoscaler', {
    plural: 'horizontalpodautoscalers',
    shortNames: ['hpa'],
    categories: ['all'],
    subresources: [STATUS],
    strategy: horizontalPodAutoscalerV1Strategy,
    conversion: horizontalPodAutoscalerConversion,
    table: throughStored(horizontalPodAutoscalerTable, horizontalPodAutoscalerConversion),
  }),
];
