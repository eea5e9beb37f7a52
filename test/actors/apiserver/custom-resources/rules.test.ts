/** Rules of custom kinds, as clients meet them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../fixtures.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const MERGE = { 'content-type': 'application/merge-patch+json' };
let server: TestServer;

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 }, serviceAccountAdmission: false });
});
afterAll(() => server.stop());

const definition = (plural: string, kind: string, spec: object) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.example.com` },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural, kind },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
      },
    ],
  },
});

async function served(path: string): Promise<void> {
  for (let attempt = 0; attempt < 6000; attempt++) {
    if ((await server.http('GET', path)).status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${path} is not served`);
}

describe('a custom kind with rules', () => {
  it('refuses objects that break them, and warns of what was broken before', async () => {
    const spec = {
      type: 'object',
      properties: { min: { type: 'integer' }, max: { type: 'integer' }, note: { type: 'string' } },
      'x-kubernetes-validations': [{ rule: 'self.min <= self.max', messageExpression: "'min %d'.format([self.min])" }],
    };
    const path = '/apis/example.com/v1/namespaces/default/ranges';
    const loose = { ...spec, 'x-kubernetes-validations': undefined };
    expect((await server.http('POST', CRDS, definition('ranges', 'Range', loose))).status).toBe(201);
    await served(path);
    const range = (name: string, min: number) => ({
      apiVersion: 'example.com/v1',
      kind: 'Range',
      metadata: { name },
      spec: { min, max: 2 },
    });
    expect((await server.http('POST', path, range('old', 3))).status).toBe(201);
    const versions = definition('ranges', 'Range', spec).spec.versions;
    expect((await server.http('PATCH', `${CRDS}/ranges.example.com`, { spec: { versions } }, MERGE)).status).toBe(200);
    let refused = await server.http('POST', path, range('new', 3));
    for (let attempt = 0; refused.status === 201 && attempt < 6000; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      refused = await server.http('POST', path, range(`new-${attempt}`, 3));
    }
    expect(refused.status).toBe(422);
    expect(refused.body.message).toMatch(
      /Range\.example\.com "new.*" is invalid: spec: Invalid value: "object": min 3$/,
    );
    const labelled = await server.http('PATCH', `${path}/old`, { metadata: { labels: { a: 'b' } } }, MERGE);
    expect(labelled.status).toBe(200);
    expect(labelled.headers.get('warning')).toContain('spec: Invalid value: \\"object\\": min 3');
    expect((await server.http('PATCH', `${path}/old`, { spec: { note: 'x' } }, MERGE)).status).toBe(422);
  });

  it('is refused itself when its rules cannot be', async () => {
    const broken = { type: 'object', 'x-kubernetes-validations': [{ rule: 'self.nope == 1' }] };
    const refused = await server.http('POST', CRDS, definition('brokens', 'Broken', broken));
    expect(refused.status).toBe(422);
    expect(refused.body.message).toContain(
      "compilation failed: ERROR: <input>:1:5: undefined field 'nope'\n | self.nope == 1\n | ....^",
    );
  });
});

describe('watches of a custom kind', () => {
  it('see its objects go, and end when the kind is gone or another one', async () => {
    const path = '/apis/example.com/v1/namespaces/default/shorts';
    const spec = { type: 'object', properties: { a: { type: 'string' } } };
    const created = await server.http('POST', CRDS, definition('shorts', 'Short', spec));
    expect(created.status).toBe(201);
    await served(path);
    const watch = async (): Promise<string> => (await fetch(`${server.url}${path}?watch=true`)).text();
    const first = watch();
    const versions = definition('shorts', 'Short', { ...spec, description: 'changed' }).spec.versions;
    await server.http('PATCH', `${CRDS}/shorts.example.com`, { spec: { versions } }, MERGE);
    expect(await first).toBe('');
    await served(path);
    const short = { apiVersion: 'example.com/v1', kind: 'Short', metadata: { name: 'x' }, spec: { a: 'b' } };
    expect((await server.http('POST', path, short)).status).toBe(201);
    const second = watch();
    await server.http('DELETE', `${CRDS}/shorts.example.com`);
    const types = (await second)
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types).toEqual(['ADDED', 'DELETED']);
    expect((await server.http('GET', path)).status).toBe(404);
  });
});
