import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../../../actors/apiserver/audit/event.ts';
import { createAuditPolicy } from '../../../../actors/apiserver/audit/policy.ts';
import { type LocalService, localService } from '../authentication/local-services.ts';
import { configMap, startServer, type TestServer } from '../fixtures.ts';

let server: TestServer;
let sink: LocalService;
const path = join(mkdtempSync(join(tmpdir(), 'kubehive-audit-')), 'audit.log');
const HOME = '/api/v1/namespaces/default';
const jane = { authorization: 'Bearer jane' };

beforeAll(async () => {
  sink = await localService(() => ({}));
  server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    tokens: [{ token: 'jane', user: 'jane' }],
    audit: {
      policy: {
        rules: [
          { level: 'None', users: ['system:apiserver'] },
          { level: 'Metadata', resources: [{ group: '', resources: ['secrets'] }] },
          { level: 'RequestResponse', verbs: ['create'], resources: [{ group: '', resources: ['configmaps'] }] },
          { level: 'RequestResponse', verbs: ['patch', 'delete'] },
          { level: 'Request', verbs: ['update'], omitStages: ['RequestReceived'] },
          { level: 'Metadata', nonResourceURLs: ['/version*'] },
          { level: 'Metadata', users: ['jane'] },
          { level: 'Metadata', resources: [{ group: '', resources: ['nothings', 'pods'] }] },
          { level: 'Metadata', users: [''] },
        ],
      },
      log: { path },
      webhook: { endpoint: { url: sink.url } },
    },
  });
});
afterAll(async () => {
  await server.stop();
  await sink.stop();
});

const events = (): AuditEvent[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

async function eventsOf(uri: string, count: number): Promise<AuditEvent[]> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const found = events().filter(({ requestURI }) => requestURI === uri);
    if (found.length >= count) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`fewer than ${count} events of ${uri}: ${readFileSync(path, 'utf8')}`);
}

