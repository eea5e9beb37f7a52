/** Alpha and beta versions over HTTP: off unless switched on, told of in discovery and OpenAPI, and the same objects in every version. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpAnswer, startServer, type TestServer } from './fixtures.ts';

const http = { host: '127.0.0.1', port: 0 };
const claims = (version: string, name = ''): string =>
  `/apis/resource.k8s.io/${version}/namespaces/default/resourceclaims${name && `/${name}`}`;
const claim = (name: string, request: object) => ({
  apiVersion: 'resource.k8s.io/v1beta1',
  kind: 'ResourceClaim',
  metadata: { name },
  spec: { devices: { requests: [{ name: 'a', ...request }] } },
});

describe('a server without a runtime configuration', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ http });
  });
  afterAll(() => server.stop());

  it('serves no alpha and no beta version', async () => {
    const { body } = await server.http('GET', '/apis');
    const versions = (body.groups as { versions: { version: string }[] }[]).flatMap((group) => group.versions);
    expect(versions.filter(({ version }) => /alpha|beta/.test(version))).toEqual([]);
    expect((await server.http('GET', claims('v1beta1'))).status).toBe(404);
    const definitions = Object.keys((await server.http('GET', '/openapi/v2')).body.definitions);
    expect(definitions.filter((name) => /\.v\d+(alpha|beta)\d+\./.test(name))).toEqual([]);
  });
});

describe('a server with all versions', () => {
  let server: TestServer;
  const post = (path: string, body: object): Promise<HttpAnswer> => server.http('POST', path, body);
  beforeAll(async () => {
    server = await startServer({ http, runtimeConfig: { 'api/all': 'true' } });
  });
  afterAll(() => server.stop());

  it('lists them behind the stable ones, in discovery of both forms and as APIServices', async () => {
    const { body } = await server.http('GET', '/apis/resource.k8s.io');
    expect(body.versions.map(({ version }: { version: string }) => version)).toEqual([
      'v1',
      'v1beta2',
      'v1beta1',
      'v1alpha3',
    ]);
    expect(body.preferredVersion.version).toBe('v1');
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const aggregated = JSON.parse((await server.http('GET', '/apis', undefined, { accept })).text);
    const storage = aggregated.items.find(
      (one: { metadata: { name: string } }) => one.metadata.name === 'storage.k8s.io',
    );
    expect(storage.versions.map(({ version }: { version: string }) => version)).toEqual(['v1', 'v1beta1']);
    for (const name of ['v1alpha2.scheduling.k8s.io', 'v1beta1.storagemigration.k8s.io'])
      expect((await server.http('GET', `/apis/apiregistration.k8s.io/v1/apiservices/${name}`)).status).toBe(200);
  });

  it('describes them', async () => {
    const { body } = await server.http('GET', '/openapi/v3/apis/resource.k8s.io/v1beta1');
    const { properties } = body.components.schemas['io.k8s.api.resource.v1beta1.DeviceRequest'];
    expect(Object.keys(properties)).toContain('deviceClassName');
    expect((await server.http('GET', '/openapi/v2')).body.definitions).toHaveProperty([
      'io.k8s.api.scheduling.v1alpha2.PodGroup',
    ]);
  });

  it('shows an object in every version, whichever it was written in', async () => {
    const made = await post(claims('v1beta1'), claim('one', { deviceClassName: 'gpu', selectors: [] }));
    expect(made.status).toBe(201);
    expect(made.body.spec.devices.requests[0]).toEqual({
      name: 'a',
      deviceClassName: 'gpu',
      allocationMode: 'ExactCount',
      count: 1,
    });
    const stable = (await server.http('GET', claims('v1', 'one'))).body;
    expect(stable.apiVersion).toBe('resource.k8s.io/v1');
    expect(stable.spec.devices.requests[0]).toEqual({
      name: 'a',
      exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1 },
    });
    expect((await server.http('GET', claims('v1beta2', 'one'))).body.spec).toEqual(stable.spec);
    expect(stable.metadata.resourceVersion).toBe(made.body.metadata.resourceVersion);
  });

  it('applies, patches and watches in one version what was made in another', async () => {
    await post(claims('v1beta1'), claim('two', { deviceClassName: 'gpu' }));
    const applied = await server.http(
      'PATCH',
      `${claims('v1', 'two')}?fieldManager=me`,
      { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: { name: 'two', labels: { a: 'b' } } },
      { 'content-type': 'application/apply-patch+yaml' },
    );
    expect(applied.status).toBe(200);
    const patched = await server.http(
      'PATCH',
      claims('v1beta2', 'two'),
      { metadata: { annotations: { c: 'd' } } },
      { 'content-type': 'application/merge-patch+json' },
    );
    expect(patched.body.metadata).toMatchObject({ labels: { a: 'b' }, annotations: { c: 'd' } });
    expect(patched.body.metadata.managedFields.map((entry: { apiVersion: string }) => entry.apiVersion).sort()).toEqual(
      ['resource.k8s.io/v1', 'resource.k8s.io/v1beta1', 'resource.k8s.io/v1beta2'],
    );
    const watch = await server.http(
      'GET',
      `${claims('v1beta1')}?watch=1&timeoutSeconds=1&resourceVersion=0&fieldSelector=metadata.name%3Dtwo`,
    );
    const first = JSON.parse(watch.text.split('\n')[0] as string);
    expect(first.object).toMatchObject({
      apiVersion: 'resource.k8s.io/v1beta1',
      spec: { devices: { requests: [{ name: 'a', deviceClassName: 'gpu' }] } },
    });
  });

  it('refuses in every version what is wrong in the stored one', async () => {
    const { status, body } = await post(claims('v1beta1'), claim('bad', { deviceClassName: 'No Class' }));
    expect(status).toBe(422);
    expect(body.message).toMatch(
      /^ResourceClaim\.resource\.k8s\.io "bad" is invalid: spec\.devices\.requests\[0\]\.exactly\.deviceClassName: Invalid value/,
    );
  });

  it('warns of versions on their way out', async () => {
    const { headers } = await server.http('GET', claims('v1beta1'));
    expect(headers.get('warning')).toBe(
      '299 - "resource.k8s.io/v1beta1 ResourceClaim is deprecated in v1.35+, unavailable in v1.38+"',
    );
    expect((await server.http('GET', claims('v1'))).headers.get('warning')).toBeNull();
  });

  it('shows slices of devices in both forms, and selects them in each', async () => {
    const slices = '/apis/resource.k8s.io';
    const made = await post(`${slices}/v1beta1/resourceslices`, {
      apiVersion: 'resource.k8s.io/v1beta1',
      kind: 'ResourceSlice',
      metadata: { name: 'slice' },
      spec: {
        driver: 'gpu.example.com',
        nodeName: 'node-0',
        pool: { name: 'node-0', generation: 1, resourceSliceCount: 1 },
        devices: [
          { name: 'gpu-0', basic: { attributes: { model: { string: 'x' } }, capacity: { memory: { value: '1Gi' } } } },
        ],
      },
    });
    expect(made.text).toContain('"basic"');
    const { body } = await server.http('GET', `${slices}/v1/resourceslices?fieldSelector=spec.nodeName%3Dnode-0`);
    expect(body.items[0].spec.devices).toEqual([
      { name: 'gpu-0', attributes: { model: { string: 'x' } }, capacity: { memory: { value: '1Gi' } } },
    ]);
    const table = await server.http('GET', `${slices}/v1beta1/resourceslices`, undefined, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    });
    expect(JSON.parse(table.text).rows[0].cells.slice(0, 4)).toEqual(['slice', 'node-0', 'gpu.example.com', 'node-0']);
    const wrong = await server.http('GET', `${slices}/v1beta1/resourceslices?fieldSelector=spec.pool%3Dx`);
    expect(wrong.body.message).toContain('resource.k8s.io/v1beta1, Kind=ResourceSlice');
  });

  it('keeps the rules of kinds that have no stable version', async () => {
    const groups = '/apis/scheduling.k8s.io/v1alpha2/namespaces/default/podgroups';
    const group = (name: string, policy: object) => ({
      apiVersion: 'scheduling.k8s.io/v1alpha2',
      kind: 'PodGroup',
      metadata: { name },
      spec: { schedulingPolicy: policy },
    });
    const made = await post(groups, group('gang', { gang: { minCount: 3 } }));
    expect(made.body.spec).toEqual({
      podGroupTemplateRef: null,
      schedulingPolicy: { gang: { minCount: 3 } },
      disruptionMode: 'Pod',
    });
    expect((await post(groups, group('none', {}))).status).toBe(422);
    expect((await post(groups, group('basic', { basic: {} }))).body.spec.schedulingPolicy).toEqual({ basic: {} });
    const changed = { ...made.body, spec: { ...made.body.spec, schedulingPolicy: { gang: { minCount: 4 } } } };
    expect((await server.http('PUT', `${groups}/gang`, changed)).body.message).toContain('field is immutable');
    const bundles = '/apis/certificates.k8s.io/v1alpha1/clustertrustbundles';
    const bundle = await post(bundles, {
      apiVersion: 'certificates.k8s.io/v1alpha1',
      kind: 'ClusterTrustBundle',
      metadata: { name: 'a:b' },
      spec: { trustBundle: 'nothing' },
    });
    expect(bundle.body.details.causes.map(({ field }: { field: string }) => field)).toEqual([
      'metadata.name',
      'spec.trustBundle',
    ]);
  });
});

describe('a server with one version of a kind', () => {
  it('serves it although the version that it is stored as is off', async () => {
    const server = await startServer({
      http,
      runtimeConfig: { 'coordination.k8s.io/v1alpha2/leasecandidates': 'true', 'autoscaling/v2': 'false' },
    });
    const candidates = '/apis/coordination.k8s.io/v1alpha2/namespaces/default/leasecandidates';
    const made = await server.http('POST', candidates, {
      apiVersion: 'coordination.k8s.io/v1alpha2',
      kind: 'LeaseCandidate',
      metadata: { name: 'one' },
      spec: {
        leaseName: 'leader',
        binaryVersion: '1.36.0',
        emulationVersion: '1.36.0',
        strategy: 'OldestEmulationVersion',
      },
    });
    expect(made.status, made.text).toBe(201);
    expect((await server.http('GET', '/apis/coordination.k8s.io/v1beta1')).status).toBe(404);
    const scaler = {
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'one' },
      spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' } },
    };
    const path = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers';
    expect((await server.http('POST', path, scaler)).status).toBe(201);
    expect((await server.http('GET', '/apis/autoscaling')).body.preferredVersion.version).toBe('v1');
    await server.stop();
  });

  it('starts without what it writes objects of at its start', async () => {
    const off = ['apps/v1', 'rbac.authorization.k8s.io/v1', 'flowcontrol.apiserver.k8s.io/v1', 'autoscaling/v1'];
    const server = await startServer({ http, runtimeConfig: Object.fromEntries(off.map((name) => [name, 'false'])) });
    const { body } = await server.http('GET', '/apis');
    const groups = body.groups.map(({ name }: { name: string }) => name);
    for (const group of ['apps', 'rbac.authorization.k8s.io', 'flowcontrol.apiserver.k8s.io'])
      expect(groups).not.toContain(group);
    expect((await server.http('GET', '/apis/apiregistration.k8s.io/v1/apiservices/v1.apps')).status).toBe(404);
    expect((await server.http('GET', '/api/v1/namespaces/default')).status).toBe(200);
    await server.stop();
  });

  it('does not start with a name that is none', async () => {
    await expect(startServer({ http, runtimeConfig: { 'example.com/v1': 'true' } })).rejects.toThrow(
      'unknown api groups example.com',
    );
  });
});
