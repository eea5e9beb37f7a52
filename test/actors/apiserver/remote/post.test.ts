import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BearerToken } from '../../../../actors/apiserver/authentication/bearer-token.ts';
import { createTokenWebhook } from '../../../../actors/apiserver/authentication/webhook.ts';
import { createAuthorizationMetrics } from '../../../../actors/apiserver/authorization/authorization-metrics.ts';
import { createWebhookAuthorizer } from '../../../../actors/apiserver/authorization/webhook.ts';
import { postJson } from '../../../../actors/apiserver/remote/post.ts';
import { ActorMetrics, RealClock, VirtualClock } from '../../../../src/runtime/index.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** A service that does as it is told, and how often it was asked. */
async function service(listener: RequestListener) {
  const seen = { requests: 0 };
  const server = createServer((request, response) => {
    seen.requests++;
    request.resume();
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

/** Both that ask services elsewhere: what they make of one. */
function askersOf(url: string, clock: VirtualClock | RealClock) {
  const tokens = createTokenWebhook({ endpoint: { url }, version: 'v1', cacheTtlMs: 60_000 }, clock, ['me']);
  const authorizer = (failurePolicy: 'NoOpinion' | 'Deny') =>
    createWebhookAuthorizer(
      { endpoint: { url }, authorizedTtlMs: 60_000, unauthorizedTtlMs: 60_000, failurePolicy, matchConditions: [] },
      clock,
      createAuthorizationMetrics(new ActorMetrics()).webhook('default'),
    );
  const request = {
    user: { user: 'jane', groups: [] },
    verb: 'get',
    group: '',
    version: 'v1',
    resource: 'pods',
    subresource: '',
    namespace: 'default',
    name: 'a',
  };
  return {
    attempt: async () => tokens.authenticate(new BearerToken('a token'), undefined),
    decide: async (policy: 'NoOpinion' | 'Deny' = 'NoOpinion') => authorizer(policy).decide(request),
  };
}

describe('a service that is asked who somebody is or what they may', () => {
  it('and never answers is given thirty seconds, once', async () => {
    const clock = new VirtualClock(0);
    const { url, seen } = await service(() => undefined);
    const { attempt, decide } = askersOf(url, clock);
    const answers = Promise.all([attempt(), decide(), decide('Deny')]);
    await vi.waitFor(() => expect(seen.requests).toBe(3), 60_000);
    await clock.advance(30_000);
    const [user, decision, denial] = await answers;
    expect(user).toEqual({ error: expect.stringContaining('no answer in time') });
    expect(decision).toEqual({ allowed: false, reason: expect.stringContaining('no answer in time') });
    expect(denial).toEqual({ allowed: false, denied: true, reason: expect.stringContaining('no answer in time') });
    expect(seen.requests).toBe(3);
  });

  it('and answers with ten megabytes is hung up on, once', async () => {
    const { url, seen } = await service((_request, response) => {
      response.on('error', () => undefined);
      response.end(Buffer.alloc(10 * 1024 * 1024, 32));
    });
    const { attempt, decide } = askersOf(url, new RealClock());
    const tooLarge = expect.stringContaining('the answer is larger than 3145728 bytes');
    expect(await attempt()).toEqual({ error: tooLarge });
    expect(await decide()).toEqual({ allowed: false, reason: tooLarge });
    expect(seen.requests).toBe(2);
  });

  it('and hangs up in the middle of its answer is asked again, and given up in the end', async () => {
    const { url, seen } = await service((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"status":{"authenticated":true,"allowed":true', () => response.destroy());
    });
    await expect(postJson({ url }, {}, new RealClock(), 2)).rejects.toThrow('the answer was cut off');
    expect(seen.requests).toBe(2);
  });

  it.each([
    'garbage',
    '',
    'null',
    '[]',
    '7',
    '"yes"',
    '{"status":null}',
    '{"status":"yes"}',
    '{"status":{"authenticated":"true","allowed":"true"}}',
    '{"status":{"authenticated":1,"allowed":1}}',
    '{"__proto__":{"status":{"authenticated":true,"allowed":true}}}',
    '{"status":{"authenticated":true,"allowed":false,"user":{"username":7}}}',
    '{"status":{"authenticated":true,"allowed":false,"user":{"username":"eve","groups":"system:masters"}}}',
    '{"status":{"authenticated":true,"allowed":false,"user":{"username":"eve","groups":[["system:masters"]]}}}',
    '{"status":{"authenticated":true,"allowed":false,"user":{"username":"eve","extra":{"a":"b"}}}}',
    '{"status":{"authenticated":true,"allowed":false,"user":"eve"}}',
  ])('and answers %s lets nobody in and allows nothing', async (text) => {
    const { url } = await service((_request, response) => response.end(text));
    const { attempt, decide } = askersOf(url, new RealClock());
    const user = await attempt();
    expect(user === undefined || 'error' in user, JSON.stringify(user)).toBe(true);
    expect((await decide()).allowed).toBe(false);
  });
});
