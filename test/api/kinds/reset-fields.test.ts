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

it('lets nobody own a certificate request, but for decisions and the certificate', () => {
  const requests = kind('certificates.k8s.io', 'certificatesigningrequests');
  expect(resetFieldsOf(requests)).toEqual({ drop: [['spec'], ['status']] });
  expect(resetFieldsOf(requests, 'status')).toEqual({ drop: [['spec'], ['status', 'conditions']] });
  expect(resetFieldsOf(requests, 'approval')).toEqual({ drop: [['spec'], ['status', 'certificate']] });
});

it('is alike in all versions of a kind', () => {
  const autoscalers = kind('autoscaling', 'horizontalpodautoscalers');
  expect(resetFieldsOf(autoscalers, 'status')).toEqual({ drop: [['spec']] });
});
