import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ApiserverOptions } from '../../../../actors/apiserver/index.ts';
import { securityOptions } from '../../../../src/cluster/security.ts';
import { type LocalService, localService } from '../authentication/local-services.ts';
import { startServer, type TestServer } from '../fixtures.ts';

const tokens = ['jane', 'joe', 'eve'].map((user) => ({ token: user, user, groups: ['dev'] }));
const running: (TestServer | LocalService)[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

async function serverWith(options: Partial<ApiserverOptions>) {
  const server = await startServer({ http: { host: '127.0.0.1', port: 0 }, tokens, ...options });
  running.push(server);
  const as = (user: string) => async (method: string, path: string, body?: object) => {
    const { status, body: answer } = await server.http(method, path, body, { authorization: `Bearer ${user}` });
    return [status, answer?.message] as const;
  };
  return { server, as };
}

function fileOf(name: string, text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'kubehive-modes-')), name);
  writeFileSync(path, text);
  return path;
}

const PODS = '/api/v1/namespaces/default/pods';

describe('ABAC', () => {
  it('allows what a policy says, and nothing else', async () => {
    const policy = (spec: object) =>
      JSON.stringify({ apiVersion: 'abac.authorization.kubernetes.io/v1beta1', kind: 'Policy', spec });
    const lines = [
      '# who may what',
      policy({ user: 'jane', namespace: 'default', resource: 'pods', apiGroup: '', readonly: true }),
      policy({ group: 'dev', nonResourcePath: '/metrics' }),
      JSON.stringify({ user: 'joe' }),
    ];
    const authorizationPolicyFile = fileOf('policy.jsonl', lines.join('\n'));
    const { as } = await serverWith(
      securityOptions({ authorizationMode: ['ABAC'], authorizationPolicyFile }, undefined),
    );
    const jane = as('jane');
    expect((await jane('GET', PODS))[0]).toBe(200);
    expect(await jane('DELETE', `${PODS}/x`)).toEqual([
      403,
      'pods "x" is forbidden: User "jane" cannot delete resource "pods" in API group "" in the namespace "default": No policy matched.',
    ]);
    expect((await jane('GET', '/api/v1/namespaces/kube-system/pods'))[0]).toBe(403);
    expect((await jane('GET', '/api/v1/namespaces/default/configmaps'))[0]).toBe(403);
    expect((await jane('GET', '/metrics'))[0]).toBe(200);
    expect((await jane('GET', '/version'))[0]).toBe(403);
    expect((await as('joe')('GET', '/api/v1/nodes'))[0]).toBe(200);
  });
});

describe('the authorization webhook', () => {
  interface Spec {
    readonly user: string;
    readonly resourceAttributes?: { readonly verb: string; readonly resource: string };
  }

  async function withWebhook(modes: string[], answer: (spec: Spec) => unknown) {
    const webhook = await localService(({ spec }: { spec: Spec }) => answer(spec));
    running.push(webhook);
    const authorizationWebhookConfigFile = fileOf(
      'kubeconfig',
      JSON.stringify({ clusters: [{ name: 'w', cluster: { server: webhook.url } }] }),
    );
    const made = await serverWith(
      securityOptions({ authorizationMode: modes, authorizationWebhookConfigFile }, undefined),
    );
    return { ...made, webhook };
  }

  it('decides where the modes before it have no opinion, and is asked once', async () => {
    const { as, webhook, server } = await withWebhook(['Node', 'RBAC', 'Webhook'], ({ user, resourceAttributes }) => ({
      status: { allowed: user === 'jane' && resourceAttributes?.resource === 'pods', reason: 'ask somebody else' },
    }));
    for (let round = 0; round < 3; round++) expect((await as('jane')('GET', PODS))[0]).toBe(200);
    expect(webhook.requests).toHaveLength(1);
    expect(webhook.requests[0]).toMatchObject({
      kind: 'SubjectAccessReview',
      apiVersion: 'authorization.k8s.io/v1',
      spec: {
        resourceAttributes: { namespace: 'default', verb: 'list', version: 'v1', resource: 'pods' },
        user: 'jane',
        groups: ['dev', 'system:authenticated'],
      },
    });
    expect((await as('joe')('GET', PODS))[1]).toContain('in the namespace "default": ask somebody else');
    // What RBAC allows is not asked of anybody.
    const before = webhook.requests.length;
    expect((await as('joe')('GET', '/version'))[0]).toBe(200);
    expect(webhook.requests).toHaveLength(before);
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user: 'jane', resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'default' } },
    };
    const answer = await server.http('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', review);
    expect(answer.body.status).toEqual({ allowed: true, reason: 'ask somebody else' });
  });

  it('is told which objects a list is about, as lists of requirements', async () => {
    const { as, webhook } = await withWebhook(['Webhook'], () => ({ status: { allowed: true } }));
    const selectors = { fieldSelector: 'spec.nodeName=n,status.phase!=Failed', labelSelector: 'app in (a,b),!old,new' };
    expect((await as('jane')('GET', `${PODS}?${new URLSearchParams(selectors)}`))[0]).toBe(200);
    expect(webhook.requests.at(-1)).toMatchObject({
      spec: {
        resourceAttributes: {
          verb: 'list',
          fieldSelector: {
            requirements: [
              { key: 'spec.nodeName', operator: 'In', values: ['n'] },
              { key: 'status.phase', operator: 'NotIn', values: ['Failed'] },
            ],
          },
          labelSelector: {
            requirements: expect.arrayContaining([
              { key: 'app', operator: 'In', values: ['a', 'b'] },
              { key: 'old', operator: 'DoesNotExist' },
              { key: 'new', operator: 'Exists' },
            ]),
          },
        },
      },
    });
  });

  it('may deny before later modes are asked', async () => {
    const { as } = await withWebhook(['Webhook', 'AlwaysAllow'], ({ user }) => ({
      status: { allowed: false, denied: user === 'eve', reason: user === 'eve' ? 'not you' : '' },
    }));
    expect(await as('eve')('GET', PODS)).toEqual([403, expect.stringContaining(': not you')]);
    expect((await as('joe')('GET', PODS))[0]).toBe(200);
  });

  it('that answers garbage has no opinion', async () => {
    const { as } = await withWebhook(['Webhook', 'RBAC'], () => 'garbage');
    expect(await as('jane')('GET', PODS)).toEqual([403, expect.stringContaining('did not answer with JSON')]);
    expect((await as('jane')('GET', '/version'))[0]).toBe(200);
  });
});