describe('the audit log', () => {
  it('tells who did what with which outcome, at both stages', async () => {
    await server.http('GET', `${HOME}/pods/none`, undefined, { ...jane, 'user-agent': 'agent' });
    const [received, complete] = await eventsOf(`${HOME}/pods/none`, 2);
    expect(received).toMatchObject({ stage: 'RequestReceived', level: 'Metadata', verb: 'get' });
    expect(complete).toMatchObject({
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      stage: 'ResponseComplete',
      auditID: received?.auditID,
      user: { username: 'jane', groups: ['system:authenticated'] },
      sourceIPs: ['127.0.0.1'],
      userAgent: 'agent',
      objectRef: { resource: 'pods', namespace: 'default', name: 'none', apiVersion: 'v1' },
      responseStatus: { status: 'Failure', reason: 'Forbidden', code: 403 },
      annotations: { 'authorization.k8s.io/decision': 'forbid' },
    });
    expect(complete?.stageTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  it('holds bodies only at the levels that say so', async () => {
    await server.http('POST', `${HOME}/configmaps`, configMap('told', { a: 'b' }));
    const created = (await eventsOf(`${HOME}/configmaps`, 2)).at(-1);
    expect(created).toMatchObject({
      requestObject: { kind: 'ConfigMap', data: { a: 'b' } },
      responseObject: { kind: 'ConfigMap', metadata: { name: 'told' } },
      objectRef: { name: 'told' },
    });
    await server.http('PUT', `${HOME}/configmaps/told`, configMap('told', { a: 'c' }));
    const [updated, ...more] = await eventsOf(`${HOME}/configmaps/told`, 1);
    expect(more).toEqual([]);
    expect(updated).toMatchObject({ level: 'Request', requestObject: { data: { a: 'c' } } });
    expect(updated).not.toHaveProperty('responseObject');
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { a: 'hidden-value' } };
    await server.http('POST', `${HOME}/secrets`, secret);
    await eventsOf(`${HOME}/secrets`, 2);
    const text = readFileSync(path, 'utf8');
    expect(text).not.toContain('hidden-value');
    expect(text).not.toContain(Buffer.from('hidden-value').toString('base64'));
  });

  it('tells of paths, of impersonation and of credentials that do not do', async () => {
    await server.http('GET', '/version', undefined, jane);
    expect((await eventsOf('/version', 2)).at(-1)).toMatchObject({ verb: 'get', responseStatus: { code: 200 } });
    await server.http('GET', `${HOME}/secrets/x`, undefined, { 'impersonate-user': 'bob' });
    expect((await eventsOf(`${HOME}/secrets/x`, 2)).at(-1)).toMatchObject({
      user: { username: 'admin' },
      impersonatedUser: { username: 'bob' },
    });
    await server.http('GET', `${HOME}/pods/unknown`, undefined, { authorization: 'Bearer wrong' });
    expect((await eventsOf(`${HOME}/pods/unknown`, 1)).at(-1)).toMatchObject({
      stage: 'ResponseStarted',
      user: {},
      responseStatus: { code: 401, message: 'Authentication failed, attempted: bearer' },
    });
    expect(readFileSync(path, 'utf8')).not.toContain('wrong');
  });

  it('tells of patches and deletions as they came, and of Statuses only what is bounded', async () => {
    await server.http('POST', `${HOME}/configmaps`, configMap('gone', { a: 'b' }));
    const patch = { data: { a: 'c' } };
    await server.http('PATCH', `${HOME}/configmaps/gone`, patch, { 'content-type': 'application/merge-patch+json' });
    await server.http('DELETE', `${HOME}/configmaps/gone`, { propagationPolicy: 'Background' });
    const [, patched, , deleted] = await eventsOf(`${HOME}/configmaps/gone`, 4);
    expect(patched).toMatchObject({
      requestObject: patch,
      annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
    });
    expect(deleted).toMatchObject({
      requestObject: { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', propagationPolicy: 'Background' },
      responseStatus: { metadata: {}, status: 'Success', details: { name: 'gone', kind: 'configmaps' }, code: 200 },
    });
    expect(deleted?.responseStatus).not.toHaveProperty('kind');
  });

  it('names what a client calls its object, and neither what is generated nor what is no address', async () => {
    const generated = { apiVersion: 'v1', kind: 'Secret', metadata: { generateName: 'made-' } };
    const headers = { 'x-forwarded-for': '10.1.2.3, nonsense', 'x-real-ip': '10.9.9.9', 'audit-id': 'my-id' };
    const answer = await server.http('POST', `${HOME}/secrets?x=1`, generated, headers);
    expect(answer.headers.get('audit-id')).toBe('my-id');
    const [, complete] = await eventsOf(`${HOME}/secrets?x=1`, 2);
    expect(complete).toMatchObject({ auditID: 'my-id', sourceIPs: ['10.1.2.3', '10.9.9.9', '127.0.0.1'] });
    expect(complete?.objectRef).not.toHaveProperty('name');
    const update = { ...configMap('told', { a: 'd' }) };
    const read = await server.http('GET', `${HOME}/configmaps/told`);
    const { uid, resourceVersion } = read.body.metadata;
    await server.http('PUT', `${HOME}/configmaps/told?x=2`, {
      ...update,
      metadata: { name: 'told', uid, resourceVersion },
    });
    const [written] = await eventsOf(`${HOME}/configmaps/told?x=2`, 1);
    expect(written?.objectRef).toMatchObject({ name: 'told', uid, resourceVersion });
  });

  it('escapes whatever a client puts into its request', async () => {
    const agent = 'a"b\\c';
    await server.http('GET', `${HOME}/pods/%22quoted%22?q="`, undefined, { ...jane, 'user-agent': agent });
    const found = await eventsOf(`${HOME}/pods/%22quoted%22?q=%22`, 2);
    expect(found.at(-1)).toMatchObject({ userAgent: agent, objectRef: { name: '"quoted"' } });
  });

  it('tells of resources that are not here, and of deprecated ones', async () => {
    await server.http('GET', `${HOME}/nothings/x`);
    expect((await eventsOf(`${HOME}/nothings/x`, 2)).at(-1)).toMatchObject({
      verb: 'get',
      objectRef: { resource: 'nothings', namespace: 'default', name: 'x', apiVersion: 'v1' },
      responseStatus: { code: 404 },
      annotations: { 'authorization.k8s.io/decision': 'allow' },
    });
    await server.http('GET', `${HOME}/nothings/y`, undefined, jane);
    expect((await eventsOf(`${HOME}/nothings/y`, 2)).at(-1)).toMatchObject({
      user: { username: 'jane' },
      responseStatus: { code: 403, reason: 'Forbidden' },
      annotations: { 'authorization.k8s.io/decision': 'forbid' },
    });
    await server.http('GET', `${HOME}/endpoints`, undefined, jane);
    expect((await eventsOf(`${HOME}/endpoints`, 2)).at(-1)?.annotations).toMatchObject({
      'k8s.io/deprecated': 'true',
    });
  });

  it('says at both stages when the request came, and for how long a slow one took', async () => {
    const uri = `${HOME}/pods?resourceVersion=99999999`;
    await server.http('GET', uri);
    const [received, complete] = await eventsOf(uri, 2);
    expect(received?.stageTimestamp).toBe(received?.requestReceivedTimestamp);
    expect(complete?.requestReceivedTimestamp).toBe(received?.requestReceivedTimestamp);
    expect(complete?.annotations?.['apiserver.latency.k8s.io/total']).toMatch(/^(\d+m)?\d+(\.\d+)?s$/);
  });

  it('is counted by levels', async () => {
    const { text } = await server.http('GET', '/metrics');
    expect(text).toMatch(/apiserver_audit_level_total\{[^}]*level="Metadata"[^}]*\} [1-9]/);
    expect(text).toMatch(/apiserver_audit_level_total\{[^}]*level="None"[^}]*\} [1-9]/);
    expect(text).toMatch(/apiserver_audit_event_total(\{[^}]*\})? [1-9]/);
  });

  it('also goes to the webhook, in lists', async () => {
    for (let attempt = 0; sink.requests.length === 0 && attempt < 100; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const [list] = sink.requests as { kind: string; apiVersion: string; items: AuditEvent[] }[];
    expect(list).toMatchObject({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1' });
    expect(list?.items.length).toBeGreaterThan(0);
  });
});

describe('a log of another form', () => {
  const place = mkdtempSync(join(tmpdir(), 'kubehive-audit-'));
  const start = (name: string, log: object) =>
    startServer({
      http: { host: '127.0.0.1', port: 0 },
      audit: {
        policy: {
          rules: [
            {
              level: 'Request',
              users: ['admin'],
              verbs: ['create'],
              resources: [{ group: '', resources: ['configmaps'] }],
            },
          ],
        },
        log: { path: join(place, name), ...log },
      },
    });
  const read = (name: string) => readFileSync(join(place, name), 'utf8').split('\n').slice(0, -1);

  it('has the words of the older one', async () => {
    const other = await start('legacy.log', { format: 'legacy' });
    await other.http('POST', `${HOME}/configmaps`, configMap('one'), { 'user-agent': 'agent "7"' });
    await other.stop();
    const lines = read('legacy.log');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z AUDIT: id="[^"]+" stage="ResponseComplete" ip="127.0.0.1" method="create" user="admin" groups="/,
    );
    expect(lines[1]).toContain(
      String.raw`as="<self>" asgroups="<lookup>" user-agent="agent \"7\"" namespace="default" uri="/api/v1/namespaces/default/configmaps" response="201"`,
    );
    expect(lines[0]).toContain('response="<deferred>"');
  });

  it('leaves the bodies of large events out, and events that are still too large', async () => {
    const limited = (eventBytesMax: number) => ({ truncation: { eventBytesMax, batchBytesMax: 1_000_000 } });
    const other = await start('truncated.log', limited(5000));
    await other.http('POST', `${HOME}/configmaps`, configMap('small', { a: 'b' }));
    await other.http('POST', `${HOME}/configmaps`, configMap('large', { a: 'x'.repeat(10_000) }));
    await other.stop();
    const told = read('truncated.log').map((line) => JSON.parse(line) as AuditEvent);
    const complete = told.filter(({ stage }) => stage === 'ResponseComplete');
    expect(complete.map(({ requestObject }) => requestObject !== undefined)).toEqual([true, false]);
    expect(complete[1]).toMatchObject({
      objectRef: { name: 'large' },
      annotations: { 'audit.k8s.io/truncated': 'true', 'authorization.k8s.io/decision': 'allow' },
    });
    const narrow = await start('dropped.log', limited(100));
    await narrow.http('POST', `${HOME}/configmaps`, configMap('one'));
    const { text } = await narrow.http('GET', '/metrics');
    expect(text).toMatch(/apiserver_audit_error_total\{[^}]*plugin="truncate"[^}]*\} 2/);
    await narrow.stop();
    expect(read('dropped.log')).toEqual([]);
  });
});

