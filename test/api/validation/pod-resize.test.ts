import { describe, expect, it } from 'vitest';
import type { PodSpec } from '../../../src/api/generated/types.ts';
import { type ApiObject, fieldErrorText } from '../../../src/api/index.ts';
import { validationOf } from '../../../src/api/validation/index.ts';
import { contextOf, podOf } from './context.ts';

const rules = validationOf('io.k8s.api.core.v1.Pod')!.subresources!['resize']!;

function resizeErrors(
  change: (spec: PodSpec & Record<string, unknown>) => void,
  before: (spec: PodSpec & Record<string, unknown>) => void = () => undefined,
): string[] {
  const previous = podOf(before);
  const pod = podOf((spec) => {
    before(spec);
    change(spec);
  });
  return rules.validateUpdate!(pod, previous, contextOf()).map(fieldErrorText);
}

const sidecar = {
  name: 's',
  image: 'i',
  imagePullPolicy: 'Always',
  terminationMessagePolicy: 'File',
  restartPolicy: 'Always',
  resources: { requests: { cpu: '1' } },
};

describe('a resize', () => {
  it('changes amounts of CPU and memory, and adds limits', () => {
    const errors = resizeErrors((spec) => {
      spec.containers[0]!.resources = {
        requests: { cpu: '150m', memory: '32Mi' },
        limits: { cpu: '300m', memory: '1Gi' },
      };
    });
    expect(errors).toEqual([]);
  });

  it('removes no amount', () => {
    const errors = resizeErrors((spec) => {
      spec.containers[0]!.resources = { requests: { cpu: '100m' } };
    });
    expect(errors).toEqual([
      'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed',
      'spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed',
    ]);
  });

  it('neither adds nor renames containers', () => {
    const added = resizeErrors((spec) => spec.containers.push({ ...sidecar, restartPolicy: 'Never' }));
    expect(added).toEqual(['spec.containers: Forbidden: containers may not be added or removed on resize']);
    const renamed = resizeErrors((spec) => {
      spec.containers[0]!.name = 'other';
    });
    expect(renamed).toEqual([
      'spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize',
    ]);
  });

  it('says of a sidecar where it is', () => {
    const errors = resizeErrors(
      (spec) => {
        spec.initContainers![0]!.resources = { requests: { cpu: '1', 'ephemeral-storage': '1Gi' } };
      },
      (spec) => {
        spec.initContainers = [{ ...sidecar }];
      },
    );
    expect(errors).toEqual([
      'spec.initContainers[0]: Forbidden: only cpu and memory resources for init or sidecar containers are mutable',
    ]);
  });

  it('is for init containers too, unless they would restart', () => {
    const init = (resizePolicy?: object[]) => (spec: PodSpec) => {
      const { restartPolicy: _, ...container } = sidecar;
      spec.initContainers = [{ ...container, ...(resizePolicy && { resizePolicy: resizePolicy as [] }) }];
    };
    const grow = (spec: PodSpec) => {
      spec.initContainers![0]!.resources = { requests: { cpu: '2' } };
    };
    expect(resizeErrors(grow, init())).toEqual([]);
    expect(resizeErrors(grow, init([{ resourceName: 'cpu', restartPolicy: 'NotRequired' }]))).toEqual([]);
    expect(resizeErrors(grow, init([{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }]))).toContain(
      'spec.initContainers[0]: Forbidden: non-sidecar init containers with a resize policy of RestartContainer cannot be resized',
    );
  });

  it('leaves the resources of the pod as a whole where they are named', () => {
    const set = (spec: PodSpec): void => {
      spec.resources = { requests: { cpu: '1' } };
    };
    const removed = resizeErrors((spec) => {
      spec.resources = { requests: { memory: '1Gi' } };
    }, set);
    expect(removed).toEqual(['spec.resources.requests: Forbidden: pod-level resource requests cannot be removed']);
    const grown = resizeErrors((spec) => {
      spec.resources = { requests: { cpu: '2', memory: '1Gi' } };
    }, set);
    expect(grown).toEqual([]);
  });

  it('is not for the mirrors of static pods, whatever else is wrong', () => {
    const previous = podOf();
    previous.metadata['annotations'] = { 'kubernetes.io/config.mirror': 'x' };
    const errors = rules.validateUpdate!({ ...podOf(), spec: { containers: [] } } as ApiObject, previous, contextOf());
    expect(errors.map(fieldErrorText)).toEqual([': Forbidden: static pods cannot be resized']);
  });
});
