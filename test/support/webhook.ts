/** A webhook as its author would run it: an HTTPS server with a certificate of its own, answering AdmissionReviews as the test says. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { createAuthority } from '../../src/cluster/pki.ts';

// biome-ignore lint/suspicious/noExplicitAny: reviews hold objects of every shape.
export type Json = any;

export interface TestWebhook {
  readonly port: number;
  readonly url: string;
  /** Base64 of PEM, as configurations want it. */
  readonly caBundle: string;
  /** What it was sent, in order. */
  readonly reviews: Json[];
  /** Paths with their queries, in order. */
  readonly paths: string[];
  /** How it answers from now on: a value is sent as JSON, a Buffer or text as it is; undefined: never. */
  answer(respond: (review: Json, path: string) => unknown): void;
  stop(): Promise<void>;
}

/** An address of this machine that an EndpointSlice may hold: none on loopback. Undefined on a machine without a network. */
export const ownAddress = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.family === 'IPv4' && !each.internal)?.address;

/** It listens at `host`, or on loopback. */
export async function startWebhook(
  names: readonly string[] = ['127.0.0.1', 'localhost'],
  host = '127.0.0.1',
): Promise<TestWebhook> {
  const authority = await createAuthority(Date.now());
  const { certificate, key } = await authority.issue({ commonName: 'webhook', usage: 'server', hosts: names });
  let respond: (review: Json, path: string) => unknown = (review) => allow(review);
  const reviews: Json[] = [];
  const paths: string[] = [];
  const server: Server = createServer({ cert: certificate, key }, (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(parts).toString());
      reviews.push(review);
      paths.push(request.url ?? '');
      const answer = respond(review, request.url ?? '');
      if (answer === undefined) return;
      if (typeof answer === 'object' && answer !== null && 'httpStatus' in answer) {
        response.writeHead((answer as Json).httpStatus).end((answer as Json).body ?? '');
        return;
      }
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(typeof answer === 'string' || Buffer.isBuffer(answer) ? answer : JSON.stringify(answer));
    });
  });
  await new Promise<void>((done) => server.listen(0, host, done));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `https://${host}:${port}/review`,
    caBundle: Buffer.from(authority.certificate).toString('base64'),
    reviews,
    paths,
    answer(next) {
      respond = next;
    },
    stop() {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

/** Lets everything pass. */
export function allow(review: Json, more: Record<string, unknown> = {}): Json {
  const { apiVersion, kind, request } = review;
  return { apiVersion, kind, response: { uid: request.uid, allowed: true, ...more } };
}

/** Lets it pass with a change. */
export function patch(review: Json, operations: readonly object[]): Json {
  const text = Buffer.from(JSON.stringify(operations)).toString('base64');
  return allow(review, { patchType: 'JSONPatch', patch: text });
}

export function deny(review: Json, status?: object): Json {
  return allow(review, { allowed: false, ...(status === undefined ? {} : { status }) });
}
