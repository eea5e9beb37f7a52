/** What is counted of admission: its steps, plugins, webhooks, match conditions and policies. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { scrape } from '../../../support/metrics.ts';
import { allow, deny, patch, startWebhook, type TestWebhook } from '../../../support/webhook.ts';
import { configMap, startServer, type TestServer } from '../fixtures.ts';

const GROUP = '/apis/admissionregistration.k8s.io/v1';
const MAPS = '/api/v1/namespaces/default/configmaps';
let server: TestServer;
let hook: TestWebhook;

beforeAll(async () => {
  [server, hook] = await Promise.all([
    startServer({ http: { host: '127.0.0.1', port: 0 }, serviceAccountAdmission: false }),
    startWebhook(['127.0.0.1']),
  ]);
});
afterAll(async () => {
  await Promise.all([server.stop(), hook.stop()]);
});

async function make(plural: string, kind: string, name: string, rest: object): Promise<void> {
  const body = { apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name }, ...rest };
  const { status, text } = await server.http('POST', `${GROUP}/${plural}`, body);
  expect(status, text).toBe(201);
}

/** A webhook about the config maps that are labelled with its name. */
function webhook(type: 'mutating' | 'validating', name: string, more: object = {}): Promise<void> {
  const kind = type === 'mutating' ? 'MutatingWebhookConfiguration' : 'ValidatingWebhookConfiguration';
  return make(`${type}webhookconfigurations`, kind, name, {
    webhooks: [
      {
        name: `${name}.example.com`,
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        clientConfig: { url: hook.url, caBundle: hook.caBundle },
        objectSelector: { matchLabels: { about: name } },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] }],
        ...more,
      },
    ],
  });
}

let count = 0;
async function create(about: string, data: Record<string, string> = { k: 'v' }): Promise<number> {
  const { status } = await server.http('POST', MAPS, configMap(`m${++count}`, data, { about }));
  return status;
}

/** What `work` adds to metrics; the labels need not be all. */
async function growth(work: () => Promise<unknown>) {
  const before = await scrape(server);
  await work();
  const after = await scrape(server);
  return (name: string, labels: Record<string, string>) => after.value(name, labels) - before.value(name, labels);
}

it('measures both steps of each write, and the plugins that are part of them', async () => {
  const grown = await growth(async () => {
    // Of plugins that let a request pass at once, one run in ten is measured.
    for (let i = 0; i < 10; i++) expect(await create('nothing')).toBe(201);
    expect((await server.http('DELETE', `${MAPS}/m${count}`)).status).toBe(200);
    const missing = '/api/v1/namespaces/missing/configmaps';
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' } };
    expect((await server.http('POST', missing, map)).status).toBe(404);
  });
  const step = 'apiserver_admission_step_admission_duration_seconds';
  for (const name of [`${step}_count`, `${step}_summary_count`]) {
    for (const type of ['admit', 'validate']) {
      // The server makes objects of its own meanwhile.
      expect(grown(name, { type, operation: 'CREATE', rejected: 'false' }), name).toBeGreaterThanOrEqual(10);
      expect(grown(name, { type, operation: 'DELETE', rejected: 'false' }), name).toBeGreaterThanOrEqual(1);
    }
    expect(grown(name, { type: 'admit', operation: 'CREATE', rejected: 'true' }), name).toBe(1);
  }
  const plugin = 'apiserver_admission_controller_admission_duration_seconds_count';
  const lifecycle = { name: 'NamespaceLifecycle', type: 'admit', operation: 'CREATE' };
  expect(grown(plugin, { ...lifecycle, rejected: 'false' })).toBeGreaterThanOrEqual(1);
  expect(grown(plugin, { ...lifecycle, rejected: 'true' })).toBe(1);
  const { text } = await scrape(server);
  expect(text).toContain(`# TYPE ${step}_summary summary\n`);
  expect(text).toMatch(
    new RegExp(`${step}_summary\\{operation="CREATE",rejected="true",type="admit",quantile="0.99"\\} `),
  );
});

