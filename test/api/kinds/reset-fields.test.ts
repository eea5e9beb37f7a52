import { expect, it } from 'vitest';
import { createKindRegistry, resetFieldsOf } from '../../../src/api/kinds/index.ts';

const registry = createKindRegistry();
const kind = (group: string, plural: string) => registry.byResource(group, 'v1', plural)!;

it('leaves status out of writes of the object, where it has one of its own', () => {
  expect(resetFieldsOf(kind('', 'pods'))).toEqual({ drop: [['status']] });
  expect(resetFieldsOf(kind('', 'configmaps'))).toEqual({ drop: [] });
});

it('leaves everything else out of writes of status', () => {
  expect(resetFieldsOf(kind('apps', 'replicasets'), 'status')).toEqual({ drop: [['spec']] });
  expect(resetFieldsOf(kind('apps', 'deployments'), 'status')).toEqual({ drop: [['spec'], ['metadata', 'labels']] });
  expect(resetFieldsOf(kind('storage.k8s.io', 'volumeattachments'), 'status')).toEqual({
    drop: [['spec'], ['metadata']],
  });
});

it('lets parts of pods be owned alone', () => {
  expect(resetFieldsOf(kind('', 'pods'), 'ephemeralcontainers')).toEqual({ keep: [['spec', 'ephemeralContainers']] });
  expect(resetFieldsOf(kind('', 'pods'), 'binding')).toEqual({ drop: [] });
});
