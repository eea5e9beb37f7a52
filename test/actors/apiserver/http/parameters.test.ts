import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMap, startServer, type TestServer } from '../fixtures.ts';

let server: TestServer;
const maps = '/api/v1/namespaces/default/configmaps';

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 } });
  for (const name of ['a', 'b', 'c']) await server.http('POST', maps, configMap(name));
});
afterAll(() => server.stop());

describe('parameters', () => {
  it.each([
    ['limit=abc', 'strconv.ParseInt: parsing "abc": invalid syntax'],
    ['limit=', 'strconv.ParseInt: parsing "": invalid syntax'],
    ['limit=99999999999999999999', 'strconv.ParseInt: parsing "99999999999999999999": value out of range'],
    ['timeoutSeconds=1s', 'strconv.ParseInt: parsing "1s": invalid syntax'],
  ])('that are no numbers are refused: %s', async (query, message) => {
    for (const form of [query, `watch=true&${query}`]) {
      const { status, body } = await server.http('GET', `${maps}?${form}`);
      expect([status, body.message]).toEqual([400, message]);
    }
  });

  it('take a limit below zero for none', async () => {
    const { body } = await server.http('GET', `${maps}?limit=-1`);
    expect(body.items.length).toBeGreaterThanOrEqual(3);
  });

  it('of a deletion have to be what they are called, in the query and in the body', async () => {
    const inQuery = await server.http('DELETE', `${maps}/a?gracePeriodSeconds=soon`);
    expect([inQuery.status, inQuery.body.message]).toEqual([400, 'strconv.ParseInt: parsing "soon": invalid syntax']);
    const inBody = await server.http('DELETE', `${maps}/a`, { gracePeriodSeconds: 'soon' });
    expect([inBody.status, inBody.body.message]).toEqual([
      400,
      'json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64',
    ]);
    expect((await server.http('GET', `${maps}/a`)).status).toBe(200);
  });

  it('do not make a watch of a kind that has none', async () => {
    const { status, body } = await server.http('GET', '/api/v1/componentstatuses?watch=true');
    expect([status, body.message]).toEqual([405, 'watch is not supported on resources of kind "componentstatuses"']);
  });

  it('and names tell who reads: people get their answers indented', async () => {
    const textOf = async (path: string, agent: string) =>
      (await server.http('GET', path, undefined, { 'user-agent': agent })).text;
    expect(await textOf(`${maps}/a`, 'curl/8.0')).toMatch(/^\{\n {2}"kind": "ConfigMap",\n/);
    expect(await textOf(`${maps}/none`, 'Mozilla/5.0 (X11)')).toMatch(/^\{\n {2}"kind": "Status",\n/);
    expect(await textOf(`${maps}/a?pretty=false`, 'curl/8.0')).toMatch(/^\{"kind":"ConfigMap",/);
    expect(await textOf(`${maps}/a?pretty=true`, 'other')).toMatch(/^\{\n/);
    expect(await textOf(`${maps}/a?pretty=yes`, 'other')).toMatch(/^\{"kind"/);
  });
});

describe('bodies', () => {
  it('must not be empty', async () => {
    const response = await server.http('POST', maps, '');
    expect([response.status, response.body.message]).toEqual([
      400,
      "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)",
    ]);
  });

  it('of an apply to what is not there must not name a uid', async () => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'new', uid: 'x' } };
    const headers = { 'content-type': 'application/apply-patch+yaml' };
    const answer = await server.http('PATCH', `${maps}/new?fieldManager=m`, body, headers);
    expect([answer.status, answer.body.message]).toEqual([
      409,
      'Operation cannot be fulfilled on configmaps "new": uid mismatch: the provided object specified uid x, and no existing object was found',
    ]);
  });
});

describe('paths', () => {
  it('are listed at the root', async () => {
    const { paths } = (await server.http('GET', '/')).body as { paths: string[] };
    expect(paths).toEqual(
      expect.arrayContaining(['/api/v1', '/apis/apps/v1', '/healthz/ping', '/openapi/v2', '/version']),
    );
    expect(paths).toEqual([...paths].sort());
  });

  it.each([
    `${maps}/a%2Fb`,
    `${maps}/..%2fa`,
    '/apis/apps/v1/namespaces/default/deployments/d/scale/more',
    `${maps}/a/b/c`,
  ])('end where the resource does: %s', async (path) => {
    const { status, body } = await server.http('GET', path);
    expect([status, body.message]).toEqual([404, 'the server could not find the requested resource']);
  });
});

describe('a scale', () => {
  it('is refused under its own name', async () => {
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    const spec = { selector: { matchLabels: { a: 'b' } }, template };
    const deployments = '/apis/apps/v1/namespaces/default/deployments';
    await server.http('POST', deployments, { metadata: { name: 'd' }, spec });
    const { status, body } = await server.http('PUT', `${deployments}/d/scale`, {
      metadata: { name: 'd' },
      spec: { replicas: -1 },
    });
    expect([status, body.message]).toEqual([
      422,
      'Scale.autoscaling "d" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ]);
  });
});
