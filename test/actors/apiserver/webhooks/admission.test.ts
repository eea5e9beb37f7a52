import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { allow, deny, type Json, ownAddress, patch, startWebhook, type TestWebhook } from '../../../support/webhook.ts';
import { configMap, pod, startServer, type TestServer } from '../fixtures.ts';

let server: TestServer;
let hook: TestWebhook;

const group = '/apis/admissionregistration.k8s.io/v1';
const maps = '/api/v1/namespaces/default/configmaps';

beforeAll(async () => {
  [server, hook] = await Promise.all([
    startServer({ http: { host: '127.0.0.1', port: 0 }, serviceAccountAdmission: false }),
    startWebhook(['127.0.0.1', 'hook.default.svc']),
  ]);
});
afterAll(async () => {
  await Promise.all([server.stop(), hook.stop()]);
});

const made: string[] = [];
afterEach(async () => {
  for (const path of made.splice(0)) await server.http('DELETE', path);
  hook.reviews.length = 0;
  hook.paths.length = 0;
  hook.answer((review) => allow(review));
});

interface HookOptions extends Record<string, unknown> {
  readonly resources?: string[];
  readonly operations?: string[];
}

const EVERY_MAP = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] }];

/** Registers a configuration of one webhook for ConfigMaps. */
async function register(type: 'mutating' | 'validating', name: string, more: HookOptions = {}): Promise<void> {
  const path = `${group}/${type}webhookconfigurations`;
  const { status, text } = await server.http('POST', path, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: type === 'mutating' ? 'MutatingWebhookConfiguration' : 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name: `${name}.example.com`,
        admissionReviewVersions: ['v1', 'v1beta1'],
        sideEffects: 'None',
        clientConfig: { url: hook.url, caBundle: hook.caBundle },
        rules: EVERY_MAP,
        ...more,
      },
    ],
  });
  expect(status, text).toBe(201);
  made.push(`${path}/${name}`);
}

let serial = 0;
const freshName = () => `map-${serial++}`;
const create = (name = freshName(), labels?: Record<string, string>) =>
  server.http('POST', maps, configMap(name, { a: '1' }, labels));

