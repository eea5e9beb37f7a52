/** A scheduler extender as its author would run it: a real server, over HTTP or HTTPS, that answers as the test says. */
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

// biome-ignore lint/suspicious/noExplicitAny: extenders are sent objects of every shape.
export type Json = any;

export interface TestExtender {
  readonly urlPrefix: string;
  /** What it was asked, in order. */
  readonly asked: { readonly path: string; readonly body: Json }[];
  stop(): void;
}

/** What it says: an object is sent as JSON, text as it is, a number is a status code; undefined: nothing, ever. */
export type Respond = (path: string, body: Json) => unknown;

export async function startExtender(respond: Respond, tls?: ServerOptions): Promise<TestExtender> {
  const asked: { path: string; body: Json }[] = [];
  const server = (tls ? createHttps(tls) : createHttp()).on('request', (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const path = (request.url ?? '').replace('/extender/', '');
      const body = JSON.parse(Buffer.concat(parts).toString());
      asked.push({ path, body });
      const answer = respond(path, body);
      if (answer === undefined) return;
      if (typeof answer === 'number') response.writeHead(answer).end('went wrong');
      else response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    urlPrefix: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/extender/`,
    asked,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
