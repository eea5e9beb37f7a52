import { describe, expect, it } from 'vitest';
import type { StatefulSetSpec } from '../../../src/api/generated/types.ts';
import { type Body, errorsOf, podOf } from './context.ts';

const labels = { app: 'x' };

/** A template as defaulting leaves it. */
function templateOf(change: Body = {}): Body {
  return { metadata: { labels }, spec: { ...(podOf()['spec'] as Body), ...change } };
}

function setOf(change: Partial<StatefulSetSpec> = {}, pod: Body = {}): Body {
  const spec = {
    replicas: 1,
    podManagementPolicy: 'OrderedReady',
    updateStrategy: { type: 'OnDelete' },
    serviceName: 's',
    selector: { matchLabels: labels },
    template: templateOf(pod),
    ...change,
  };
  return { spec };
}

const setErrors = (body: Body, previous?: Body): string[] => errorsOf('apps.v1.StatefulSet', body, previous);
const claim = {
  metadata: { name: 'data' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};
const container = (podOf()['spec'] as { containers: readonly Body[] }).containers[0]!;

describe('stateful sets', () => {
  it('have pods that could be', () => {
    expect(setErrors(setOf())).toEqual([]);
    expect(setErrors(setOf({}, { dnsPolicy: 'X' }))).toEqual([
      'spec.template.spec.dnsPolicy: Unsupported value: "X": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"',
    ]);
  });

  it('mount the claims of their own templates, whatever the pod calls by that name', () => {
    const pod = {
      volumes: [{ name: 'v', emptyDir: {} }, { name: 'data' }],
      containers: [{ ...container, volumeMounts: [{ name: 'data', mountPath: '/d' }] }],
    };
    expect(setErrors(setOf({ volumeClaimTemplates: [claim] }, pod))).toEqual([]);
    expect(setErrors(setOf({}, { ...pod, volumes: [] }))).toEqual([
      'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"',
    ]);
  });

  it('name their pods themselves', () => {
    expect(setErrors(setOf({}, { hostname: 'UP', subdomain: 'UP' }))).toEqual([]);
  });

  it('say of claims before they say of numbers', () => {
    const bad = { ...claim, spec: { ...claim.spec, accessModes: [] } };
    expect(setErrors(setOf({ replicas: -1, volumeClaimTemplates: [bad], serviceName: 'UP.' }))).toEqual([
      'spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required',
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      "spec.serviceName: Invalid value: \"UP.\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ]);
  });

  it('keep a bad template that was stored, and take no new one', () => {
    const bad = setOf({}, { dnsPolicy: 'X' });
    const more = setOf({ replicas: 2 }, { dnsPolicy: 'X' });
    expect(setErrors(more, bad)).toEqual([]);
    expect(setErrors(more, setOf())).toHaveLength(1);
  });

  it('keep claims and names of services that were stored', () => {
    const old = setOf({ serviceName: 'UP', volumeClaimTemplates: [{ ...claim, spec: {} }] });
    expect(setErrors(old, old)).toEqual([]);
  });
});

describe('replica sets and daemon sets', () => {
  it('are told twice of what is wrong when they change', () => {
    const replicaSet = { spec: { replicas: -1, selector: { matchLabels: labels }, template: templateOf() } };
    const replicas = 'spec.replicas: Invalid value: -1: must be greater than or equal to 0';
    expect(errorsOf('apps.v1.ReplicaSet', replicaSet)).toEqual([replicas]);
    expect(errorsOf('apps.v1.ReplicaSet', replicaSet, replicaSet)).toEqual([replicas, replicas]);
    const daemonSet = {
      spec: { selector: { matchLabels: labels }, template: templateOf(), updateStrategy: { type: 'OnDelete' } },
    };
    const other = { spec: { ...daemonSet.spec, selector: { matchLabels: { app: 'y' } } } };
    const mismatch =
      'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`';
    expect(errorsOf('apps.v1.DaemonSet', other, daemonSet)).toEqual([
      mismatch,
      'spec.selector: Invalid value: {"matchLabels":{"app":"y"}}: field is immutable',
      mismatch,
    ]);
  });
});

describe('controller revisions', () => {
  it('hold an object', () => {
    const revisionErrors = (data: unknown): string[] => errorsOf('apps.v1.ControllerRevision', { revision: -1, data });
    const number = 'revision: Invalid value: -1: must be greater than or equal to 0';
    expect(revisionErrors(undefined)).toEqual([number, 'data: Required value: data is mandatory']);
    expect(revisionErrors([1])).toEqual([number, 'data: Required value: data must be a valid JSON object']);
    expect(revisionErrors({})).toEqual([number]);
  });
});
