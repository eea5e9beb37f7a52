/**
 * Requests of one turn as one message: a scheduler that decides sixty pods in a turn sends sixty bindings, and each message of its own
 * costs both sides an envelope, a deadline and a promise. Each request keeps its own answer, refusals included. Used by the bus
 * client for those who ask for it.
 */
import type { Bus } from '../runtime/index.ts';
import { type ApiRequest, type ApiResponse, apiChannels } from './protocol.ts';

/** More than so many requests of one turn become several messages, so that the first of them are answered sooner. */
const batchMax = 64;

interface Waiting {
  readonly request: ApiRequest;
  readonly resolve: (response: ApiResponse) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends requests together with those that are made before the running code gives way. Resolves with the answer, refused or not;
 * rejects with a BusError when the whole message found nobody, or was not answered in time.
 */
export function requestBatches(
  bus: Bus,
  address: string,
  deadlineMs: number | undefined,
): (request: ApiRequest) => Promise<ApiResponse> {
  const options = deadlineMs === undefined ? {} : { deadlineMs };
  let waiting: Waiting[] = [];
  const send = async (batch: readonly Waiting[]) => {
    const [first] = batch;
    try {
      if (batch.length === 1 && first !== undefined) {
        first.resolve(await bus.call(address, apiChannels.request, first.request, options));
        return;
      }
      const requests = batch.map(({ request }) => request);
      const responses = await bus.call(address, apiChannels.batch, requests, options);
      for (const [at, { resolve }] of batch.entries()) resolve(responses[at]!);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };
  const flush = () => {
    const batch = waiting;
    waiting = [];
    if (batch.length > 0) void send(batch);
  };
  return (request) =>
    new Promise((resolve, reject) => {
      const count = waiting.push({ request, resolve, reject });
      if (count === batchMax) flush();
      else if (count === 1) queueMicrotask(flush);
    });
}
