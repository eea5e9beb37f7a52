/**
 * The part of the public face that actors themselves need. Their threads load it in place of the whole: the supervisor, the
 * thread pools and piscina are the main thread's alone, and would cost every other thread a sixth of its start.
 */
export { callChannel, defineActor, streamChannel } from './channels.ts';
export { RealClock, VirtualClock } from './clock.ts';
export { type Earlier, pack, packBetween, unpack } from './codec.ts';
export { BusError, type BusErrorCode, describeError, isBusError } from './errors.ts';
export { consoleSink, type LogLevel, type LogRecord, type LogSink, memorySink } from './log.ts';
export { ActorMetrics, type MetricSeries, type MetricsSnapshot, mergeSnapshots, prometheusText } from './metrics.ts';
export { seededRandom } from './random.ts';
export { SharingDecoder, type WantedMembers } from './sharing-decoder.ts';
export * from './types.ts';
