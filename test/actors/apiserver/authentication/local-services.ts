/** Services that answer on loopback, for tests of what the API server asks of others; and HTTPS with a client certificate. */
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createSecureServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface LocalService {
  readonly url: string;
  readonly requests: unknown[];
  stop(): Promise<void>;
}

/** Answers each request with what `answer` makes of its JSON body, or undefined, and path. */
export async function localService(
  answer: (body: never, path: string) => unknown,
  tls?: { readonly certificate: string; readonly key: string },
): Promise<LocalService> {
  const requests: unknown[] = [];
  const listener: RequestListener = (incoming, response) => {
    void bodyOf(incoming).then((text) => {
      const body = text === '' ? undefined : JSON.parse(text);
      requests.push(body);
      const made = answer(body as never, incoming.url ?? '');
      if (typeof made === 'number') response.statusCode = made;
      response.end(typeof made === 'string' ? made : JSON.stringify(made ?? {}));
    });
  };
  const server =
    tls === undefined ? createServer(listener) : createSecureServer({ cert: tls.certificate, key: tls.key }, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

export interface SecureRequest {
  readonly url: string;
  readonly ca: string;
  readonly client?: { readonly certificate: string; readonly key: string } | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly body?: unknown;
}

export function secureRequest(asked: SecureRequest): Promise<{ status: number; text: string }> {
  const { url, ca, client, headers = {}, method = 'GET', body } = asked;
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method,
        ca,
        agent: false,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
      },
    );
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