it('measures calls of webhooks, by how they end', async () => {
  await webhook('mutating', 'changes');
  await webhook('validating', 'denies');
  await webhook('validating', 'gone', { clientConfig: { url: 'https://127.0.0.1:1/' } });
  await webhook('mutating', 'opens', { clientConfig: { url: 'https://127.0.0.1:1/' }, failurePolicy: 'Ignore' });
  await webhook('mutating', 'breaks');
  hook.answer((review) => {
    const { about } = review.request.object.metadata.labels;
    if (about === 'denies') return deny(review, { code: 418 });
    const path = about === 'breaks' ? '/data/none/such' : '/data/x';
    return patch(review, [{ op: 'add', path, value: 'y' }]);
  });
  const grown = await growth(async () => {
    expect(await create('changes')).toBe(201);
    expect(await create('denies')).toBe(418);
    expect(await create('gone')).toBe(500);
    expect(await create('opens')).toBe(201);
    expect(await create('breaks')).toBe(500);
  });
  const [requests, rejections] = ['webhook_request_total', 'webhook_rejection_count'].map(
    (name) => (labels: Record<string, string>) => grown(`apiserver_admission_${name}`, labels),
  ) as [(labels: Record<string, string>) => number, (labels: Record<string, string>) => number];
  const operation = 'CREATE';
  const called = (about: string, type: string) => ({ name: `${about}.example.com`, type, operation });
  expect(requests({ ...called('changes', 'admit'), code: '200', rejected: 'false' })).toBe(1);
  expect(requests({ ...called('denies', 'validating'), code: '418', rejected: 'true' })).toBe(1);
  expect(requests({ ...called('gone', 'validating'), code: '503', rejected: 'true' })).toBe(1);
  expect(requests({ ...called('opens', 'admit'), code: '503', rejected: 'false' })).toBe(1);
  expect(requests({ ...called('breaks', 'admit'), code: '0', rejected: 'true' })).toBe(1);
  expect(rejections({})).toBe(3);
  const because = (error_type: string, rejection_code: string) => ({ error_type, rejection_code });
  expect(rejections({ ...called('denies', 'validating'), ...because('no_error', '418') })).toBe(1);
  expect(rejections({ ...called('gone', 'validating'), ...because('calling_webhook_error', '503') })).toBe(1);
  expect(rejections({ ...called('breaks', 'admit'), ...because('apiserver_internal_error', '0') })).toBe(1);
  const duration = 'apiserver_admission_webhook_admission_duration_seconds_count';
  expect(grown(duration, { ...called('denies', 'validating'), rejected: 'true' })).toBe(1);
  expect(grown(duration, { ...called('changes', 'admit'), rejected: 'false' })).toBe(1);
  const open = 'apiserver_admission_webhook_fail_open_count';
  expect(grown(open, { name: 'opens.example.com', type: 'admit' })).toBe(1);
  expect(grown(open, {})).toBe(1);
});

it('fails open for a patch that cannot be read, where failures are ignored', async () => {
  await webhook('mutating', 'garbled', { failurePolicy: 'Ignore' });
  await webhook('mutating', 'garbles');
  hook.answer((review) => allow(review, { patchType: 'JSONPatch', patch: Buffer.from('{').toString('base64') }));
  const grown = await growth(async () => {
    expect(await create('garbled')).toBe(201);
    expect(await create('garbles')).toBe(500);
  });
  expect(grown('apiserver_admission_webhook_fail_open_count', { name: 'garbled.example.com' })).toBe(1);
  const labels = { name: 'garbles.example.com', error_type: 'calling_webhook_error' };
  expect(grown('apiserver_admission_webhook_rejection_count', labels)).toBe(1);
});

