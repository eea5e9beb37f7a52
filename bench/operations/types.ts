/** What an operation of a workload is, and what it may do to the run. One file an opcode or family; one line each in index.ts. */
import { z } from 'zod';
import type { Client, KubernetesObject } from '../../src/client/index.ts';
import type { Clock, Random } from '../../src/runtime/index.ts';
import type { MakeObject } from '../objects.ts';
import type { PodTracker } from '../pod-tracker.ts';
import type { TemplateValues } from '../template.ts';

/** What an operation gives its templates beside `.Index` and `.Count`. */
export const templateParams = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional();

/** A workload while it runs. */
export interface Run {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly tracker: PodTracker;
  /** Objects of a template file, compiled once a run for the same parameters. */
  objects(path: string, params?: TemplateValues): MakeObject;
  readonly defaultPodTemplatePath: string | undefined;
  /** What every new node declares: a workload's `numNodeDeclaredFeatures`, which upstream's test adds in code. */
  readonly declaredFeatures: readonly string[];
  /** Makes the namespace unless it is there. */
  ensureNamespace(name: string, labels?: Readonly<Record<string, string>>): Promise<void>;
  /** Starts a named measurement of the pods of these namespaces. */
  startMeasuring(measured: Measured): Promise<void>;
  /** Ends the running measurement. */
  stopMeasuring(): Promise<void>;
  /** Work that goes on beside the operations; aborted and awaited at the end of the workload. */
  inBackground(work: (signal: AbortSignal) => Promise<void>): void;
  /** Called with the nodes that an operation made; runs kubelets on them when the bench was asked to. */
  nodesCreated(nodes: readonly CreatedNode[]): Promise<void>;
  /** A create that feeds the running measurement. */
  createPod(pod: KubernetesObject): Promise<KubernetesObject>;
  /** For people, and for the report: what could not be done as the file says. */
  note(text: string): void;
}

export interface CreatedNode {
  readonly name: string;
  readonly capacity: Readonly<Record<string, string>>;
}

export interface Measured {
  /** Told apart in the data items when a workload measures more than once. */
  readonly name: string;
  readonly namespaces: readonly string[];
  readonly labelSelector?: Readonly<Record<string, string>> | undefined;
  /** Upstream's names of what to collect; all that it collects by default when there are none. */
  readonly collectors?: readonly string[] | undefined;
}

export interface Operation<Schema extends z.ZodType = z.ZodType> {
  readonly opcode: string;
  readonly schema: Schema;
  /** `index` is the operation's place in the workload, which default namespaces are named by. */
  run(operation: z.infer<Schema>, run: Run, index: number): Promise<void>;
}

/** Keeps the schema's type in `run`. */
export const defineOperation = <Schema extends z.ZodType>(operation: Operation<Schema>): Operation =>
  operation as unknown as Operation;
