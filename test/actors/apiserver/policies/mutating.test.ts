/** MutatingAdmissionPolicies, as clients meet them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pod, startServer, type TestServer } from '../fixtures.ts';

const GROUP = '/apis/admissionregistration.k8s.io/v1';
let server: TestServer;

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 }, serviceAccountAdmission: false });
});
afterAll(() => server.stop());

let count = 0;

/** A policy about pods labelled with its name. */
async function policy(mutations: object[], spec: object = {}) {
  // Policies are asked in the order of their names.
  const name = `m${String(++count).padStart(3, '0')}`;
  const created = await server.http('POST', `${GROUP}/mutatingadmissionpolicies`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicy',
    metadata: { name },
    spec: {
      matchConstraints: {
        objectSelector: { matchLabels: { policy: name } },
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      },
      reinvocationPolicy: 'Never',
      mutations,
      ...spec,
    },
  });
  expect(created.body).toMatchObject({ metadata: { name } });
  const bound = await server.http('POST', `${GROUP}/mutatingadmissionpolicybindings`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name },
  });
  expect(bound.status).toBe(201);
  return (more: Record<string, unknown> = {}) =>
    server.http(
      'POST',
      '/api/v1/namespaces/default/pods',
      pod(`p${++count}`, { ...more, metadata: { labels: { policy: name } } }),
    );
}

const apply = (expression: string) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } });
const patch = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } });

