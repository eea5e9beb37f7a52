/**
 * Reads performance-config.yaml files of upstream's scheduler_perf, unmodified: test cases, their workloads, and operations
 * with `$parameters` filled in. What an operation means stands in operations/.
 * @see kubernetes/test/integration/scheduler_perf/scheduler_perf.go
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** Operations are checked by their own schemas when they run; here they are plain records with an opcode. */
const operation = z.looseObject({ opcode: z.string() });
export type RawOperation = z.infer<typeof operation>;

const threshold = z.union([z.number(), z.looseObject({ value: z.number().optional() })]);

const workload = z.looseObject({
  name: z.string(),
  labels: z.array(z.string()).optional(),
  featureGates: z.record(z.string(), z.boolean()).optional(),
  params: z.record(z.string(), scalar).optional(),
  threshold: threshold.optional(),
});

const testCase = z.looseObject({
  name: z.string(),
  labels: z.array(z.string()).optional(),
  featureGates: z.record(z.string(), z.boolean()).optional(),
  defaultPodTemplatePath: z.string().optional(),
  schedulerConfigPath: z.string().optional(),
  workloadTemplate: z.array(operation),
  workloads: z.array(workload),
});

/** One workload, ready to run. */
export interface Workload {
  readonly case: string;
  readonly workload: string;
  readonly labels: readonly string[];
  readonly featureGates: Readonly<Record<string, boolean>>;
  /** Least pods per second that upstream's CI accepts on its machines; 0: none named. */
  readonly threshold: number;
  readonly operations: readonly RawOperation[];
  readonly defaultPodTemplatePath: string | undefined;
  readonly schedulerConfigPath: string | undefined;
}

/** Thrown for a file that cannot be read or is not of the format. */
export class BenchConfigError extends Error {
  override readonly name = 'BenchConfigError';
}

/** All workloads of a configuration file, in its order. Paths in it are relative to the file. @throws BenchConfigError */
export function readWorkloads(path: string): Workload[] {
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
      labels: [...(one.labels ?? []), ...(run.labels ?? [])],
      featureGates: { ...one.featureGates, ...run.featureGates },
      threshold: typeof run.threshold === 'number' ? run.threshold : (run.threshold?.value ?? 0),
      operations: one.workloadTemplate.map((raw) => fill(raw, run.params ?? {}, directory, `${one.name}/${run.name}`)),
      defaultPodTemplatePath:
        one.defaultPodTemplatePath === undefined ? undefined : resolve(directory, one.defaultPodTemplatePath),
      schedulerConfigPath:
        one.schedulerConfigPath === undefined ? undefined : resolve(directory, one.schedulerConfigPath),
    })),
  );
}

/** `countParam: $initPods` becomes `count: 500`; `…Path` and `…Paths` become absolute. Nested operations too. */
function fill(
  raw: RawOperation,
  params: Readonly<Record<string, unknown>>,
  directory: string,
  where: string,
): RawOperation {
  const filled: Record<string, unknown> & { opcode: string } = { opcode: raw.opcode };
  for (const [key, value] of Object.entries(raw)) {
    if (key.endsWith('Param') && typeof value === 'string' && value.startsWith('$')) {
      const name = value.slice(1);
      if (!(name in params))
        throw new BenchConfigError(
          `${where}: ${raw.opcode} asks for the parameter ${value}, which the workload does not give`,
        );
      filled[key.slice(0, -'Param'.length)] = params[name];
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
  return filled;
}
