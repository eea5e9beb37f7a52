/** What a {@link Scheduler} is made of, and what it tells of each attempt. */
import type { Client, EventRecorder, Informers } from '../client/index.ts';
import type { ActorContext } from '../runtime/index.ts';
import type { SchedulerConfiguration } from './configuration.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { Explanations } from './explanations.ts';
import type { PluginDefinition } from './plugin.ts';
import type { PodInfo } from './pod-info.ts';

/** What one attempt came to, for whoever explains decisions. */
export interface Attempt {
  readonly pod: PodInfo;
  readonly profile: string;
  /** The node decided on; undefined when none. */
  readonly nodeName: string | undefined;
  readonly diagnosis: Diagnosis | undefined;
  readonly message: string | undefined;
  readonly feasible: number;
  readonly evaluated: number;
}

export interface SchedulerDependencies {
  readonly context: Pick<ActorContext, 'clock' | 'random' | 'log' | 'metrics' | 'activity'>;
  readonly configuration: SchedulerConfiguration;
  /** Plugins that profiles may name. */
  readonly plugins: readonly PluginDefinition[];
  /** Without them, decisions are made and no binding is sent: the DefaultBinder then has nobody to talk to. */
  readonly client?: Client;
  readonly informers?: Informers;
  /** Whose events tell of the pods of a profile. */
  readonly recorderOf?: (profile: string) => EventRecorder;
  /** Bindings under way at a time; deciding pauses there. Default 1024. */
  readonly bindingsMax?: number;
  /** Called once an attempt; the place for explanations. */
  readonly onAttempt?: (attempt: Attempt) => void;
  /** Where explanations go while they are recorded. */
  readonly explanations?: Explanations;
  /** Runs one-node hooks only; see {@link Profile}. */
  readonly plain?: boolean;
}
