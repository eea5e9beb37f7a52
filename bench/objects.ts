/** Objects from template files: read once, rendered once per object, parsed anew only when the text depends on its number. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { KubernetesObject } from '../src/client/index.ts';
import { BenchConfigError } from './config.ts';
import { compileTemplate, type TemplateValues } from './template.ts';

export type MakeObject = (index: number, count: number) => KubernetesObject;

/** Maps whose keys are the user's own. */
const freeMaps = new Set([
  'labels',
  'annotations',
  'matchLabels',
  'capacity',
  'allocatable',
  'requests',
  'limits',
  'data',
  'nodeSelector',
  'attributes',
  'counters',
]);

/**
 * Upstream reads templates into Go structs, which takes field names in any case (`NodeTaintsPolicy`); the API takes them as
 * they are written. So a capital at the beginning of a field name is made small.
 */
function fieldNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fieldNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key.charAt(0).toLowerCase() + key.slice(1),
      freeMaps.has(key) ? member : fieldNames(member),
    ]),
  );
}

/** A maker for the objects of a template file; `params` are read beside `.Index` and `.Count`. Each call returns an object of its own. */
export function objectsFrom(path: string, params: TemplateValues = {}): MakeObject {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new BenchConfigError(`template ${path}: ${(error as Error).message}`);
  }
  const render = compileTemplate(text, ['Index', 'Count', ...Object.keys(params)]);
  if (!text.includes('{{')) {
    const parsed = fieldNames(parse(text)) as KubernetesObject;
    return () => ({ ...parsed, metadata: { ...parsed.metadata } });
  }
  return (index, count) => fieldNames(parse(render({ ...params, Index: index, Count: count }))) as KubernetesObject;
}

/** Upstream's node when no template is named. @see scheduler_perf.go (createNodesOp) and templates/node-default.yaml */
export const defaultNode: MakeObject = () =>
  ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { generateName: 'scheduler-perf-' },
    spec: {},
    status: {
      capacity: { pods: '110', cpu: '4', memory: '32Gi' },
      allocatable: { pods: '110', cpu: '4', memory: '32Gi' },
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  }) as KubernetesObject;
