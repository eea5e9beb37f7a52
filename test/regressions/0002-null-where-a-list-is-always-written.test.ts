/**
 * Lists and texts that are always written are null in the object when nobody gave them. Validation, defaults, admission and the
 * actors that follow such objects took them for missing, and failed: 500 for the client, or a broken rule table on a node. Found by
 * sending objects made by chance.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EndpointSlice } from '../../src/api/index.ts';
import { serviceRules } from '../../src/network/index.ts';
import { startServer, type TestServer } from '../actors/apiserver/fixtures.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 } });
  await server.http('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
});

afterAll(() => server.stop());

test.each<[string, string, object, number]>([
  [
    'a StorageClass whose topology has no values',
    '/apis/storage.k8s.io/v1/storageclasses',
    { provisioner: 'x', allowedTopologies: [{ matchLabelExpressions: [{ key: 'a' }] }] },
    422,
  ],
  [
    'an Ingress with an empty resource',
    '/apis/networking.k8s.io/v1/namespaces/default/ingresses',
    { spec: { defaultBackend: { resource: {} } } },
    422,
  ],
  [
    'a pod of the host network without containers',
    '/api/v1/namespaces/default/pods',
    { spec: { hostNetwork: true } },
    422,
  ],
  ['a ConfigMap with null for bytes', '/api/v1/namespaces/default/configmaps', { binaryData: { a: null } }, 201],
  ['a Secret with null for bytes', '/api/v1/namespaces/default/secrets', { data: { a: null } }, 201],
])('%s', async (_name, path, object, status) => {
  const answer = await server.http('POST', path, { metadata: { name: 'one' }, ...object });
  expect(answer.status, answer.text).toBe(status);
  if (status === 201) expect(JSON.stringify(answer.body)).toContain('"a":""');
});

test('a claim from another claim keeps its source, whose group nobody needs to give', async () => {
  const dataSource = { kind: 'PersistentVolumeClaim', name: 'other' };
  const resources = { requests: { storage: '1Gi' } };
  const spec = { accessModes: ['ReadWriteOnce'], resources, dataSource };
  const { body } = await server.http('POST', '/api/v1/namespaces/default/persistentvolumeclaims', {
    metadata: { name: 'clone' },
    spec,
  });
  expect(body.spec.dataSource).toMatchObject(dataSource);
  expect(body.spec.dataSourceRef).toMatchObject(dataSource);
});

test('a Service whose EndpointSlice has neither endpoints nor ports has no endpoints', async () => {
  const path = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
  const metadata = { name: 's-1', labels: { 'kubernetes.io/service-name': 's' } };
  const { body } = await server.http('POST', path, { metadata, addressType: 'IPv4' });
  expect(body).toMatchObject({ endpoints: null, ports: null });
  const service = {
    metadata: { name: 's', namespace: 'default' },
    spec: { clusterIP: '10.0.0.1', ports: [{ port: 80, protocol: 'TCP' }] },
  };
  expect(serviceRules(service as never, [body as EndpointSlice])[0]?.endpoints).toEqual([]);
});
