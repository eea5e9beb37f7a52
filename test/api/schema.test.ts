import { describe, expect, it } from 'vitest';
import { definitionNames, objectSchema, schemaOf } from '../../src/api/index.ts';

const field = (definition: string, name: string) => objectSchema(definition)?.fields.get(name);

describe('the schema tables', () => {
  it('hold every served kind with its group, version and kind', () => {
    expect(objectSchema('io.k8s.api.apps.v1.Deployment')?.groupVersionKind).toEqual({
      group: 'apps',
      version: 'v1',
      kind: 'Deployment',
    });
    expect(definitionNames().length).toBeGreaterThan(500);
  });

  it('know integers, bytes, times and quantities apart', () => {
    expect(field('io.k8s.api.core.v1.ContainerPort', 'containerPort')?.schema.kind).toBe('int32');
    expect(field('io.k8s.api.core.v1.PodSpec', 'terminationGracePeriodSeconds')?.schema.kind).toBe('int64');
    expect(field('io.k8s.api.core.v1.Secret', 'data')?.schema.element?.kind).toBe('bytes');
    expect(field('io.k8s.api.coordination.v1.LeaseSpec', 'renewTime')?.schema.kind).toBe('microtime');
    expect(field('io.k8s.api.core.v1.ResourceRequirements', 'limits')?.schema.element?.kind).toBe('quantity');
    expect(field('io.k8s.api.core.v1.ServicePort', 'targetPort')?.schema.kind).toBe('intOrString');
  });

  it('know how fields merge', () => {
    const ports = field('io.k8s.api.core.v1.Container', 'ports');
    expect(ports?.schema.listType).toBe('map');
    expect(ports?.schema.listMapKeys).toEqual(['containerPort', 'protocol']);
    expect(ports?.mergeKey).toBe('containerPort');
    expect(field('io.k8s.api.core.v1.PodSpec', 'volumes')?.patchStrategies).toEqual(['merge', 'retainKeys']);
    expect(field('io.k8s.api.core.v1.PodSpec', 'nodeSelector')?.schema.atomic).toBe(true);
    expect(field('io.k8s.api.apps.v1.DeploymentSpec', 'selector')?.schema.atomic).toBe(true);
    expect(field('io.k8s.api.core.v1.PersistentVolumeSpec', 'claimRef')?.schema.atomic).toBe(false);
  });

  it('know which fields are always written', () => {
    expect(field('io.k8s.api.core.v1.Container', 'resources')?.presence).toBe('struct');
    expect(field('io.k8s.api.core.v1.Container', 'name')?.presence).toBe('always');
    expect(field('io.k8s.api.apps.v1.DeploymentSpec', 'replicas')?.presence).toBe('keep');
    expect(field('io.k8s.api.core.v1.PodSpec', 'hostNetwork')?.presence).toBe('drop');
  });

  it('refuse an unknown definition', () => {
    expect(objectSchema('io.k8s.api.core.v1.Nope')).toBeUndefined();
    expect(() => schemaOf('io.k8s.api.core.v1.Nope')).toThrow(/Nope/);
  });
});
