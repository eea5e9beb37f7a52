// Sends what fuzz tests make up, and tells answers that a server may give from those it may not: none of 500 and above, but for the
// few that upstream itself gives in the same words.
import { Agent, request } from 'node:http';
import { expect } from 'vitest';
import type { TestServer } from '../fixtures.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string | Buffer | undefined;
}

export interface Sender {
  /** The status and the begin of the answer. A stream that goes on is cut off once it has begun. */
  send(asked: Asked): Promise<{ status: number; text: string }>;
  /** Fails the test unless the answer is one that upstream would give. */
  isFine(asked: Asked): Promise<void>;
  close(): void;
}

/**
 * Faults of a client that upstream answers with 500, since its libraries' errors carry no reason: the recorded corpus has most of
 * them. Each is a text of its own; an InternalError is among them only where upstream makes one.
 * @see k8s.io/apimachinery/pkg/util/strategicpatch, sigs.k8s.io/structured-merge-diff, apiserver/pkg/endpoints/handlers/patch.go
 */
const upstreams: readonly RegExp[] = [
  /^failed to (create typed patch object|convert new object) \(/,
  /^failed to create manager for existing fields: /,
  /^(unknown patch type: .* in map: |list element types are not identical: |map: .* does not contain declared merge key: )/s,
  /^(The order in patch list:\n|cannot merge lists without merge key for Type |merging lists cannot yet be specified in the patch$)/,
  /^(expected a \S+( \S+)?, but received a |unable to find api field in struct |value for key \d+ is not a map\.)/,
  /^(resourceVersion: Invalid value: ".*": )?strconv\.ParseUint: parsing /s,
  /^Internal error occurred: the spec replicas field ".*" does not exist$/,
  /^This pod has more than one PodDisruptionBudget, which the eviction subresource does not support\.$/,
];

/** How many times as many cases as in an ordinary run are tried: KUBEHIVE_PROPERTY_SEED=random KUBEHIVE_PROPERTY_FACTOR=20 explores. */
export const runsFactor = Number(process.env['KUBEHIVE_PROPERTY_FACTOR'] ?? 1);

/** What runs nowhere cannot be reached: a proxy says so. */
const unreachable = /^(error trying to reach|no endpoints|no service port|error dialing backend|Get "https:)/;
const tooNew = /^Too large resource version: /;

function tolerated(status: number, text: string): boolean {
  let message: string | undefined;
  try {
    message = String((JSON.parse(text) as { message?: string }).message);
  } catch {
    // YAML or protobuf: the message is somewhere in it.
  }
  const says = (known: RegExp): boolean =>
    message === undefined
      ? new RegExp(known.source.replace(/^\^|\$$/g, ''), 's').test(text.replaceAll(/\\?"/g, '"'))
      : known.test(message);
  if (status === 504) return says(tooNew);
  if (status === 503 || status === 502) return says(unreachable);
  return status === 500 && (upstreams.some(says) || says(unreachable));
}

export function createSender(server: TestServer): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { hostname, port } = new URL(server.url);

  const send: Sender['send'] = ({ method, path, headers, body }) =>
    new Promise((resolve, reject) => {
      const sent = request({ agent, hostname, port, method, path, headers }, (response) => {
        const chunks: Buffer[] = [];
        const status = response.statusCode ?? 0;
        const answer = () => ({ status, text: Buffer.concat(chunks).toString() });
        const cut = setTimeout(() => {
          resolve(answer());
          sent.destroy();
        }, 150);
        response.on('data', (chunk: Buffer) => {
          if (chunks.length < 4 || status >= 500) chunks.push(chunk);
        });
        response.on('end', () => {
          clearTimeout(cut);
          resolve(answer());
        });
        response.on('error', () => resolve(answer()));
      });
      sent.setTimeout(60_000, () => sent.destroy(new Error(`no answer to ${method} ${path}`)));
      sent.on('error', reject);
      sent.end(body);
    });

  return {
    send,
    async isFine(asked) {
      const { status, text } = await send(asked);
      if (status < 500 || tolerated(status, text)) return;
      const { method, path, headers, body } = asked;
      const shown = typeof body === 'string' ? body : `${body?.toString('base64')} (base64)`;
      expect.fail(
        `${method} ${path} ${JSON.stringify(headers)} ${shown.slice(0, 2000)}\n${status} ${text.slice(0, 2000)}`,
      );
    },
    close: () => agent.destroy(),
  };
}
