/** Creates of one body again and again: each answer is what the first one was, whoever asks and however. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pod } from '../../../src/api/index.ts';
import type { KubernetesObject } from '../../../src/client/index.ts';
import { startServer, type TestServer } from './fixtures.ts';

const PODS = '/api/v1/namespaces/default/pods';
const TIMES = [1, 2, 3, 4];
let server: TestServer;

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 }, serviceAccountAdmission: false });
});
afterAll(() => server.stop());

const replica = (app: string, metadata: Record<string, unknown> = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: `${app}-`, labels: { app }, ...metadata },
  spec: { containers: [{ name: 'c', image: 'nginx:1.25', env: [{ name: 'A', value: 'b' }] }] },
});

/** Without what each object has for itself. */
function alike({ metadata, spec, ...rest }: Pod) {
  const { name, uid, creationTimestamp, resourceVersion, managedFields = [], ...common } = metadata ?? {};
  const volume = spec?.volumes?.[0]?.name;
  expect(volume).toMatch(/^kube-api-access-/);
  const owners = managedFields.map(({ time: _time, ...owner }) => owner);
  const commonSpec: unknown = JSON.parse(JSON.stringify(spec).replaceAll(String(volume), 'kube-api-access'));
  return { ...rest, metadata: { ...common, managedFields: owners }, spec: commonSpec };
}

const managersOf = ({ metadata }: Pod) => metadata?.managedFields?.map(({ manager }) => manager);

describe('a create that comes again', () => {
  it('makes the same object under another name', async () => {
    const made = [];
    for (const _ of TIMES) made.push((await server.http('POST', PODS, replica('same'))).body);
    expect(new Set(made.map(({ metadata }) => metadata.name)).size).toBe(TIMES.length);
    expect(new Set(made.map(({ metadata }) => metadata.uid)).size).toBe(TIMES.length);
    for (const one of made) expect(alike(one)).toEqual(alike(made[0]));
  });

  it('is not touched by what becomes of the others', async () => {
    const made = [];
    for (const _ of TIMES) {
      const { body } = await server.http('POST', PODS, replica('apart'));
      made.push(body);
      await server.http(
        'PATCH',
        `${PODS}/${body.metadata.name}`,
        { metadata: { labels: { app: 'other' } }, spec: { containers: [{ name: 'c', image: 'nginx:2' }] } },
        { 'content-type': 'application/strategic-merge-patch+json' },
      );
    }
    for (const one of made) expect(alike(one)).toEqual(alike(made[0]));
  });

  it('comes over the bus as over HTTP', async () => {
    const pods = { group: '', version: 'v1', resource: 'pods', kind: 'Pod', namespaced: true };
    const { kind, apiVersion, ...rest } = replica('bus', { namespace: 'default' });
    const object: KubernetesObject = rest;
    const names: string[] = [];
    for (const _ of TIMES) names.push((await server.client.create(pods, object)).metadata?.name ?? '');
    const made = await Promise.all(names.map((name) => server.http('GET', `${PODS}/${name}`)));
    for (const { body } of made) expect(alike(body)).toEqual(alike(made[0]?.body));
    expect(made[0]?.body.metadata.labels).toEqual({ app: 'bus' });
  });

  it('belongs to the manager that asks this time', async () => {
    for (const _ of TIMES) await server.http('POST', `${PODS}?fieldManager=first`, replica('managed'));
    const { body } = await server.http('POST', `${PODS}?fieldManager=second`, replica('managed'));
    expect(managersOf(body)).toEqual(['second']);
  });

  it('goes into the namespace that is asked for', async () => {
    await server.http('POST', '/api/v1/namespaces', { metadata: { name: 'elsewhere' } });
    for (const _ of TIMES) await server.http('POST', PODS, replica('placed'));
    const { body } = await server.http('POST', '/api/v1/namespaces/elsewhere/pods', replica('placed'));
    expect(body.metadata.namespace).toBe('elsewhere');
  });

  it('is tried alone when it is a dry run', async () => {
    for (const _ of TIMES) {
      const { body } = await server.http('POST', `${PODS}?dryRun=All`, replica('tried'));
      expect((await server.http('GET', `${PODS}/${body.metadata.name}`)).status).toBe(404);
    }
  });
});

describe('what is told of a body', () => {
  it('is told each time: warnings, and refusals when they are asked for', async () => {
    const odd = { ...replica('odd'), bogus: 1 };
    for (const _ of TIMES) {
      const warned = await server.http('POST', PODS, odd);
      expect(warned.headers.get('warning')).toContain('unknown field \\"bogus\\"');
      expect((await server.http('POST', `${PODS}?fieldValidation=Ignore`, odd)).headers.get('warning')).toBeNull();
      expect((await server.http('POST', `${PODS}?fieldValidation=Strict`, odd)).status).toBe(400);
    }
  });

  it('holds for members that no copy may lose, and for owners that the body names', async () => {
    const labels = '{"app":"proto","__proto__":"x"}';
    const text = JSON.stringify(replica('proto')).replace('{"app":"proto"}', labels);
    const managed = replica('given', {
      managedFields: [
        {
          manager: 'given',
          operation: 'Update',
          apiVersion: 'v1',
          time: '2026-01-01T00:00:00Z',
          fieldsType: 'FieldsV1',
          fieldsV1: { 'f:metadata': { 'f:labels': { 'f:app': {} } } },
        },
      ],
    });
    const managers = [];
    for (const _ of TIMES) {
      expect((await server.http('POST', PODS, text)).status).toBe(422);
      const { body } = await server.http('POST', PODS, managed);
      managers.push(managersOf(body));
    }
    for (const one of managers) expect(one).toEqual(managers[0]);
  });

  it('keeps an empty list that is stored as none in its creator’s hands', async () => {
    const empty = replica('empty');
    const withNone = { ...empty, spec: { ...empty.spec, tolerations: [], imagePullSecrets: [] } };
    const made = [];
    for (const _ of TIMES) made.push((await server.http('POST', PODS, withNone)).body);
    for (const one of made) expect(alike(one)).toEqual(alike(made[0]));
  });
});