describe('a policy', () => {
  const request = {
    user: { user: 'jane', groups: ['dev'] },
    verb: 'get',
    group: 'apps',
    resource: 'deployments',
    subresource: 'scale',
    namespace: 'default',
    name: 'web',
  };
  const level = (rule: object, asked: object = {}) =>
    createAuditPolicy({ rules: [{ level: 'Request', ...rule }] })({ ...request, ...asked }).level;

  it.each([
    [{}, 'Request'],
    [{ users: ['joe'] }, 'None'],
    [{ userGroups: ['dev'] }, 'Request'],
    [{ verbs: ['list'] }, 'None'],
    [{ namespaces: ['kube-system'] }, 'None'],
    [{ namespaces: [''] }, 'None'],
    [{ resources: [{ group: 'apps' }] }, 'Request'],
    [{ resources: [{ group: '' }] }, 'None'],
    [{ resources: [{ group: 'apps', resources: ['deployments'] }] }, 'None'],
    [{ resources: [{ group: 'apps', resources: ['deployments/scale'] }] }, 'Request'],
    [{ resources: [{ group: 'apps', resources: ['*/scale'] }] }, 'Request'],
    [{ resources: [{ group: 'apps', resources: ['deployments/*'] }] }, 'Request'],
    [{ resources: [{ group: 'apps', resources: ['*'], resourceNames: ['other'] }] }, 'None'],
    [{ nonResourceURLs: ['*'] }, 'None'],
  ])('with the rule %j wants %s', (rule, expected) => {
    expect(level(rule)).toBe(expected);
  });

  it('takes the first rule that matches, and nothing without one', () => {
    const policy = createAuditPolicy({ rules: [{ level: 'None', verbs: ['get'] }, { level: 'Metadata' }] });
    expect(policy(request).level).toBe('None');
    expect(policy({ ...request, verb: 'list' }).level).toBe('Metadata');
    expect(createAuditPolicy({ rules: [] })(request).level).toBe('None');
  });
});