it('counts match conditions: evaluated, not met, failed', async () => {
  hook.answer((review) => allow(review));
  const matchConditions = [{ name: 'c', expression: "object.data['want'] == 'yes'" }];
  await webhook('validating', 'choosy', { matchConditions });
  const grown = await growth(async () => {
    expect(await create('choosy', { want: 'yes' })).toBe(201);
    expect(await create('choosy', { want: 'no' })).toBe(201);
    expect(await create('choosy', { other: 'x' })).toBe(403);
  });
  const labels = { kind: 'webhook', name: 'choosy.example.com', operation: 'CREATE' };
  const prefix = 'apiserver_admission_match_condition';
  expect(grown(`${prefix}_evaluation_seconds_count`, { ...labels, type: 'validating' })).toBe(3);
  expect(grown(`${prefix}_evaluation_errors_total`, { ...labels, type: 'validating' })).toBe(1);
  expect(grown(`${prefix}_exclusions_total`, { ...labels, type: 'validate' })).toBe(1);
});

const about = (name: string) => ({
  objectSelector: { matchLabels: { about: name } },
  resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
});

it('counts what validating policies find, by what becomes of it', async () => {
  const policy = async (name: string, actions: string[], more: object = {}) => {
    await make('validatingadmissionpolicies', 'ValidatingAdmissionPolicy', name, {
      spec: { matchConstraints: about(name), validations: [{ expression: "object.data['a'] == 'good'" }], ...more },
    });
    const spec = { policyName: name, validationActions: actions };
    await make('validatingadmissionpolicybindings', 'ValidatingAdmissionPolicyBinding', `${name}-b`, { spec });
  };
  await policy('strict', ['Deny', 'Audit'], {
    matchConditions: [{ name: 'c', expression: "object.metadata.name != 'never'" }],
  });
  await policy('mild', ['Warn']);
  await policy('careless', ['Deny'], { failurePolicy: 'Ignore' });
  const grown = await growth(async () => {
    expect(await create('strict', { a: 'good' })).toBe(201);
    expect(await create('strict', { a: 'bad' })).toBe(422);
    expect(await create('mild', { a: 'bad' })).toBe(201);
    expect(await create('careless', { b: 'x' })).toBe(201);
  });
  const prefix = 'apiserver_validating_admission_policy_check';
  for (const name of [`${prefix}_total`, `${prefix}_duration_seconds_count`]) {
    const check = (policy: string, enforcement_action: string) =>
      grown(name, { policy, policy_binding: `${policy}-b`, enforcement_action, error_type: 'invalid_error' });
    expect(check('strict', 'deny'), name).toBe(1);
    expect(check('strict', 'audit'), name).toBe(1);
    expect(check('mild', 'warn'), name).toBe(1);
    expect(check('careless', 'allow'), name).toBe(1);
    expect(grown(name, {}), name).toBe(4);
  }
  const conditions = { kind: 'policy', name: 'strict', type: 'validate', operation: 'CREATE' };
  expect(grown('apiserver_admission_match_condition_evaluation_seconds_count', conditions)).toBe(2);
});

it('counts each mutation of mutating policies', async () => {
  await make('mutatingadmissionpolicies', 'MutatingAdmissionPolicy', 'sets', {
    spec: {
      matchConstraints: about('sets'),
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      mutations: [
        {
          patchType: 'JSONPatch',
          jsonPatch: { expression: `[JSONPatch{op: "add", path: "/data/b", value: object.data["a"]}]` },
        },
      ],
    },
  });
  const spec = { policyName: 'sets' };
  await make('mutatingadmissionpolicybindings', 'MutatingAdmissionPolicyBinding', 'sets-b', { spec });
  const grown = await growth(async () => {
    expect(await create('sets', { a: '1' })).toBe(201);
    expect(await create('sets', { c: '1' })).toBe(403);
  });
  const prefix = 'apiserver_mutating_admission_policy_check';
  for (const name of [`${prefix}_total`, `${prefix}_duration_seconds_count`]) {
    const labels = { policy: 'sets', policy_binding: 'sets-b' };
    expect(grown(name, { ...labels, error_type: 'no_error' }), name).toBe(1);
    expect(grown(name, { ...labels, error_type: 'invalid_error' }), name).toBe(1);
  }
});
