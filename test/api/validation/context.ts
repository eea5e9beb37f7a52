/** What tests of validation share: what strategies ask of the server (a fixed time and no chance), and the errors of one object. */

import type { PodSpec } from '../../../src/api/generated/types.ts';
import { type ApiObject, fieldErrorText, type StrategyContext } from '../../../src/api/index.ts';
import { validationOf } from '../../../src/api/validation/index.ts';

export function contextOf(): StrategyContext {
  return {
    now: '2026-01-02T03:04:05Z',
    nowMs: Date.parse('2026-01-02T03:04:05Z'),
    uuid: () => '00000000-0000-4000-8000-000000000000',
    suffix: (length) => 'x'.repeat(length),
    dryRun: false,
  };
}

/** An object without its metadata, which the tests give. */
export type Body = Record<string, unknown>;

/** What validation says of an object of that definition, `core.v1.Pod`; of an update when there is a previous one. */
export function errorsOf(
  definition: string,
  body: Body,
  previous?: Body,
  settings: Partial<StrategyContext> = {},
): string[] {
  const validation = validationOf(definition.startsWith('io.') ? definition : `io.k8s.api.${definition}`)!;
  const context = { ...contextOf(), ...settings };
  const whole = (part: Body): ApiObject =>
    ({ metadata: { name: 'x', namespace: 'n' }, ...part }) as unknown as ApiObject;
  const errors =
    previous === undefined
      ? validation.validate!(whole(body), context)
      : validation.validateUpdate!(whole(body), whole(previous), context);
  return errors.map(fieldErrorText);
}

/** A pod as defaulting leaves it. */
export function podOf(change: (spec: PodSpec & Record<string, unknown>) => void = () => undefined): ApiObject {
  const spec: PodSpec = {
    containers: [
      {
        name: 'c',
        image: 'nginx',
        imagePullPolicy: 'IfNotPresent',
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
        resources: { limits: { cpu: '200m' }, requests: { cpu: '100m', memory: '64Mi' } },
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
        ports: [{ containerPort: 80, protocol: 'TCP' }],
      },
    ],
    volumes: [{ name: 'v', emptyDir: {} }],
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    serviceAccountName: 'default',
    securityContext: {},
    schedulerName: 'default-scheduler',
    terminationGracePeriodSeconds: 30,
  };
  change(spec as PodSpec & Record<string, unknown>);
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'n' }, spec } as unknown as ApiObject;
}

/** What validation says of a new pod that differs from {@link podOf} in its specification. */
export const podErrors = (change: (spec: PodSpec & Record<string, unknown>) => void): string[] =>
  validationOf('io.k8s.api.core.v1.Pod')!.validate!(podOf(change), contextOf()).map(fieldErrorText);