describe('a mutating policy', () => {
  it('sees its variables anew after each of its mutations', async () => {
    const create = await policy(
      [
        patch(`[JSONPatch{op: "add", path: "/metadata/annotations", value: {"seen": string(variables.labels)}}]`),
        patch(`[JSONPatch{op: "add", path: "/metadata/labels/more", value: "yes"}]`),
        patch(`[JSONPatch{op: "add", path: "/metadata/annotations/again", value: string(variables.labels)}]`),
      ],
      { variables: [{ name: 'labels', expression: 'object.metadata.labels.size()' }] },
    );
    expect((await create()).body.metadata.annotations).toEqual({ seen: '1', again: '2' });
  });

  it('merges configurations, items of map lists by their keys', async () => {
    const create = await policy([
      apply(`Object{
        metadata: Object.metadata{labels: {"added": "yes"}},
        spec: Object.spec{
          hostNetwork: false,
          containers: object.spec.containers.map(c, Object.spec.containers{name: c.name, imagePullPolicy: "Never"}),
          tolerations: [Object.spec.tolerations{key: "k", operator: "Exists"}]
        }
      }`),
    ]);
    const { status, body } = await create();
    // The list of tolerations is replaced as a whole: policies may not do that by merging.
    expect([status, body.message]).toEqual([
      403,
      expect.stringContaining('may not mutate atomic arrays, maps or structs: .spec.tolerations'),
    ]);
    const other = await policy([
      apply(`Object{
        metadata: Object.metadata{labels: {"added": "yes"}},
        spec: Object.spec{containers: object.spec.containers.map(c, Object.spec.containers{name: c.name, imagePullPolicy: "Never"})}
      }`),
    ]);
    const made = (await other()).body;
    expect(made.metadata.labels.added).toBe('yes');
    expect(made.spec.containers).toMatchObject([{ name: 'c', image: 'nginx:1.25', imagePullPolicy: 'Never' }]);
  });

  it('patches, each mutation on what the ones before have made', async () => {
    const create = await policy([
      patch(`[JSONPatch{op: "add", path: "/metadata/annotations", value: {"count": "1"}}]`),
      patch(`[
        JSONPatch{op: "test", path: "/metadata/annotations/count", value: "1"},
        JSONPatch{op: "add", path: "/metadata/annotations/" + jsonpatch.escapeKey("example.com/name"), value: object.metadata.annotations.count + "x"}
      ]`),
    ]);
    expect((await create()).body.metadata.annotations).toEqual({ count: '1', 'example.com/name': '1x' });
  });

  it.each([
    ['IfNeeded', '3'],
    ['Never', '2'],
  ])('is asked again after later ones changed the object: %s', async (reinvocationPolicy, counted) => {
    const anyOf = {
      matchConditions: [
        { name: 'marked', expression: "has(object.metadata.labels) && 'counted' in object.metadata.labels" },
      ],
    };
    const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] };
    const all = { ...anyOf, matchConstraints: { resourceRules: [rule] } };
    const count = 'Object{metadata: Object.metadata{annotations: {"labels": string(size(object.metadata.labels))}}}';
    const label = 'Object{metadata: Object.metadata{labels: {"late": "yes"}}}';
    await policy([apply(count)], { ...all, reinvocationPolicy });
    await policy([apply(label)], all);
    const created = await server.http(
      'POST',
      '/api/v1/namespaces/default/pods',
      pod(`again-${reinvocationPolicy.toLowerCase()}`, {
        metadata: { labels: { counted: reinvocationPolicy, x: 'y' } },
      }),
    );
    expect(created.body.metadata.annotations).toEqual({ labels: counted });
    expect(created.body.metadata.labels['late']).toBe('yes');
    for (const kind of ['mutatingadmissionpolicies', 'mutatingadmissionpolicybindings']) {
      await server.http('DELETE', `${GROUP}/${kind}`);
    }
  });

  it('fails as its failure policy says', async () => {
    const broken = [patch(`[JSONPatch{op: "remove", path: "/metadata/" + object.nope}]`)];
    const strict = await policy(broken);
    const { status, body } = await strict();
    expect([status, body.message]).toEqual([
      403,
      expect.stringMatching(/^policy 'm\d+' with binding 'm\d+' denied request: .*no such key: nope/),
    ]);
    const loose = await policy(broken, { failurePolicy: 'Ignore' });
    expect((await loose()).status).toBe(201);
  });

  it('leaves the object alone when a test in a patch fails', async () => {
    const create = await policy([
      patch(`[
        JSONPatch{op: "test", path: "/metadata/labels/policy", value: "other"},
        JSONPatch{op: "add", path: "/metadata/labels/tested", value: "yes"}
      ]`),
      patch('[JSONPatch{op: "add", path: "/metadata/labels/after", value: "yes"}]'),
    ]);
    const { status, body } = await create();
    expect([status, body.metadata.labels.tested, body.metadata.labels.after]).toEqual([201, undefined, 'yes']);
  });

  it.each([
    [
      'Object{metadata: Object.metadata{nope: "x"}}',
      'failed to convert patch object to typed object: .metadata.nope: field not declared in schema',
    ],
    [
      'Object{metadata: Object.metadata{labels: {"a": 1}}}',
      'failed to convert patch object to typed object: .metadata.labels.a: expected string, got &value.valueUnstructured{Value:1}',
    ],
    [
      'Object{spec: Object.spec{containers: [Object.spec.containers{name: "c", args: ["a"]}], nodeSelector: {"a": "b"}}}',
      'invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.containers[0].args, .spec.nodeSelector',
    ],
  ])('merges nothing that the kind does not have: %s', async (expression, problem) => {
    const { status, body } = await (await policy([apply(expression)]))();
    expect([status, body.reason]).toEqual([403, 'Invalid']);
    expect(body.message).toMatch(/^policy 'm\d+' with binding 'm\d+' denied request: error applying patch: /);
    expect(body.message).toContain(problem);
    expect(body.details.causes).toEqual([{ message: body.message }]);
  });

  it('is an internal error when a patch makes what is none of the kind, whatever the failure policy', async () => {
    const create = await policy([patch('[JSONPatch{op: "add", path: "/nope", value: 1}]')], {
      failurePolicy: 'Ignore',
    });
    const { status, body } = await create();
    expect([status, body.message]).toEqual([
      500,
      'Internal error occurred: strict decoding error: unknown field "nope"',
    ]);
  });

  it('does what its other mutations say when one fails and may', async () => {
    const create = await policy(
      [
        patch('[JSONPatch{op: "add", path: "/metadata/labels/before", value: "yes"}]'),
        patch('[JSONPatch{op: "remove", path: "/metadata/labels/nope"}]'),
        patch('[JSONPatch{op: "add", path: "/metadata/labels/after", value: "yes"}]'),
      ],
      { failurePolicy: 'Ignore' },
    );
    expect((await create()).body.metadata.labels).toMatchObject({ before: 'yes', after: 'yes' });
  });

  it('is asked only when its match conditions hold, and knows variables', async () => {
    const create = await policy([apply('Object{metadata: Object.metadata{labels: {"image": variables.first}}}')], {
      matchConditions: [{ name: 'named', expression: "object.spec.containers[0].image.startsWith('nginx')" }],
      variables: [{ name: 'first', expression: "object.spec.containers[0].image.replace(':', '-')" }],
    });
    expect((await create()).body.metadata.labels.image).toBe('nginx-1.25');
    const other = (await create({ spec: { containers: [{ name: 'c', image: 'redis' }] } })).body;
    expect(other.metadata.labels.image).toBeUndefined();
  });

  it('is refused when its expressions are wrong', async () => {
    const answer = await server.http('POST', `${GROUP}/mutatingadmissionpolicies`, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingAdmissionPolicy',
      metadata: { name: 'wrong' },
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
        },
        reinvocationPolicy: 'Never',
        mutations: [apply('Object{spec: nope}'), patch('1')],
      },
    });
    expect(answer.status).toBe(422);
    expect(answer.body.message).toContain("compilation failed: ERROR: <input>:1:14: undeclared reference to 'nope'");
    expect(answer.body.message).toContain('must evaluate to list(JSONPatch)');
  });
});
