/**
 * Reads performance-config.yaml files of upstream's scheduler_perf, unmodified: test cases, their workloads, and operations
 * with `$parameters` filled in. What an operation means stands in operations/.
 * @see kubernetes/test/integration/scheduler_perf/scheduler_perf.go
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** Operations are checked by their own schemas when they run; here they are plain records with an opcode. */
const operation = z.looseObject({ opcode: z.string() });
export type RawOperation = z.infer<typeof operation>;

/** One for all, or by topic: upstream runs some files more than once under other names. */
const threshold = z.union([z.number().min(0), z.record(z.string(), z.number().min(0))]);

const thresholdMetricSelector = z.looseObject({
  name: z.string().default('SchedulingThroughput'),
  labels: z.record(z.string(), z.string()).default({}),
  dataBucket: z.string(),
  expectLower: z.boolean().default(false),
});
export type ThresholdMetricSelector = z.infer<typeof thresholdMetricSelector>;

/** Histograms to report, each with the values of labels by which it is split; null reports all of it in one. */
const metricsCollectorConfig = z.looseObject({
  metrics: z.record(z.string(), z.array(z.object({ label: z.string(), values: z.array(z.string()) })).nullable()),
});
export type MetricsToCollect = z.infer<typeof metricsCollectorConfig>['metrics'];

const workload = z.looseObject({
  name: z.string(),
  labels: z.array(z.string()).optional(),
  featureGates: z.record(z.string(), z.boolean()).optional(),
  params: z.record(z.string(), scalar).optional(),
  threshold: threshold.optional(),
  thresholdMetricSelector: thresholdMetricSelector.optional(),
});

const testCase = z.looseObject({
  name: z.string(),
  labels: z.array(z.string()).optional(),
  featureGates: z.record(z.string(), z.boolean()).optional(),
  defaultPodTemplatePath: z.string().optional(),
  schedulerConfigPath: z.string().optional(),
  defaultThresholdMetricSelector: thresholdMetricSelector.optional(),
  metricsCollectorConfig: metricsCollectorConfig.optional(),
  workloadTemplate: z.array(operation),
  workloads: z.array(workload),
});

/** One workload, ready to run. */
export interface Workload {
  readonly case: string;
  readonly workload: string;
  /** The file's folder unless another name was asked for: of thresholds by topic, and of files of data items. */
  readonly topic: string;
  readonly labels: readonly string[];
  readonly featureGates: Readonly<Record<string, boolean>>;
  readonly params: Readonly<Record<string, string | number | boolean>>;
  /** What upstream's CI accepts on its machines at least (or at most, as the selector says); 0: none named. */
  readonly threshold: number;
  /** The figure that the threshold is for. */
  readonly thresholdMetric: ThresholdMetricSelector;
  /** Undefined: upstream's default histograms. */
  readonly metrics: MetricsToCollect | undefined;
  readonly operations: readonly RawOperation[];
  readonly defaultPodTemplatePath: string | undefined;
  readonly schedulerConfigPath: string | undefined;
}

/** Thrown for a file that cannot be read or is not of the format. */
export class BenchConfigError extends Error {
  override readonly name = 'BenchConfigError';
}

/** Pods per second on average. */
const defaultThresholdMetric: ThresholdMetricSelector = {
  name: 'SchedulingThroughput',
  labels: {},
  dataBucket: 'Average',
  expectLower: false,
};

/** How much there is to do in a workload: the sum of its numbers. */
export const sizeOf = ({ params }: Workload): number =>
  Object.values(params).reduce<number>((sum, value) => sum + (typeof value === 'number' ? value : 0), 0);

/** The smallest workload of each case, the first of equals. */
export function smallestOfEach<One extends Workload & { readonly set?: string }>(workloads: readonly One[]): One[] {
  const smallest = new Map<string, One>();
  for (const one of workloads) {
    const name = `${one.set}/${one.case}`;
    const before = smallest.get(name);
    if (before === undefined || sizeOf(one) < sizeOf(before)) smallest.set(name, one);
  }
  return [...smallest.values()];
}

/**
 * All workloads of a configuration file, in its order. Paths in it are relative to the file. `topic` chooses among thresholds by
 * topic; it defaults to the name of the file's folder. @throws BenchConfigError
 */
