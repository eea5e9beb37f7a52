/**
 * Logs: actors write records, hosts filter them by level and hand them to the system's one sink in the main thread.
 * The sink for the terminal stands here too; it is the only place of the runtime that writes to standard error.
 */
import type { Log } from './types.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogRecord {
  /** Milliseconds since the epoch by the system's clock. */
  readonly time: number;
  readonly level: LogLevel;
  readonly address: string;
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
}

export type LogSink = (record: LogRecord) => void;

const rank: Readonly<Record<LogLevel | 'silent', number>> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 };

/** A log of one actor: records below `level` cost a comparison and nothing more. */
export function actorLog(address: string, level: LogLevel | 'silent', now: () => number, sink: LogSink): Log {
  const threshold = rank[level];
  const write = (at: LogLevel) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    if (rank[at] >= threshold) sink({ time: now(), level: at, address, message, fields });
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/** Writes records to standard error, as one line of text or of JSON each. */
export function consoleSink(format: 'text' | 'json' = 'text'): LogSink {
  return (record) => {
    process.stderr.write(`${format === 'json' ? jsonLine(record) : textLine(record)}\n`);
  };
}

/** Keeps the newest `recordsMax` records in memory, oldest first: for tests and for showing the last lines of an actor. */
export function memorySink(recordsMax = 10_000): LogSink & { readonly records: readonly LogRecord[] } {
  const records: LogRecord[] = [];
  return Object.assign(
    (record: LogRecord) => {
      if (records.length >= recordsMax) records.shift();
      records.push(record);
    },
    { records },
  );
}

function textLine(record: LogRecord): string {
  let line = `${new Date(record.time).toISOString()} ${record.level.toUpperCase().padEnd(5)} ${record.address}: ${record.message}`;
  for (const [key, value] of Object.entries(record.fields ?? {})) {
    line += ` ${key}=${typeof value === 'string' ? value : safeJson(value)}`;
  }
  return line;
}

function jsonLine(record: LogRecord): string {
  return safeJson({
    time: new Date(record.time).toISOString(),
    level: record.level,
    address: record.address,
    message: record.message,
    ...record.fields,
  });
}

function safeJson(value: unknown): string {
  try {
    return (
      JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? member.toString() : member)) ??
      String(value)
    );
  } catch {
    return '"[cyclic]"';
  }
}