describe('modes', () => {
  it('that always allow or deny do, but for administrators', async () => {
    const allow = await serverWith({ authorizationModes: ['AlwaysAllow'] });
    expect((await allow.as('eve')('GET', '/api/v1/secrets'))[0]).toBe(200);
    const deny = await serverWith({ authorizationModes: ['AlwaysDeny'] });
    expect((await deny.as('eve')('GET', '/version'))[1]).toBe(
      'forbidden: User "eve" cannot get path "/version": Everything is forbidden.',
    );
    expect((await deny.server.http('GET', PODS)).status).toBe(200);
  });

  it.each([
    [{ authorizationMode: ['Rbac'] }, 'authorization-mode: "Rbac" is none of Node, RBAC'],
    [{ authorizationMode: ['RBAC', 'RBAC'] }, 'a mode is named twice'],
    [{ authorizationMode: ['ABAC'] }, 'ABAC needs authorization-policy-file'],
    [{ authorizationMode: ['Webhook'] }, 'Webhook needs authorization-webhook-config-file'],
    [{ authorizationConfig: { kind: 'Pod', apiVersion: 'v1' } }, 'it takes a AuthorizationConfiguration'],
    [{ tokenAuthFile: '/nowhere/tokens.csv' }, 'token-auth-file: cannot read /nowhere/tokens.csv'],
    [{ auditLogPath: '-' }, 'need audit-policy-file'],
    [{ oidcIssuerUrl: 'https://i' }, 'oidc-issuer-url and oidc-client-id go together'],
    [{ oidcIssuerUrl: 'http://i', oidcClientId: 'c' }, 'must begin with https://'],
  ])('%j is refused', (options, message) => {
    expect(() => securityOptions(options, undefined)).toThrow(message);
  });
});

it('tells nobody which resources there are who may not ask', async () => {
  const { as } = await serverWith({});
  const eve = as('eve');
  expect(await eve('GET', '/apis/no.such/v1/things')).toEqual([
    403,
    'things.no.such is forbidden: User "eve" cannot list resource "things" in API group "no.such" at the cluster scope',
  ]);
  expect((await eve('PUT', '/api/v1/namespaces/default/pods'))[0]).toBe(403);
});

it.each([
  '/api/v1//secrets',
  '/api/v1/namespaces/default/../kube-system/secrets',
  '/api/v1/namespaces/default/pods/..%2F..%2Fkube-system%2Fsecrets',
  '/api/v1/namespaces/kube-system%2Fsecrets',
  '/api//v1/namespaces/kube-system/secrets',
  '//api/v1/secrets',
  '/apis//v1/secrets',
  '/api/v1/namespaces//secrets',
])('is not confused by the path %s', async (path) => {
  const { server } = await serverWith({});
  const { hostname, port } = new URL(server.url);
  const { request } = await import('node:http');
  const status = await new Promise((resolve, reject) => {
    // fetch would tidy the path up.
    const headers = { authorization: 'Bearer eve' };
    request({ hostname, port, path, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
  expect([403, 404, 400]).toContain(status);
});