describe('mutating webhooks', () => {
  it('change the object by JSON patch, in the order of their configurations’ names', async () => {
    hook.answer((review, path) => {
      const { data } = review.request.object;
      if (path.startsWith('/first')) return patch(review, [{ op: 'add', path: '/data/first', value: 'yes' }]);
      return patch(review, [{ op: 'add', path: '/data/second', value: data.first }]);
    });
    const at = (path: string) => ({
      clientConfig: { url: `https://127.0.0.1:${hook.port}${path}`, caBundle: hook.caBundle },
    });
    await register('mutating', 'b-second', at('/second'));
    await register('mutating', 'a-first', at('/first'));
    const { status, body } = await create();
    expect(status).toBe(201);
    expect(body.data).toEqual({ a: '1', first: 'yes', second: 'yes' });
    expect(hook.paths).toEqual(['/first?timeout=10s', '/second?timeout=10s']);
  });

  it('are sent who asks for what', async () => {
    await register('mutating', 'look', { timeoutSeconds: 7 });
    const name = freshName();
    await server.http('POST', `${maps}?fieldManager=me`, configMap(name, { a: '1' }));
    const [{ apiVersion, kind, request }] = hook.reviews as [Json];
    expect({ apiVersion, kind }).toEqual({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' });
    expect(request).toMatchObject({
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      resource: { group: '', version: 'v1', resource: 'configmaps' },
      requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
      requestResource: { group: '', version: 'v1', resource: 'configmaps' },
      name,
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'admin', groups: ['system:masters', 'system:authenticated'] },
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'me' },
    });
    expect(request.object).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', data: { a: '1' } });
    expect(request.object.metadata.managedFields[0].manager).toBe('me');
    expect(hook.paths).toEqual(['/review?timeout=7s']);
  });

  it('see updates with what was there before, and deletes', async () => {
    const name = freshName();
    await create(name);
    await register('mutating', 'look');
    await server.http(
      'PATCH',
      `${maps}/${name}`,
      { data: { a: '2' } },
      { 'content-type': 'application/merge-patch+json' },
    );
    await server.http('DELETE', `${maps}/${name}`);
    const [update, gone] = hook.reviews;
    expect(update.request).toMatchObject({
      operation: 'UPDATE',
      object: { data: { a: '2' } },
      oldObject: { data: { a: '1' } },
    });
    expect(update.request.options.kind).toBe('UpdateOptions');
    expect(gone.request).toMatchObject({ operation: 'DELETE', name, object: null, oldObject: { data: { a: '2' } } });
    expect(gone.request.options.kind).toBe('DeleteOptions');
  });

  it('are called again after others have changed the object, when they want to be', async () => {
    hook.answer((review, path) => {
      if (path.startsWith('/late') && review.request.object.data.late === undefined) {
        return patch(review, [{ op: 'add', path: '/data/late', value: 'x' }]);
      }
      return allow(review);
    });
    const at = (path: string, more: object) => ({
      clientConfig: { url: `https://127.0.0.1:${hook.port}${path}`, caBundle: hook.caBundle },
      ...more,
    });
    await register('mutating', 'a-again', at('/again', { reinvocationPolicy: 'IfNeeded' }));
    await register('mutating', 'b-late', at('/late', {}));
    await register('mutating', 'c-once', at('/once', { reinvocationPolicy: 'Never' }));
    await create();
    expect(hook.paths.map((path) => path.split('?')[0])).toEqual(['/again', '/late', '/once', '/again']);
  });

  it('get the defaults and the built-in plugins run on what they add', async () => {
    hook.answer((review) =>
      patch(review, [{ op: 'add', path: '/spec/containers/-', value: { name: 'sidecar', image: 'side' } }]),
    );
    await register('mutating', 'sidecar', {
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    });
    const { body } = await server.http('POST', '/api/v1/namespaces/default/pods', pod('with-sidecar'));
    expect(body.spec.containers[1]).toMatchObject({ name: 'sidecar', imagePullPolicy: 'Always' });
    expect(body.spec.containers[1].volumeMounts[0].mountPath).toBe('/var/run/secrets/kubernetes.io/serviceaccount');
  });

  it('change scales, and with them what is scaled', async () => {
    const apps = '/apis/apps/v1/namespaces/default/deployments';
    await server.http('POST', apps, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'scaled', namespace: 'default' },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'a' } },
        template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    hook.answer((review) => patch(review, [{ op: 'replace', path: '/spec/replicas', value: 3 }]));
    await register('mutating', 'scale', {
      rules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['deployments/scale'] }],
    });
    const scaled = await server.http(
      'PATCH',
      `${apps}/scaled/scale`,
      { spec: { replicas: 9 } },
      { 'content-type': 'application/merge-patch+json' },
    );
    expect(scaled.body.spec.replicas).toBe(3);
    expect((await server.http('GET', `${apps}/scaled`)).body.spec.replicas).toBe(3);
    expect(hook.reviews[0].request).toMatchObject({
      kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
      subResource: 'scale',
      object: { kind: 'Scale', spec: { replicas: 9 } },
      oldObject: { kind: 'Scale', spec: { replicas: 1 } },
    });
  });

  it.each([
    [
      [{ op: 'replace', path: '/spec/x', value: 1 }],
      'replace operation does not apply: doc is missing path: /spec/x: missing value',
    ],
    [
      [{ op: 'remove', path: '/data/none' }],
      "error in remove for path: '/data/none': Unable to remove nonexistent key: none: missing value",
    ],
    [[{ op: 'test', path: '/data/a', value: '9' }], 'testing value /data/a failed: test failed'],
  ])('fail the request with a patch that does not apply', async (operations, message) => {
    hook.answer((review) => patch(review, operations));
    await register('mutating', 'bad-patch');
    const { status, body } = await create();
    expect(status).toBe(500);
    expect(body.message).toBe(`Internal error occurred: ${message}`);
  });
});

