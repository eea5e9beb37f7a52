/** What is counted of authorizers and of the webhooks among them. */
import { afterEach, expect, it } from 'vitest';
import type { WebhookAuthorizerOption } from '../../../../actors/apiserver/authorization/index.ts';
import { scrape } from '../../../support/metrics.ts';
import { type LocalService, localService } from '../authentication/local-services.ts';
import { startServer, type TestServer } from '../fixtures.ts';

const running: (TestServer | LocalService)[] = [];
afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one.stop();
});

const MAPS = '/api/v1/namespaces/default/configmaps';
const tokens = ['jane', 'eve', 'joe'].map((user) => ({ token: user, user, groups: [] }));

async function serverWith(answer: (user: string) => unknown, more: Partial<WebhookAuthorizerOption> = {}) {
  const webhook = await localService(({ spec }: { spec: { user: string } }) => answer(spec.user));
  running.push(webhook);
  const server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    tokens,
    authorizationModes: ['Node', 'RBAC', 'Webhook'],
    authorizationWebhooks: [
      {
        endpoint: { url: webhook.url },
        authorizedTtlMs: 60_000,
        unauthorizedTtlMs: 60_000,
        failurePolicy: 'NoOpinion',
        matchConditions: [],
        ...more,
      },
    ],
  });
  running.push(server);
  const before = await scrape(server);
  return {
    list: async (user: string) =>
      (await server.http('GET', MAPS, undefined, { authorization: `Bearer ${user}` })).status,
    version: async (user: string) =>
      (await server.http('GET', '/version', undefined, { authorization: `Bearer ${user}` })).status,
    async growth() {
      const after = await scrape(server);
      return (name: string, labels: Record<string, string>) =>
        after.value(`apiserver_authorization_${name}`, labels) -
        before.value(`apiserver_authorization_${name}`, labels);
    },
  };
}

it('counts the decisions that end a question, by who made them', async () => {
  const { list, version, growth } = await serverWith((user) => ({
    status: { allowed: user === 'jane', denied: user === 'eve' },
  }));
  expect(await list('jane')).toBe(200);
  expect(await list('jane')).toBe(200);
  expect(await list('eve')).toBe(403);
  expect(await list('joe')).toBe(403);
  expect(await version('joe')).toBe(200);
  const grown = await growth();
  expect(grown('decisions_total', { type: 'Webhook', name: 'default', decision: 'allowed' })).toBe(2);
  expect(grown('decisions_total', { type: 'Webhook', name: 'default', decision: 'denied' })).toBe(1);
  expect(grown('decisions_total', { type: 'RBAC', name: 'rbac', decision: 'allowed' })).toBe(1);
  expect(grown('decisions_total', { type: 'RBAC', decision: 'denied' })).toBe(0);
  // What is remembered is not asked for again.
  expect(grown('webhook_evaluations_total', { name: 'default', result: 'success' })).toBe(3);
  expect(grown('webhook_duration_seconds_count', { name: 'default', result: 'success' })).toBe(3);
});

it('counts calls that fail, and questions that are left to others for it', async () => {
  const { list, growth } = await serverWith(() => 404, { name: 'far' });
  expect(await list('jane')).toBe(403);
  const grown = await growth();
  expect(grown('webhook_evaluations_total', { name: 'far', result: 'error' })).toBe(1);
  expect(grown('webhook_duration_seconds_count', { name: 'far', result: 'error' })).toBe(1);
  expect(grown('webhook_evaluations_fail_open_total', { name: 'far', result: 'error' })).toBe(1);
});

it('counts no question as left to others where a failure denies', async () => {
  const { list, growth } = await serverWith(() => 404, { failurePolicy: 'Deny' });
  expect(await list('jane')).toBe(403);
  const grown = await growth();
  expect(grown('webhook_evaluations_total', { result: 'error' })).toBe(1);
  expect(grown('webhook_evaluations_fail_open_total', {})).toBe(0);
  expect(grown('decisions_total', { type: 'Webhook', decision: 'denied' })).toBe(1);
});

it('counts match conditions that keep a webhook from being asked, and those that fail', async () => {
  const { list, growth } = await serverWith(() => ({ status: { allowed: true } }), {
    name: 'choosy',
    matchConditions: [
      { expression: "request.user != 'joe' && (request.user != 'eve' || request.extra['a'][0] == 'b')" },
    ],
  });
  expect(await list('jane')).toBe(200);
  expect(await list('joe')).toBe(403);
  expect(await list('eve')).toBe(403);
  const grown = await growth();
  const labels = { type: 'Webhook', name: 'choosy' };
  expect(grown('match_condition_evaluation_seconds_count', labels)).toBe(3);
  expect(grown('match_condition_exclusions_total', labels)).toBe(1);
  expect(grown('match_condition_evaluation_errors_total', labels)).toBe(1);
});
