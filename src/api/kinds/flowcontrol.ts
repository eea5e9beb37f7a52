/** The kinds of `flowcontrol.apiserver.k8s.io/v1`. */
import { flowSchemaTable, priorityLevelTable } from '../tables/admission.ts';
import { rowsOf, STATUS } from './row.ts';
import { flowSchemaStrategy, priorityLevelStrategy } from './strategies/flowcontrol.ts';
import type { KindDefinition } from './types.ts';

const flowcontrol = rowsOf('flowcontrol.apiserver.k8s.io', 'v1', 'io.k8s.api.flowcontrol.v1');

/** All resources of flowcontrol.apiserver.k8s.io/v1, in alphabetical order. */
export const flowcontrolKinds: readonly KindDefinition[] = [
  flowcontrol('FlowSchema', {
    plural: 'flowschemas',
    namespaced: false,
    subresources: [STATUS],
    strategy: flowSchemaStrategy,
    table: flowSchemaTable,
  }),
  flowcontrol('PriorityLevelConfiguration', {
    plural: 'prioritylevelconfigurations',
    namespaced: false,
    subresources: [STATUS],
    strategy: priorityLevelStrategy,
    table: priorityLevelTable,
  }),
];