describe('validating webhooks', () => {
  it.each([
    [{ message: 'no way' }, 400, ': no way'],
    [{ reason: 'Forbidden', code: 403 }, 403, ': Forbidden'],
    [undefined, 400, ' without explanation'],
    [{ message: 'odd', code: 200, status: 'Success' }, 400, ': odd'],
  ])('refuse with what they say: %o', async (status, code, text) => {
    hook.answer((review) => deny(review, status));
    await register('validating', 'deny');
    const answer = await create();
    expect(answer.status).toBe(code);
    expect(answer.body).toMatchObject({
      kind: 'Status',
      status: 'Failure',
      message: `admission webhook "deny.example.com" denied the request${text}`,
    });
  });

  it('see what the mutating ones have made of it, with its uid', async () => {
    hook.answer((review) =>
      review.request.object.data.added === undefined
        ? patch(review, [{ op: 'add', path: '/data/added', value: 'x' }])
        : allow(review),
    );
    await register('mutating', 'change');
    await register('validating', 'check');
    await create();
    expect(hook.reviews[0].request.object.metadata.uid).toBeUndefined();
    expect(hook.reviews.at(-1).request.object).toMatchObject({
      data: { added: 'x' },
      metadata: { uid: expect.any(String) },
    });
  });

  it('warn the client', async () => {
    hook.answer((review) => allow(review, { warnings: ['mind the gap', 'and the "quotes"'] }));
    await register('validating', 'warn');
    const { headers } = await create();
    expect(headers.get('warning')).toBe('299 - "mind the gap", 299 - "and the \\"quotes\\""');
  });

  it('are asked about each object of a collection that is deleted', async () => {
    const names = [freshName(), freshName()];
    for (const name of names) await create(name, { batch: 'one' });
    await register('validating', 'keep', { rules: [{ ...EVERY_MAP[0], operations: ['DELETE'] }] });
    await server.http('DELETE', `${maps}?labelSelector=batch%3Done`);
    expect(hook.reviews.map(({ request }) => request.oldObject.metadata.name).sort()).toEqual(names.sort());
  });

  it('are asked about connections to pods, with what these are for', async () => {
    hook.answer((review) => deny(review, { message: 'no shells' }));
    await register('validating', 'shells', {
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CONNECT'], resources: ['pods/exec'] }],
    });
    const path = '/api/v1/namespaces/default/pods/some/exec?container=c&stdin=true&command=sh&command=-i';
    const { status, body } = await server.http('POST', path);
    expect(status).toBe(400);
    expect(body.message).toBe('admission webhook "shells.example.com" denied the request: no shells');
    expect(hook.reviews).toHaveLength(1);
    expect(hook.reviews[0].request).toMatchObject({
      kind: { group: '', version: 'v1', kind: 'PodExecOptions' },
      resource: { resource: 'pods' },
      subResource: 'exec',
      name: 'some',
      operation: 'CONNECT',
      object: { kind: 'PodExecOptions', apiVersion: 'v1', container: 'c', stdin: true, command: ['sh', '-i'] },
      oldObject: null,
    });
  });

  it('are not asked about webhooks', async () => {
    hook.answer((review) => deny(review));
    await register('validating', 'all', {
      rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] }],
    });
    expect((await server.http('DELETE', `${group}/validatingwebhookconfigurations/all`)).status).toBe(200);
    expect(hook.reviews).toHaveLength(0);
  });
});

