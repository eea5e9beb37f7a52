/**
 * What the main thread and the host of a worker thread tell each other, over a port of their own. These messages are few:
 * they start and stop actors, make links and answer questions; no message between actors is among them.
 */
import type { MessagePort } from 'node:worker_threads';
import type { CellSpec } from './cell.ts';
import type { LogLevel, LogRecord } from './log.ts';
import type { TapRecord } from './tap.ts';

/** What a worker thread is given to become a host. */
export interface HostTask {
  readonly control: MessagePort;
  readonly id: string;
  readonly dedicated: boolean;
  readonly firstNumber: number;
  readonly seed: number;
  readonly logLevel: LogLevel | 'silent';
  readonly callsMax: number;
}

/** An actor to start in a worker thread, which imports the definition by its module and name. */
export interface RemoteOrder extends CellSpec {
  readonly module: string;
  readonly name: string;
  readonly options: unknown;
}

export type ToHost =
  | { readonly type: 'start'; readonly request: number; readonly order: RemoteOrder }
  | { readonly type: 'stop'; readonly request: number; readonly number: number }
  | { readonly type: 'end'; readonly number: number; readonly reason: string }
  | { readonly type: 'link'; readonly host: string; readonly port: MessagePort }
  | { readonly type: 'unlink'; readonly host: string; readonly reason: string }
  /** The answer to `resolve`; `host` was linked before. Number 0: nobody is there. */
  | { readonly type: 'resolved'; readonly request: number; readonly number: number; readonly host: string }
  | { readonly type: 'ping' | 'census' | 'report'; readonly request: number }
  | { readonly type: 'watch'; readonly on: boolean }
  | { readonly type: 'close'; readonly request: number };

export type FromHost =
  | { readonly type: 'ready'; readonly threadId: number; readonly processorTimePath: string | undefined }
  | { readonly type: 'answer'; readonly request: number; readonly value?: unknown; readonly error?: PlainError }
  | { readonly type: 'resolve'; readonly request: number; readonly address: string }
  | { readonly type: 'crashed'; readonly number: number; readonly error: PlainError }
  /** An error that no actor can be named for: the thread is to be ended. */
  | { readonly type: 'failed'; readonly error: PlainError }
  | { readonly type: 'log'; readonly record: LogRecord }
  | { readonly type: 'taps'; readonly records: readonly TapRecord[] };

/** An error as plain data: structured clone would drop what it does not know, or fail. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
}

export function toPlainError(error: unknown): PlainError {
  if (error instanceof Error) return { name: error.name, message: error.message, stack: error.stack };
  return { name: 'Error', message: String(error), stack: undefined };
}

export function fromPlainError(plain: PlainError): Error {
  const error = new Error(plain.message);
  error.name = plain.name;
  if (plain.stack !== undefined) error.stack = plain.stack;
  return error;
}
