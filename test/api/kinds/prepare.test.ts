import { describe, expect, it } from 'vitest';
import {
  type ApiObject,
  createKindRegistry,
  type KindDefinition,
  prepareForCreate,
  prepareForStatusUpdate,
  prepareForUpdate,
  type StrategyContext,
} from '../../../src/api/kinds/index.ts';

const context: StrategyContext = {
  now: '2026-01-01T00:00:00Z',
  nowMs: Date.parse('2026-01-01T00:00:00Z'),
  uuid: () => '00000000-0000-0000-0000-000000000001',
  suffix: (length) => 'x'.repeat(length),
  dryRun: false,
};
const registry = createKindRegistry();
const kind = (group: string, plural: string) => registry.byResource(group, 'v1', plural)!;
const widgets: KindDefinition = {
  group: 'example.com',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  singular: 'widget',
  namespaced: true,
  definition: 'com.example.v1.Widget',
  storagePrefix: '/registry/example.com/widgets',
  subresources: [{ name: 'status', verbs: ['get', 'patch', 'update'] }],
};

const object = (fields: Record<string, unknown>): ApiObject => ({
  apiVersion: 'v1',
  kind: 'X',
  ...fields,
  metadata: { name: 'x', ...(fields.metadata as object) },
});

describe('creation', () => {
  it('drops the status that a client sends and starts counting generations', () => {
    const deployment = object({ spec: { replicas: 1 }, status: { replicas: 9 } });
    prepareForCreate(kind('apps', 'deployments'), deployment, context);
    expect(deployment.status).toEqual({});
    expect(deployment.metadata.generation).toBe(1);
  });

  it('keeps the status of nodes, which register themselves with it', () => {
    const node = object({ status: { capacity: { cpu: '1' } } });
    prepareForCreate(kind('', 'nodes'), node, context);
    expect(node.status).toEqual({ capacity: { cpu: '1' } });
    expect(node.metadata.generation).toBeUndefined();
  });

  it('counts generations of custom kinds with a status, and of no others', () => {
    const widget = object({ spec: {}, status: { phase: 'x' } });
    prepareForCreate(widgets, widget, context);
    expect(widget).toMatchObject({ metadata: { generation: 1 }, status: {} });
    const plain = object({ status: { phase: 'x' } });
    prepareForCreate({ ...widgets, subresources: [] }, plain, context);
    expect(plain).toEqual(object({ status: { phase: 'x' } }));
  });
});

describe('an update', () => {
  it('keeps status and counts a changed spec once', () => {
    const previous = object({ metadata: { generation: 4 }, spec: { replicas: 1 }, status: { replicas: 1 } });
    const next = object({ metadata: { generation: 99 }, spec: { replicas: 2 }, status: { replicas: 7 } });
    prepareForUpdate(kind('apps', 'replicasets'), next, previous, context);
    expect(next).toEqual(object({ metadata: { generation: 5 }, spec: { replicas: 2 }, status: { replicas: 1 } }));
  });

  it('leaves generation alone when only metadata changes', () => {
    const previous = object({ metadata: { generation: 4 }, spec: { replicas: 1 } });
    const next = object({ metadata: { labels: { a: 'b' } }, spec: { replicas: 1 }, status: { replicas: 7 } });
    prepareForUpdate(kind('apps', 'replicasets'), next, previous, context);
    expect(next).toEqual(object({ metadata: { labels: { a: 'b' }, generation: 4 }, spec: { replicas: 1 } }));
  });

  it('counts annotations of deployments as a change', () => {
    const previous = object({ metadata: { generation: 1 }, spec: {} });
    const next = object({ metadata: { annotations: { a: 'b' } }, spec: {} });
    prepareForUpdate(kind('apps', 'deployments'), next, previous, context);
    expect(next.metadata.generation).toBe(2);
  });

  it('never counts priority classes after their creation', () => {
    const previous = object({ metadata: { generation: 1 }, description: 'a' });
    const next = object({ description: 'b' });
    prepareForUpdate(kind('scheduling.k8s.io', 'priorityclasses'), next, previous, context);
    expect(next.metadata.generation).toBe(1);
  });
});