describe('which requests a webhook is called for', () => {
  it('is up to its selectors for objects and namespaces', async () => {
    await register('validating', 'objects', { objectSelector: { matchLabels: { watched: 'yes' } } });
    await create();
    expect(hook.reviews).toHaveLength(0);
    await create(freshName(), { watched: 'yes' });
    expect(hook.reviews).toHaveLength(1);
    await register('validating', 'namespaces', {
      namespaceSelector: {
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['default'] }],
      },
    });
    await create();
    expect(hook.reviews).toHaveLength(1);
  });

  it('includes other versions of the same objects, unless it wants exact matches', async () => {
    const scalers = (version: string) => ({
      rules: [
        {
          apiGroups: ['autoscaling'],
          apiVersions: [version],
          operations: ['CREATE'],
          resources: ['horizontalpodautoscalers'],
        },
      ],
    });
    await register('validating', 'equivalent', scalers('v1'));
    await register('validating', 'exact', { ...scalers('v1'), matchPolicy: 'Exact' });
    await server.http('POST', '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'h', namespace: 'default' },
      spec: {
        maxReplicas: 3,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
        ],
      },
    });
    expect(hook.reviews).toHaveLength(1);
    expect(hook.reviews[0].request).toMatchObject({
      kind: { version: 'v1' },
      requestKind: { version: 'v2' },
      object: { apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 70 } },
    });
  });

  it('is up to its match conditions: expressions over the request', async () => {
    await register('validating', 'conditions', {
      matchConditions: [
        { name: 'data', expression: "object.data.a == '2'" },
        {
          name: 'user',
          expression:
            "request.userInfo.username == 'admin' && authorizer.group('').resource('pods').check('get').allowed()",
        },
      ],
    });
    await create();
    expect(hook.reviews).toHaveLength(0);
    const { status } = await server.http('POST', maps, configMap(freshName(), { a: '2' }));
    expect(status).toBe(201);
    expect(hook.reviews).toHaveLength(1);
    await register('mutating', 'broken', {
      matchConditions: [{ name: 'none', expression: 'object.nothing.here == 1' }],
    });
    const refused = await create('broken-condition');
    expect(refused.status).toBe(403);
    expect(refused.body.message).toMatch(
      /^configmaps "broken-condition" is forbidden: expression .object.nothing.here == 1. resulted in error: /,
    );
  });

  it('cannot be made to run for long by its match conditions', async () => {
    const loops = (depth: number): string =>
      depth === 0 ? 'true' : `[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(x${depth}, ${loops(depth - 1)})`;
    const matchConditions = [{ name: 'bomb', expression: loops(8) }];
    await register('validating', 'bomb', { matchConditions });
    const refused = await create('bombed');
    expect(refused.status).toBe(403);
    expect(refused.body.message).toContain('cost limit exceeded');
    await server.http('DELETE', `${group}/validatingwebhookconfigurations/bomb`);
    await register('validating', 'ignored-bomb', { matchConditions, failurePolicy: 'Ignore' });
    expect((await create()).status).toBe(201);
    expect(hook.reviews).toHaveLength(0);
  });

  it('leaves dry runs out where the webhook has side effects', async () => {
    await register('validating', 'effects', { sideEffects: 'NoneOnDryRun' });
    expect((await server.http('POST', `${maps}?dryRun=All`, configMap('dry'))).status).toBe(201);
    expect(hook.reviews[0].request.dryRun).toBe(true);
  });
});

describe('webhooks that fail', () => {
  const failing = (more: HookOptions = {}) => register('validating', 'fail', more);
  const prefix = 'Internal error occurred: failed calling webhook "fail.example.com": ';

  it('fail the request, or are passed over', async () => {
    const url = 'https://127.0.0.1:1/review';
    await failing({ clientConfig: { url, caBundle: hook.caBundle } });
    const { status, body } = await create();
    expect(status).toBe(500);
    expect(body.reason).toBe('InternalError');
    expect(body.message).toBe(
      `${prefix}failed to call webhook: Post "${url}?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused`,
    );
    await server.http('DELETE', `${group}/validatingwebhookconfigurations/fail`);
    await failing({ clientConfig: { url, caBundle: hook.caBundle }, failurePolicy: 'Ignore' });
    expect((await create()).status).toBe(201);
  });

  it('by a certificate that nobody vouches for', async () => {
    const other = await startWebhook();
    await failing({ clientConfig: { url: hook.url, caBundle: other.caBundle } });
    expect((await create()).body.message).toContain(
      'tls: failed to verify certificate: x509: certificate signed by unknown authority',
    );
    await other.stop();
  });

  it('by never answering: after the time they have', async () => {
    hook.answer(() => undefined);
    await failing({ timeoutSeconds: 1 });
    expect((await create()).body.message).toBe(
      `${prefix}failed to call webhook: Post "${hook.url}?timeout=1s": context deadline exceeded`,
    );
  });

  it.each([
    [
      'garbage',
      "failed to call webhook: couldn't get version/kind; json parse error: invalid character 'g' looking for beginning of value",
    ],
    [
      '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}',
      'received invalid webhook response: webhook response was absent',
    ],
    [
      { httpStatus: 500, body: 'boom' },
      'failed to call webhook: an error on the server ("boom") has prevented the request from succeeding',
    ],
    [{ httpStatus: 404 }, 'failed to call webhook: the server could not find the requested resource'],
    ['', 'failed to call webhook: 0-length response with status code: 200 and content type: application/json'],
  ])('by answering %o', async (answer, text) => {
    hook.answer(() => answer);
    await failing();
    expect((await create()).body.message).toBe(prefix + text);
  });

  it('by an answer to another request, or without its kind', async () => {
    hook.answer((review) => ({ ...allow(review), response: { uid: 'other', allowed: true } }));
    await failing();
    expect((await create()).body.message).toMatch(
      /received invalid webhook response: expected response.uid="[^"]+", got "other"$/,
    );
    hook.answer((review) => ({ response: { uid: review.request.uid, allowed: true } }));
    expect((await create()).body.message).toBe(
      `${prefix}received invalid webhook response: expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=`,
    );
  });

  it('by an answer that is far too long, without taking the server along', async () => {
    hook.answer(() => Buffer.alloc(10 * 1024 * 1024, 32));
    await failing();
    expect((await create()).body.message).toContain('the answer is larger than 8388608 bytes');
    hook.answer((review) => allow(review));
    expect((await create()).status).toBe(201);
  });

  it('when they validate and want to change something', async () => {
    hook.answer((review) => patch(review, []));
    await failing();
    expect((await create()).body.message).toBe(
      `${prefix}received invalid webhook response: validating webhook may not return response.patch`,
    );
  });
});

