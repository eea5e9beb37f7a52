import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMaps, pods as podResource } from '../../../src/client/index.ts';
import { pod, startServer, type TestServer } from './fixtures.ts';

interface Entry {
  manager: string;
  operation: string;
  subresource?: string;
  fieldsV1: Record<string, unknown>;
}

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 }, serviceAccountAdmission: false });
});
afterAll(() => server.stop());

const pods = '/api/v1/namespaces/default/pods';
const ownersOf = async (path: string): Promise<Entry[]> =>
  (await server.http('GET', path)).body.metadata.managedFields ?? [];
const namesOf = (entries: readonly Entry[]) =>
  entries.map(({ manager, operation, subresource = '' }) => `${manager} ${operation} ${subresource}`.trim());

describe('owners of fields', () => {
  it('are tracked for objects that actors write, and shown to HTTP clients alone', async () => {
    const made = await server.client.create(podResource, pod('by-actor'), { fieldManager: 'kube-controller-manager' });
    expect(made.metadata).not.toHaveProperty('managedFields');
    const entries = await ownersOf(`${pods}/by-actor`);
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({
      manager: 'kube-controller-manager',
      operation: 'Update',
      apiVersion: 'v1',
      fieldsType: 'FieldsV1',
      time: expect.stringMatching(/^\d{4}-/),
      fieldsV1: {
        'f:spec': {
          'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:image': {}, 'f:name': {}, 'f:imagePullPolicy': {} } },
          'f:restartPolicy': {},
        },
      },
    });
    const read = await server.client.get(podResource, { namespace: 'default', name: 'by-actor' });
    expect(read.metadata).not.toHaveProperty('managedFields');
    const whole = await server.client.get(
      podResource,
      { namespace: 'default', name: 'by-actor' },
      { managedFields: true },
    );
    expect(whole.metadata?.['managedFields']).toEqual(entries);
  });

  it('appear in every form of an answer', async () => {
    const form = (accept: string, path = pods) => server.http('GET', path, undefined, { accept });
    expect((await form('application/yaml')).text).toContain('managedFields:');
    const table = await form('application/json;as=Table;v=v1;g=meta.k8s.io');
    expect(table.body.rows[0].object.metadata.managedFields).toHaveLength(1);
    const metadata = await form('application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io');
    expect(metadata.body.items[0].metadata.managedFields).toHaveLength(1);
    expect((await form('application/vnd.kubernetes.protobuf')).text).toContain('f:containers');
    expect((await form('application/json', `${pods}?pretty=true`)).body.items[0].metadata.managedFields).toHaveLength(
      1,
    );
  });

  it('survive what the server writes by itself, and name the writers of status', async () => {
    await server.http('POST', pods, pod('bound'), { 'user-agent': 'maker/1' });
    const target = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'bound' },
      target: { kind: 'Node', name: 'n' },
    };
    expect((await server.http('POST', `${pods}/bound/binding`, target)).status).toBe(201);
    expect(namesOf(await ownersOf(`${pods}/bound`))).toEqual(['maker Update']);
    const status = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
    const patched = await server.http('PATCH', `${pods}/bound/status`, status, {
      'content-type': 'application/strategic-merge-patch+json',
      'user-agent': 'kubelet/v1',
    });
    expect(patched.status).toBe(200);
    await server.http('DELETE', `${pods}/bound`);
    const entries = await ownersOf(`${pods}/bound`);
    expect(namesOf(entries).sort()).toEqual(['kubelet Update status', 'maker Update']);
    expect(entries.find(({ manager }) => manager === 'kubelet')?.fieldsV1).toMatchObject({
      'f:status': {
        'f:conditions': { 'k:{"type":"Ready"}': { '.': {}, 'f:status': {}, 'f:type': {} } },
        'f:phase': {},
      },
    });
  });

  it('conflict with an apply to what an actor has written', async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    const made = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'c', namespace: 'default' },
      data: { a: '1' },
    };
    await server.client.create(configMaps, made);
    const apply = (force: boolean) =>
      server.http(
        'PATCH',
        `${path}/c?fieldManager=me&force=${force}`,
        { ...made, data: { a: '2' } },
        {
          'content-type': 'application/apply-patch+yaml',
        },
      );
    const refused = await apply(false);
    expect(refused.status).toBe(409);
    expect(refused.body.details.causes[0]).toMatchObject({ reason: 'FieldManagerConflict', field: '.data.a' });
    expect((await apply(true)).status).toBe(200);
    expect(namesOf(await ownersOf(`${path}/c`))).toContain('me Apply');
  });

  it('can be cleared by a patch, and then stay away', async () => {
    await server.http('POST', pods, pod('cleared'));
    const patch = [{ op: 'replace', path: '/metadata/managedFields', value: [{}] }];
    const headers = { 'content-type': 'application/json-patch+json' };
    const answer = await server.http('PATCH', `${pods}/cleared`, patch, headers);
    expect(answer.body.metadata).not.toHaveProperty('managedFields');
    await server.http(
      'PATCH',
      `${pods}/cleared`,
      [{ op: 'add', path: '/metadata/labels', value: { a: 'b' } }],
      headers,
    );
    expect(await ownersOf(`${pods}/cleared`)).toEqual([]);
  });

  it('are kept when an update leaves them out, and taken when it gives them', async () => {
    await server.http('POST', pods, pod('put'), { 'user-agent': 'maker/1' });
    const { body } = await server.http('GET', `${pods}/put`);
    const { managedFields, ...metadata } = body.metadata;
    await server.http(
      'PUT',
      `${pods}/put`,
      { ...body, metadata: { ...metadata, labels: { a: 'b' } } },
      { 'user-agent': 'x/1' },
    );
    expect(namesOf(await ownersOf(`${pods}/put`)).sort()).toEqual(['maker Update', 'x Update']);
    const given = [{ ...managedFields[0], manager: 'given' }];
    const labels = { a: 'b' };
    const { resourceVersion: _, ...rest } = metadata;
    await server.http(
      'PUT',
      `${pods}/put`,
      { ...body, metadata: { ...rest, labels, managedFields: given } },
      { 'user-agent': 'y/1' },
    );
    expect(namesOf(await ownersOf(`${pods}/put`))).toContain('given Update');
  });

  it('do not make a write of one that changes nothing', async () => {
    const { body } = await server.http('GET', `${pods}/put`);
    const again = await server.http('PUT', `${pods}/put`, body, { 'user-agent': 'z/1' });
    expect(again.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
  });
});

