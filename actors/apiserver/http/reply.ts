/** One HTTP answer: headers, compression, and the body at once. Never throws once the headers are out. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { gzip } from 'node:zlib';
import type { Upgrade } from '../streams/exchange.ts';
import { warningHeaders } from './warnings.ts';

export type Request = IncomingMessage | Http2ServerRequest;
export type Response = ServerResponse | Http2ServerResponse;

/** Answers smaller than this are not worth compressing, as upstream. */
const GZIP_BYTES_MIN = 128 * 1024;

/** Clients choose the id; longer ones are told of in the audit log alone. */
const AUDIT_ID_MAX = 64;

export interface Reply {
  readonly request: Request;
  readonly response: Response;
  readonly auditId: string;
  warnings: readonly string[];
  /** Where priority and fairness put the request. */
  seat?: { readonly schemaUid: string; readonly levelUid: string } | undefined;
  /** The connection, when the client asked to speak another protocol on it. */
  readonly upgrade?: Upgrade | undefined;
}

/** Sends a whole body. */
export function send(
  reply: Reply,
  code: number,
  contentType: string,
  body: Buffer | string,
  more: Record<string, string> = {},
): void {
  const headers = headersOf(reply, contentType, more);
  if (body.length < GZIP_BYTES_MIN || !acceptsGzip(reply.request)) {
    finish(reply, code, headers, body);
    return;
  }
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  gzip(bytes, { level: 1 }, (error, compressed) => {
    if (error !== null) return finish(reply, code, headers, bytes);
    finish(reply, code, { ...headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' }, compressed);
  });
}

/** Sends a body that is compressed already, to a client that {@link acceptsGzip}. */
export function sendCompressed(reply: Reply, contentType: string, gzipped: Buffer, more: Record<string, string>): void {
  const headers = headersOf(reply, contentType, {
    ...more,
    'content-encoding': 'gzip',
    vary: 'Accept, Accept-Encoding',
  });
  finish(reply, 200, headers, gzipped);
}

export function headersOf(
  reply: Reply,
  contentType: string,
  more: Record<string, string> = {},
): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {
    'audit-id': reply.auditId.length > AUDIT_ID_MAX ? reply.auditId.slice(0, AUDIT_ID_MAX) : reply.auditId,
    'cache-control': 'no-cache, private',
    ...(contentType === '' ? {} : { 'content-type': contentType }),
    ...more,
  };
  if (reply.seat !== undefined) {
    headers['x-kubernetes-pf-flowschema-uid'] = reply.seat.schemaUid;
    headers['x-kubernetes-pf-prioritylevel-uid'] = reply.seat.levelUid;
  }
  if (reply.warnings.length > 0) {
    const warnings = warningHeaders(reply.warnings);
    if (warnings.length > 0) headers['warning'] = warnings;
  }
  return headers;
}

/** Text leaves in one piece with the headers, bytes behind them. */
function finish(reply: Reply, code: number, headers: Record<string, string | string[]>, body: Buffer | string): void {
  const { response } = reply;
  if (response.destroyed || response.headersSent) return;
  headers['content-length'] = String(typeof body === 'string' ? Buffer.byteLength(body) : body.length);
  (response as ServerResponse).writeHead(code, headers);
  if (reply.request.method === 'HEAD') response.end();
  else (response as ServerResponse).end(body);
}

export function acceptsGzip(request: Request): boolean {
  return String(request.headers['accept-encoding'] ?? '').includes('gzip');
}