describe('webhooks behind a Service', () => {
  const service = (more: object) =>
    server.http('POST', '/api/v1/namespaces/default/services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'hook', namespace: 'default' },
      ...more,
    });
  const clientConfig = (port: number) => ({
    service: { namespace: 'default', name: 'hook', path: '/in', port },
    caBundle: hook.caBundle,
  });

  afterEach(() => server.http('DELETE', '/api/v1/namespaces/default/services/hook'));

  it('are reached by the Service, and by no other name', async () => {
    await register('validating', 'behind', { clientConfig: clientConfig(hook.port) });
    const message = async () => (await create()).body.message as string;
    const url = `https://hook.default.svc:${hook.port}/in?timeout=10s`;
    expect(await message()).toContain(`Post "${url}": service "hook" not found`);
    await service({ spec: { ports: [{ port: hook.port }], selector: { app: 'hook' } } });
    expect(await message()).toContain(`Post "${url}": no endpoints available for service "hook"`);
    await server.http('DELETE', '/api/v1/namespaces/default/services/hook');
    await service({ spec: { type: 'ExternalName', externalName: 'localhost' } });
    expect((await create()).status).toBe(201);
    expect(hook.paths.at(-1)).toBe('/in?timeout=10s');
  });

  it.skipIf(ownAddress === undefined)(
    "are reached at the Service's ready endpoints (needs an address that is not loopback)",
    async () => {
      const behind = await startWebhook(['hook.default.svc'], ownAddress);
      await service({ spec: { ports: [{ name: 'https', port: 8443 }], clusterIP: 'None' } });
      const slice = await server.http('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'hook-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'hook' } },
        addressType: 'IPv4',
        ports: [{ name: 'https', port: behind.port }],
        endpoints: [
          { addresses: ['192.0.2.77'], conditions: { ready: false } },
          { addresses: [ownAddress], conditions: { ready: true } },
        ],
      });
      expect(slice.status).toBe(201);
      const { caBundle } = behind;
      await register('validating', 'behind', { clientConfig: { ...clientConfig(8443), caBundle } });
      expect((await create()).status).toBe(201);
      expect(behind.paths).toEqual(['/in?timeout=10s']);
      await behind.stop();
    },
  );
});

describe('reviews of the older version', () => {
  it('are sent to those who know no other', async () => {
    hook.answer(({ request }) => ({ response: { uid: request.uid, allowed: false, status: { message: 'old' } } }));
    await register('validating', 'beta', { admissionReviewVersions: ['v1beta1'] });
    expect((await create()).body.message).toBe('admission webhook "beta.example.com" denied the request: old');
    expect(hook.reviews[0].apiVersion).toBe('admission.k8s.io/v1beta1');
  });
});