export function readWorkloads(path: string, topic = basename(dirname(resolve(path)))): Workload[] {
  let document: unknown;
  try {
    document = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new BenchConfigError(`${path}: ${(error as Error).message}`);
  }
  const cases = z.array(testCase).safeParse(document);
  if (!cases.success)
    throw new BenchConfigError(`${path} is no scheduler_perf configuration: ${z.prettifyError(cases.error)}`);
  const directory = dirname(resolve(path));
  return cases.data.flatMap((one) =>
    one.workloads.map((run) => ({
      case: one.name,
      workload: run.name,
      topic,
      labels: [...(one.labels ?? []), ...(run.labels ?? [])],
      featureGates: { ...one.featureGates, ...run.featureGates },
      params: run.params ?? {},
      threshold: typeof run.threshold === 'number' ? run.threshold : (run.threshold?.[topic] ?? 0),
      thresholdMetric: run.thresholdMetricSelector ?? one.defaultThresholdMetricSelector ?? defaultThresholdMetric,
      metrics: one.metricsCollectorConfig?.metrics,
      operations: one.workloadTemplate
        .map((raw) => fill(raw, run.params ?? {}, directory, `${one.name}/${run.name}`))
        .flatMap((raw) => (raw.opcode === 'createPodSets' ? podSets(raw, `${one.name}/${run.name}`) : raw)),
      defaultPodTemplatePath:
        one.defaultPodTemplatePath === undefined ? undefined : resolve(directory, one.defaultPodTemplatePath),
      schedulerConfigPath:
        one.schedulerConfigPath === undefined ? undefined : resolve(directory, one.schedulerConfigPath),
    })),
  );
}

const createPodSets = z.looseObject({
  count: z.number().int().min(0),
  namespacePrefix: z.string(),
  createPodsOp: operation,
});

/** As upstream, each set counts as an operation: namespaces without a name are called after an operation's place. */
function podSets(raw: RawOperation, where: string): RawOperation[] {
  const sets = createPodSets.safeParse(raw);
  if (!sets.success) throw new BenchConfigError(`${where}: createPodSets: ${z.prettifyError(sets.error)}`);
  const { count, namespacePrefix, createPodsOp } = sets.data;
  return Array.from({ length: count }, (_, index) => ({ ...createPodsOp, namespace: `${namespacePrefix}-${index}` }));
}

type Params = Readonly<Record<string, unknown>>;

/**
 * `countParam: $initPods` becomes `count: 500`; values of `templateParams` that name a parameter become its value; `…Path` and
 * `…Paths` become absolute; `countMultiplierParam` multiplies the count. Nested operations too.
 */
function fill(raw: RawOperation, params: Params, directory: string, where: string): RawOperation {
  const filled: Record<string, unknown> & { opcode: string } = { opcode: raw.opcode };
  const valueFor = (reference: string): unknown => {
    const name = reference.slice(1);
    if (!(name in params))
      throw new BenchConfigError(
        `${where}: ${raw.opcode} asks for the parameter ${reference}, which the workload does not give`,
      );
    return params[name];
  };
  const isReference = (value: unknown): value is string => typeof value === 'string' && value.startsWith('$');
  for (const [key, value] of Object.entries(raw)) {
    if (key.endsWith('Param') && isReference(value)) {
      filled[key.slice(0, -'Param'.length)] = valueFor(value);
    } else if (key === 'templateParams' && typeof value === 'object' && value !== null) {
      filled[key] = Object.fromEntries(
        Object.entries(value).map(([name, given]) => [name, isReference(given) ? valueFor(given) : given]),
      );
    } else if (key.endsWith('Path') && typeof value === 'string') {
      filled[key] = resolve(directory, value);
    } else if (key.endsWith('Paths') && Array.isArray(value)) {
      filled[key] = value.map((path) => resolve(directory, String(path)));
    } else if (key.endsWith('Op') && typeof value === 'object' && value !== null) {
      filled[key] = fill(value as RawOperation, params, directory, where);
    } else {
      filled[key] = value;
    }
  }
  if (typeof filled['countMultiplier'] === 'number')
    filled['count'] = Number(filled['count']) * filled['countMultiplier'];
  return filled;
}
