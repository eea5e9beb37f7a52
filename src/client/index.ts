/**
 * The public face of the client: the typed client over bus and HTTP, informers, the work queue, event recorders, leader
 * election, and the messages that the API server and the bus client exchange.
 */
export { type BusClientOptions, createBusClient } from './bus.ts';
export {
  createEventRecorder,
  createSeriesRecorder,
  type EventExtras,
  type EventRecorder,
  type EventRecorderOptions,
  referenceTo,
} from './event-recorder.ts';
export { EventSink, type EventSinkOptions } from './event-sink.ts';
export { createHttpClient, type HttpClient, type HttpClientOptions } from './http.ts';
export { createInformers, type InformersOptions, sharedInformers } from './informers.ts';
export { createLeaderElector, type LeaderElectionOptions, type LeaderElector } from './leader-election.ts';
export { ObjectCache } from './object-cache.ts';
export { createParts, type PartsOptions } from './parts.ts';
export * from './protocol.ts';
export { keyOf } from './requests.ts';
export * from './resources.ts';
export { retryOnConflict } from './retry.ts';
export { TokenBucket } from './token-bucket.ts';
export type * from './types.ts';
export { WorkQueue, type WorkQueueOptions } from './work-queue.ts';
