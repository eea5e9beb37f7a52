/** How a kubelet's refusal of a session, or its absence, is told to a client that has not been upgraded. */
import type { ServerResponse } from 'node:http';
import type { NodeRefusal } from '../../../src/node/protocol.ts';
import { isBusError } from '../../../src/runtime/index.ts';
import { plainError } from '../failures.ts';
import type { Server } from '../server.ts';
import type { Exchange } from './exchange.ts';

/** Sends the kubelet's own plain words. @throws StatusError when there is no kubelet to speak */
export function sessionFailure(server: Server, exchange: Exchange, node: string, error: unknown): void {
  const refusal = isBusError(error) ? (error.details as NodeRefusal | undefined) : undefined;
  if (refusal === undefined) throw plainError(`error dialing backend: ${server.nodes.unreachable(node)}`);
  sendText(exchange, refusal.code, (error as Error).message);
}

export function sendText({ response, headers }: Exchange, code: number, text: string): void {
  const body = Buffer.from(text);
  (response as ServerResponse).writeHead(code, {
    ...headers,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(body.length),
  });
  (response as ServerResponse).end(body);
}