describe('server-side apply', () => {
  const path = '/apis/apps/v1/namespaces/default/deployments/applied';
  const apply = (subresource: string, body: object | string, query = '') =>
    server.http('PATCH', `${path}${subresource}?fieldManager=one${query}`, body, {
      'content-type': 'application/apply-patch+yaml',
    });
  const labels = { app: 'applied' };
  const deployment = (limits?: object) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'applied' },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'a', image: 'i', resources: limits === undefined ? {} : { limits } }] },
      },
    },
  });
  const scale = (spec: object) => ({
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name: 'applied' },
    spec,
  });

  it('of a scale hands the replicas of its object over', async () => {
    expect((await apply('', deployment())).status).toBe(201);
    await server.http('PUT', `${path}/scale?fieldManager=two`, scale({ replicas: 2 }));
    expect(namesOf(await ownersOf(path))).toEqual(['one Apply', 'two Update scale']);
    const conflict = await apply('/scale', scale({ replicas: 3 }));
    expect(conflict.body.message).toBe(
      'Apply failed with 1 conflict: conflict with "two" with subresource "scale" using autoscaling/v1: .spec.replicas',
    );
    expect((await apply('/scale', scale({ replicas: 3 }), '&force=true')).body.spec).toEqual({ replicas: 3 });
    expect(namesOf(await ownersOf(path))).toEqual(['one Apply', 'one Apply scale']);
    const stale = { ...scale({ replicas: 3 }), metadata: { name: 'applied', resourceVersion: '1' } };
    expect((await apply('/scale', stale)).status).toBe(409);
  });

  it('refuses what its kind cannot hold, and keys that its text repeats', async () => {
    const unfit = await apply('', deployment({ cpu: 'x' }), '&force=true');
    expect([unfit.status, unfit.body.message]).toEqual([
      500,
      "failed to convert new object (/applied; apps/v1, Kind=Deployment) to proper version: unable to convert unstructured object to apps/v1, Kind=Deployment: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ]);
    const twice = '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"applied","name":"applied"}}';
    const refused = await apply('', twice, '&fieldValidation=Strict');
    expect([refused.status, refused.body.message]).toEqual([
      400,
      'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 1: key "name" already set in map',
    ]);
  });
});
