/** The public face of the actor runtime: `import { ActorSystem, callChannel, defineActor } from 'kubehive/runtime'`. */
export { type ThreadBudget, threadBudget } from './budget.ts';
export { callChannel, defineActor, streamChannel } from './channels.ts';
export { RealClock, VirtualClock } from './clock.ts';
export { pack, unpack } from './codec.ts';
export { BusError, type BusErrorCode, describeError, isBusError } from './errors.ts';
export type { ActorInspection } from './inspection.ts';
export { consoleSink, type LogLevel, type LogRecord, type LogSink, memorySink } from './log.ts';
export { ActorMetrics, type MetricSeries, type MetricsSnapshot, mergeSnapshots, prometheusText } from './metrics.ts';
export { seededRandom } from './random.ts';
export type { ActorState, Health, SystemEvent } from './supervisor.ts';
export { ActorSystem, type ActorSystemOptions, type Connection } from './system.ts';
export type { Interceptor, TapObserver, TapRecord, Verdict } from './tap.ts';
export * from './types.ts';
