/**
 * Calls webhooks: one POST of JSON over TLS, with connections that are kept, and with bounds on time, size and connections.
 * Used for admission and for conversion. What goes wrong is told in the words of upstream's HTTP client.
 */
import { Agent, request as httpsRequest } from 'node:https';
import { syntaxError } from '../../../src/api/index.ts';
import type { Clock } from '../../../src/runtime/index.ts';
import { networkText, statusText } from './call-errors.ts';

/** Where a webhook listens. */
export interface WebhookTarget {
  /** For people and for the request line: `https://name.namespace.svc:443/path`. */
  readonly url: URL;
  /** Where to connect. */
  readonly host: string;
  readonly port: number;
  /** The name that its certificate has to be for. */
  readonly serverName: string;
  /** Who signed that certificate; the system's authorities when it is left out. */
  readonly caPem: string | undefined;
}

export interface WebhookClient {
  /** The decoded answer. Rejects with a {@link WebhookCallError}. */
  post(target: WebhookTarget, body: unknown, timeoutMs: number): Promise<Record<string, unknown>>;
  /** Ends the connections that are kept. */
  close(): void;
}

/** The webhook was not reached, or did not answer with what it should. */
export class WebhookCallError extends Error {
  override readonly name = 'WebhookCallError';
  /** The code of its answer; 503 where there was none, or none that could be read. */
  readonly code: number;
  constructor(message: string, code = 503) {
    super(message);
    this.code = code;
  }
}

const CONNECTIONS_MAX = 256;
const CONNECTIONS_PER_HOST_MAX = 64;
const IDLE_CONNECTIONS_MAX = 8;
/** An answer holds at most a patch or converted objects, each within what a request may bring. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

export function createWebhookClient(clock: Clock): WebhookClient {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: CONNECTIONS_PER_HOST_MAX,
    maxTotalSockets: CONNECTIONS_MAX,
    maxFreeSockets: IDLE_CONNECTIONS_MAX,
    scheduling: 'lifo',
  });

  function exchange(target: WebhookTarget, body: string, timeoutMs: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { url, host, port, serverName, caPem } = target;
      const sent = httpsRequest({
        method: 'POST',
        host,
        port,
        path: `${url.pathname}${url.search}`,
        agent,
        servername: isAddress(serverName) ? '' : serverName,
        ...(caPem === undefined ? {} : { ca: caPem }),
        headers: {
          host: url.host,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          accept: 'application/json, */*',
          'user-agent': 'kube-apiserver-admission',
        },
      });
      const timer = clock.after(timeoutMs, () => sent.destroy(new WebhookCallError('context deadline exceeded')), {
        background: true,
      });
      const fail = (error: Error) => {
        timer.cancel();
        reject(Object.assign(error, { wasReused: sent.reusedSocket }));
      };
      sent.on('error', fail);
      sent.on('response', (response) => {
        const parts: Buffer[] = [];
        let size = 0;
        response.on('data', (part: Buffer) => {
          size += part.length;
          if (size <= ANSWER_BYTES_MAX) parts.push(part);
          else sent.destroy(new WebhookCallError(`the answer is larger than ${ANSWER_BYTES_MAX} bytes`));
        });
        response.on('error', fail);
        response.on('aborted', () => fail(new WebhookCallError('unexpected EOF')));
        response.on('end', () => {
          timer.cancel();
          resolve({
            code: response.statusCode ?? 0,
            contentType: response.headers['content-type'] ?? '',
            bytes: Buffer.concat(parts),
          });
        });
      });
      sent.end(body);
    });
  }

  async function attempt(target: WebhookTarget, body: string, timeoutMs: number): Promise<Answer> {
    try {
      return await exchange(target, body, timeoutMs);
    } catch (error) {
      // The other side may have closed a kept connection just when it was used again.
      const { code, wasReused } = error as NodeJS.ErrnoException & { wasReused?: boolean };
      if (wasReused !== true || code !== 'ECONNRESET') throw error;
      return exchange(target, body, timeoutMs);
    }
  }

  return {
    async post(target, body, timeoutMs) {
      let answer: Answer;
      try {
        answer = await attempt(target, JSON.stringify(body), timeoutMs);
      } catch (error) {
        throw new WebhookCallError(`Post ${JSON.stringify(target.url.href)}: ${networkText(error as Error, target)}`);
      }
      return decoded(answer);
    },
    close: () => agent.destroy(),
  };
}

interface Answer {
  readonly code: number;
  readonly contentType: string;
  readonly bytes: Buffer;
}

function isAddress(name: string): boolean {
  return /^[\d.]+$/.test(name) || name.includes(':');
}

function decoded({ code, contentType, bytes }: Answer): Record<string, unknown> {
  const text = bytes.toString('utf8');
  if (code < 200 || code > 206) throw new WebhookCallError(statusText(code, text), code);
  if (text === '') {
    throw new WebhookCallError(`0-length response with status code: ${code} and content type: ${contentType}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new WebhookCallError(`couldn't get version/kind; json parse error: ${syntaxError(text)}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  const type = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
  throw new WebhookCallError(
    `couldn't get version/kind; json parse error: json: cannot unmarshal ${type} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
  );
}
