import { describe, expect, it } from 'vitest';
import { type ApiObject, createKindRegistry, storedKindOf } from '../../../../src/api/kinds/index.ts';

const registry = createKindRegistry();
const v1 = registry.byResource('autoscaling', 'v1', 'horizontalpodautoscalers')!;
const v2 = registry.byResource('autoscaling', 'v2', 'horizontalpodautoscalers')!;
const target = { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' };

describe('HorizontalPodAutoscaler v1', () => {
  it('is stored as v2', () => {
    expect(storedKindOf(registry, v1)).toBe(v2);
    expect(storedKindOf(registry, v2)).toBe(v2);
  });

  it('says target utilization where v2 has a metric', () => {
    const object: ApiObject = {
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'x' },
      spec: { scaleTargetRef: target, maxReplicas: 3, targetCPUUtilizationPercentage: 50 },
      status: { currentReplicas: 2, desiredReplicas: 2, currentCPUUtilizationPercentage: 40 },
    };
    const stored = v1.conversion!.toStored(object);
    expect(stored).toMatchObject({
      apiVersion: 'autoscaling/v2',
      spec: {
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
        ],
      },
      status: { currentReplicas: 2, currentMetrics: [{ type: 'Resource' }] },
    });
    const { metadata, ...rest } = v1.conversion!.fromStored(stored);
    const { metadata: _before, ...expected } = object;
    expect(rest).toEqual(expected);
    expect(metadata.name).toBe('x');
  });

  it('loses nothing of v2 on the way there and back', () => {
    const stored: ApiObject = {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'x', annotations: { note: 'n' } },
      spec: {
        scaleTargetRef: target,
        maxReplicas: 3,
        metrics: [
          { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '100Mi' } } },
          { type: 'Pods', pods: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '5' } } },
          {
            type: 'External',
            external: {
              metric: { name: 'e', selector: { matchLabels: { app: 'x' } } },
              target: { type: 'Value', value: '30' },
            },
          },
          {
            type: 'ContainerResource',
            containerResource: { name: 'cpu', container: 'c', target: { type: 'Utilization', averageUtilization: 50 } },
          },
          {
            type: 'Object',
            object: { describedObject: target, metric: { name: 'o' }, target: { type: 'Value', value: '2k' } },
          },
        ],
        behavior: { scaleUp: { selectPolicy: 'Max', policies: [{ type: 'Pods', value: 1, periodSeconds: 30 }] } },
      },
      status: {
        desiredReplicas: 1,
        currentMetrics: [{ type: 'Resource', resource: { name: 'memory', current: { averageValue: '1Mi' } } }],
        conditions: [{ type: 'AbleToScale', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
      },
    };
    const seen = v1.conversion!.fromStored(structuredClone(stored));
    expect(Object.keys(seen.metadata.annotations as object).sort()).toEqual([
      'autoscaling.alpha.kubernetes.io/behavior',
      'autoscaling.alpha.kubernetes.io/conditions',
      'autoscaling.alpha.kubernetes.io/current-metrics',
      'autoscaling.alpha.kubernetes.io/metrics',
      'note',
    ]);
    expect(v1.conversion!.toStored(seen)).toEqual(stored);
  });

  it('write what stands in annotations in the order of their types', () => {
    const since = '2026-01-01T00:00:00Z';
    const condition = { lastTransitionTime: since, message: 'm', reason: 'r', status: 'True', type: 'AbleToScale' };
    const describedObject = { apiVersion: 'v1', kind: 'Service', name: 's' };
    const object = { describedObject, metric: { name: 'rps' }, target: { type: 'Value', value: '1k' } };
    const seen = v1.conversion!.fromStored({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'x' },
      spec: { scaleTargetRef: target, maxReplicas: 3, metrics: [{ type: 'Object', object }] },
      status: { desiredReplicas: 1, conditions: [condition] },
    });
    expect(seen.metadata.annotations).toEqual({
      'autoscaling.alpha.kubernetes.io/conditions': `[{"type":"AbleToScale","status":"True","lastTransitionTime":"${since}","reason":"r","message":"m"}]`,
      'autoscaling.alpha.kubernetes.io/metrics':
        '[{"type":"Object","object":{"target":{"kind":"Service","name":"s","apiVersion":"v1"},"metricName":"rps","targetValue":"1k"}}]',
    });
  });

  it('ignores annotations that are not JSON', () => {
    const stored = v1.conversion!.toStored({
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'x', annotations: { 'autoscaling.alpha.kubernetes.io/metrics': '{' } },
      spec: { scaleTargetRef: target, maxReplicas: 3 },
    });
    expect(stored.spec).toEqual({ scaleTargetRef: target, maxReplicas: 3 });
  });
});

describe('defaults of HorizontalPodAutoscaler v2', () => {
  it('scale on 80 percent of cpu when nothing is said', () => {
    const object: ApiObject = { apiVersion: '', kind: '', metadata: {}, spec: { maxReplicas: 3 } };
    v2.strategy!.defaults!(object);
    expect(object.spec).toEqual({
      maxReplicas: 3,
      minReplicas: 1,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
      ],
    });
  });

  it('complete both directions once one is given', () => {
    const object: ApiObject = {
      apiVersion: '',
      kind: '',
      metadata: {},
      spec: { maxReplicas: 3, behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } },
    };
    v2.strategy!.defaults!(object);
    expect((object.spec as { behavior: unknown }).behavior).toEqual({
      scaleUp: {
        stabilizationWindowSeconds: 0,
        selectPolicy: 'Max',
        policies: [
          { type: 'Pods', value: 4, periodSeconds: 15 },
          { type: 'Percent', value: 100, periodSeconds: 15 },
        ],
      },
      scaleDown: {
        stabilizationWindowSeconds: 60,
        selectPolicy: 'Max',
        policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
      },
    });
  });
});
