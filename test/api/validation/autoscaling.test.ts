import { describe, expect, it } from 'vitest';
import { errorsOf } from './context.ts';

const reference = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
const autoscalerErrors = (spec: object) =>
  errorsOf('autoscaling.v2.HorizontalPodAutoscaler', {
    metadata: { name: 'h', namespace: 'n' },
    spec: { scaleTargetRef: reference, minReplicas: 1, maxReplicas: 3, ...spec },
  });
const metricErrors = (metric: object) => autoscalerErrors({ metrics: [metric] });

describe('horizontal pod autoscalers', () => {
  it('scale to nothing by no metric of their own pods', () => {
    const metrics = [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
    ];
    expect(autoscalerErrors({ minReplicas: 0, metrics })).toEqual([
      'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
      'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas',
    ]);
    const external = { type: 'External', external: { metric: { name: 'q' }, target: { type: 'Value', value: '1' } } };
    expect(autoscalerErrors({ minReplicas: 0, metrics: [external] })).toEqual([
      'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
    ]);
  });

  it('are told of an unknown metric type before and after the source', () => {
    const unsupported =
      'spec.metrics[0].type: Unsupported value: "Disk": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"';
    expect(
      metricErrors({ type: 'Disk', pods: { metric: { name: 'm' }, target: { type: 'Value', value: '1' } } }),
    ).toEqual([
      unsupported,
      'spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue',
      unsupported,
    ]);
  });

  it('need a container and a resource that a container can have', () => {
    const target = { type: 'AverageValue', averageValue: '1' };
    expect(
      metricErrors({ type: 'ContainerResource', containerResource: { name: 'x', container: 'C!', target } }),
    ).toEqual([
      'spec.metrics[0].containerResource.name: Invalid value: "x": must be a standard resource type or fully qualified',
      'spec.metrics[0].containerResource.name: Invalid value: "x": must be a standard resource for containers',
      expect.stringMatching(
        /^spec\.metrics\[0]\.containerResource\.container: Invalid value: "C!": a lowercase RFC 1123/,
      ),
    ]);
    expect(metricErrors({ type: 'ContainerResource', containerResource: { target } })).toEqual([
      'spec.metrics[0].containerResource.name: Required value: must specify a resource name',
      'spec.metrics[0].containerResource.container: Required value: must specify a container',
    ]);
  });

  it('need a target of an object, or of each pod', () => {
    expect(
      metricErrors({
        type: 'Object',
        object: { describedObject: { kind: 'Service', name: 's' }, metric: { name: 'm' }, target: { type: 'Value' } },
      }),
    ).toEqual([
      'spec.metrics[0].object.target.averageValue: Required value: must set either a target value or averageValue',
    ]);
    expect(
      metricErrors({
        type: 'Pods',
        pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '0' } },
      }),
    ).toEqual(['spec.metrics[0].pods.target.averageValue: Invalid value: "0": must be positive']);
  });

  it('have windows that do not lie in the past', () => {
    const policies = [{ type: 'Pods', value: 0, periodSeconds: 1801 }];
    expect(autoscalerErrors({ behavior: { scaleUp: { stabilizationWindowSeconds: -1, policies } } })).toEqual([
      'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: -1: must be greater than or equal to zero',
      'spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero',
      'spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800',
    ]);
  });
});
