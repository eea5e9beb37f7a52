/**
 * Requests to services that are configured by a kubeconfig file: webhooks of authentication, authorization and audit, and the
 * keys of token issuers. Answers are bounded in size and time; a service that is away is asked again a few times.
 */
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '../../../src/runtime/index.ts';

/** Where a service is and how to get in: plain data, read from a kubeconfig file. */
export interface Endpoint {
  readonly url: string;
  readonly caPem?: string;
  /** Client certificate. */
  readonly certPem?: string;
  readonly keyPem?: string;
  readonly token?: string;
  readonly username?: string;
  readonly password?: string;
  readonly insecure?: boolean;
  readonly serverName?: string;
  /** How long an answer is waited for; default 30 s. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;
const ANSWER_BYTES_MAX = 3 * 1024 * 1024;
const ATTEMPTS_MAX = 4;
const BACKOFF_MS = 250;

/** Thrown for a service that does not answer, or not with JSON; `retriable` when another attempt may go well. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  readonly retriable: boolean;
  /** No answer came in time. */
  readonly isTimeout: boolean;
  constructor(message: string, retriable: boolean, isTimeout = false) {
    super(message);
    this.retriable = retriable;
    this.isTimeout = isTimeout;
  }
}

/** Sends a JSON body and parses the JSON answer. @throws RemoteError */
export function postJson(endpoint: Endpoint, body: unknown, clock: Clock, attempts = ATTEMPTS_MAX): Promise<unknown> {
  const text = JSON.stringify(body);
  return retried(clock, attempts, () =>
    exchange(endpoint, 'POST', text, clock).then((answer) => parsed(endpoint, answer)),
  );
}

/** Sends a body that is JSON already to somebody whose answer is of no interest but for its code. @throws RemoteError */
export function postText(
  endpoint: Endpoint,
  body: string,
  clock: Clock,
  attempts = ATTEMPTS_MAX,
  backoffMs = BACKOFF_MS,
): Promise<void> {
  return retried(clock, attempts, () => exchange(endpoint, 'POST', body, clock).then(() => undefined), backoffMs);
}

/** GETs a JSON document. @throws RemoteError */
export function getJson(endpoint: Endpoint, clock: Clock): Promise<unknown> {
  return retried(clock, 2, () =>
    exchange(endpoint, 'GET', undefined, clock).then((answer) => parsed(endpoint, answer)),
  );
}

function parsed(endpoint: Endpoint, answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    const { origin, pathname } = new URL(endpoint.url);
    throw new RemoteError(`${origin}${pathname} did not answer with JSON`, false);
  }
}

async function retried<Result>(
  clock: Clock,
  attempts: number,
  send: () => Promise<Result>,
  backoffMs = BACKOFF_MS,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof RemoteError) || !error.retriable || attempt >= attempts) throw error;
      await clock.sleep(backoffMs * 2 ** (attempt - 1), { background: true });
    }
  }
}

function exchange(endpoint: Endpoint, method: string, body: string | undefined, clock: Clock): Promise<string> {
  return new Promise((resolve, reject) => {
    let url: URL;
    try {
      url = new URL(endpoint.url);
    } catch {
      reject(new RemoteError(`${JSON.stringify(endpoint.url)} is not a URL`, false));
      return;
    }
    const secure = url.protocol === 'https:';
    const sent = (secure ? httpsRequest : httpRequest)(
      url,
      requestOptions(endpoint, method, body, secure),
      (response) => {
        const parts: Buffer[] = [];
        let size = 0;
        response.on('data', (part: Buffer) => {
          size += part.length;
          if (size > ANSWER_BYTES_MAX) giveUp(`the answer is larger than ${ANSWER_BYTES_MAX} bytes`);
          else parts.push(part);
        });
        // What was begun and cut off has neither an end nor an error.
        response.on('close', () => failed('the answer was cut off', true));
        response.on('end', () => {
          timer.cancel();
          const code = response.statusCode ?? 0;
          if (code < 200 || code > 299) {
            reject(new RemoteError(`${url.origin}${url.pathname} answered with ${code}`, code === 429 || code >= 500));
            return;
          }
          resolve(Buffer.concat(parts).toString());
        });
      },
    );
    const failed = (message: string, retriable: boolean, isTimeout = false) => {
      timer.cancel();
      reject(new RemoteError(`${url.origin}${url.pathname}: ${message}`, retriable, isTimeout));
    };
    /** Another attempt would take as long, or bring as much. */
    const giveUp = (message: string, isTimeout = false) => {
      failed(message, false, isTimeout);
      sent.destroy();
    };
    const timer = clock.after(endpoint.timeoutMs ?? TIMEOUT_MS, () => giveUp('no answer in time', true), {
      background: true,
    });
    sent.on('error', ({ message }) => failed(message, true));
    sent.end(body);
  });
}

function requestOptions(endpoint: Endpoint, method: string, body: string | undefined, secure: boolean): RequestOptions {
  const { caPem, certPem, keyPem, token, username, password, insecure, serverName } = endpoint;
  const basic = username === undefined ? undefined : Buffer.from(`${username}:${password ?? ''}`).toString('base64');
  const authorization = token !== undefined ? `Bearer ${token}` : basic === undefined ? undefined : `Basic ${basic}`;
  return {
    method,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      ...(authorization === undefined ? {} : { authorization }),
    },
    ...(secure
      ? {
          ...(caPem === undefined ? {} : { ca: caPem }),
          ...(certPem === undefined ? {} : { cert: certPem, key: keyPem }),
          ...(insecure === true ? { rejectUnauthorized: false } : {}),
          ...(serverName === undefined ? {} : { servername: serverName }),
        }
      : {}),
  };
}