describe('an update of status', () => {
  const labels = { a: 'new' };
  const annotations = { a: 'new' };

  it('takes everything else from what is stored', () => {
    const previous = object({ metadata: { generation: 3, resourceVersion: '5' }, spec: { a: 1 }, extra: 'old' });
    const next = object({ metadata: { generation: 9, resourceVersion: '4' }, spec: { a: 2 }, status: { ok: true } });
    prepareForStatusUpdate(widgets, next, previous, context);
    expect(next).toEqual(
      object({
        metadata: { generation: 3, resourceVersion: '4' },
        spec: { a: 1 },
        extra: 'old',
        status: { ok: true },
      }),
    );
  });

  it('keeps labels of deployments, and lets annotations through', () => {
    const previous = object({ metadata: { labels: { a: 'old' } }, spec: {} });
    const next = object({ metadata: { labels, annotations }, spec: {}, status: {} });
    prepareForStatusUpdate(kind('apps', 'deployments'), next, previous, context);
    expect(next.metadata).toEqual({ name: 'x', labels: { a: 'old' }, annotations });
  });

  it('keeps all metadata of newer kinds', () => {
    const previous = object({ metadata: { finalizers: ['f'] }, spec: {} });
    const next = object({ metadata: { labels, annotations }, spec: {}, status: {} });
    prepareForStatusUpdate(kind('networking.k8s.io', 'servicecidrs'), next, previous, context);
    expect(next.metadata).toEqual({ name: 'x', finalizers: ['f'] });
  });
});

it('counts templates of a DaemonSet by its spec, whatever its status is written with', () => {
  const generation = 'deprecated.daemonset.template.generation';
  const previous = object({ metadata: { annotations: { [generation]: '4' } }, spec: {} });
  const next = object({ metadata: { annotations: { [generation]: '9', a: 'b' } }, spec: {} });
  prepareForStatusUpdate(kind('apps', 'daemonsets'), next, previous, context);
  expect(next.metadata.annotations).toEqual({ [generation]: '4', a: 'b' });
});

describe('what a Deployment is asked to roll back to', () => {
  const rollback = 'deprecated.deployment.rollback.to';
  const defaulted = (annotations: Record<string, string>) => {
    const deployment = object({ metadata: { annotations }, spec: {} });
    kind('apps', 'deployments').strategy?.defaults?.(deployment);
    return deployment.metadata.annotations;
  };

  it('is kept as a number', () => {
    expect(defaulted({ [rollback]: '+07', a: 'b' })).toEqual({ [rollback]: '7', a: 'b' });
    expect(defaulted({ [rollback]: '', a: 'b' })).toEqual({ a: 'b' });
    expect(defaulted({ [rollback]: '' })).toBeUndefined();
  });

  it('is neither asked for nor withdrawn with the status', () => {
    const asked = { metadata: { annotations: { [rollback]: '3' } }, spec: {} };
    const plain = { metadata: { annotations: { a: 'b' } }, spec: {} };
    const written = (next: ApiObject, previous: ApiObject) => {
      prepareForStatusUpdate(kind('apps', 'deployments'), next, previous, context);
      return next.metadata.annotations;
    };
    expect(written(object(plain), object(asked))).toEqual({ a: 'b', [rollback]: '3' });
    expect(written(object(asked), object(plain))).toBeUndefined();
    const nothing = object({ metadata: {}, spec: {} });
    expect(written(nothing, object(asked))).toEqual({ [rollback]: '3' });
  });

  it('is not negative', () => {
    const deployment = object({
      metadata: { annotations: { [rollback]: '-1' } },
      spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: {} } },
    });
    const errors = kind('apps', 'deployments').strategy?.validate?.(deployment, context) ?? [];
    expect(errors.map(({ field, detail }) => [field, detail])).toContainEqual([
      'spec.rollback.version',
      'must be greater than or equal to 0',
    ]);
  });
});
