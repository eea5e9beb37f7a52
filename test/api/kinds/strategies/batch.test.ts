import { describe, expect, it } from 'vitest';
import { created, kindOf, warningsOf } from '../fixtures.ts';

const jobs = kindOf('batch', 'jobs');
const cronJobs = kindOf('batch', 'cronjobs');
const template = { spec: { containers: [{ name: 'c', image: 'i:1' }], restartPolicy: 'Never' } };

describe('jobs', () => {
  it('run one pod to its end unless told otherwise', () => {
    expect(created(jobs, { spec: { template } }).spec).toMatchObject({
      completions: 1,
      parallelism: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: 'TerminatingOrFailed',
    });
    expect(created(jobs, { spec: { parallelism: 2, template } }).spec).not.toHaveProperty('completions');
    expect(created(jobs, { spec: { backoffLimitPerIndex: 1, template } }).spec).toMatchObject({
      backoffLimit: 2147483647,
    });
  });

  it('wait for failed pods when a policy looks at failures', () => {
    const podFailurePolicy = { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }] };
    expect(created(jobs, { spec: { podFailurePolicy, template } }).spec).toMatchObject({
      podReplacementPolicy: 'Failed',
      podFailurePolicy: { rules: [{ onPodConditions: [{ status: 'True' }] }] },
    });
  });

  it('get a selector and labels with their uid', () => {
    const labels = {
      'controller-uid': 'u',
      'job-name': 'x',
      'batch.kubernetes.io/controller-uid': 'u',
      'batch.kubernetes.io/job-name': 'x',
    };
    expect(created(jobs, { spec: { template } })).toMatchObject({
      metadata: { labels },
      spec: {
        selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u' } },
        template: { metadata: { labels } },
      },
    });
  });

  it('keep a selector that was made by hand, and take the labels of their pods', () => {
    const spec = {
      manualSelector: true,
      selector: { matchLabels: { a: 'b' } },
      template: { ...template, metadata: { labels: { a: 'b' } } },
    };
    const job = created(jobs, { spec });
    expect(job.spec).toMatchObject({ selector: { matchLabels: { a: 'b' } } });
    expect(job.metadata['labels']).toEqual({ a: 'b' });
  });

  it('leave their pods behind by default, with a warning', () => {
    expect(jobs.strategy!.defaultPropagation).toBe('orphan');
    expect(jobs.strategy!.orphanWarning).toMatch(/^child pods are preserved by default/);
    expect(cronJobs.strategy!.defaultPropagation).toBeUndefined();
  });

  it('name field labels that they do not have', () => {
    expect(jobs.unsupportedField!('spec.bogus')).toBe('field label "spec.bogus" not supported for Job');
  });
});

describe('cron jobs', () => {
  it('default themselves and the pods of their jobs, not the jobs', () => {
    const { spec } = created(cronJobs, { spec: { schedule: '* * * * *', jobTemplate: { spec: { template } } } });
    expect(spec).toMatchObject({
      concurrencyPolicy: 'Allow',
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
      jobTemplate: { metadata: {}, spec: { template: { spec: { dnsPolicy: 'ClusterFirst' } } } },
    });
    expect(spec).not.toHaveProperty('jobTemplate.spec.parallelism');
  });

  it('warn of names that their pods cannot have', () => {
    const jobTemplate = { spec: {} };
    expect(warningsOf(cronJobs, { metadata: { name: 'a.b' }, spec: { schedule: '* * * * *', jobTemplate } })).toEqual([
      'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]',
    ]);
    expect(warningsOf(cronJobs, { spec: { schedule: '* * * * *', jobTemplate } })).toEqual([]);
  });

  it('warn of time zones in the schedule when they are changed', () => {
    const zoned = created(cronJobs, { spec: { schedule: 'TZ=UTC * * * * *', jobTemplate: { spec: {} } } });
    expect(cronJobs.strategy!.warnings!(zoned, zoned)).toEqual([
      'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
    ]);
  });
});
