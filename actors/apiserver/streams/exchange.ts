/**
 * An answer that takes the HTTP exchange over: it streams in both directions, or upgrades the connection. Only the HTTP door has
 * exchanges; through the bus such requests are refused.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Request, Response } from '../http/reply.ts';

/** A connection whose client asked to speak another protocol on it. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What the client sent already after its request. */
  readonly head: Buffer;
  /** Takes the socket away from HTTP; no response can be sent after it. */
  take(): Duplex;
}

export interface Exchange {
  readonly request: Request;
  readonly response: Response;
  /** Headers that every answer carries, such as the audit ID. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** Undefined when the client did not ask for an upgrade. */
  readonly upgrade: Upgrade | undefined;
}

/** What the client wants to speak: `websocket`, or `spdy/3.1`; undefined when it asks for neither. */
export function upgradeOf(request: Request): 'websocket' | 'spdy' | undefined {
  const connection = String(request.headers['connection'] ?? '').toLowerCase();
  if (!connection.split(/\s*,\s*/).includes('upgrade')) return undefined;
  const wanted = String(request.headers['upgrade'] ?? '').toLowerCase();
  if (wanted === 'websocket') return 'websocket';
  return wanted === 'spdy/3.1' ? 'spdy' : undefined;
}

/** The first of the client's protocols that the server speaks; undefined when there is none. */
export function chooseProtocol(
  offered: string | readonly string[] | undefined,
  spoken: readonly string[],
): string | undefined {
  return protocolsOf(offered).find((protocol) => spoken.includes(protocol));
}

export function protocolsOf(header: string | readonly string[] | undefined): string[] {
  return [header ?? '']
    .flat()
    .join(',')
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '');
}
