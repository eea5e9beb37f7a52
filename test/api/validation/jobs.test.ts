import { describe, expect, it } from 'vitest';
import { type ApiObject, fieldErrorText } from '../../../src/api/index.ts';
import { validationOf } from '../../../src/api/validation/index.ts';
import { type Body, contextOf, errorsOf } from './context.ts';

const generated = {
  'controller-uid': 'u',
  'job-name': 'x',
  'batch.kubernetes.io/controller-uid': 'u',
  'batch.kubernetes.io/job-name': 'x',
};
const template = {
  metadata: { labels: generated },
  spec: {
    restartPolicy: 'Never',
    dnsPolicy: 'ClusterFirst',
    terminationGracePeriodSeconds: 30,
    containers: [{ name: 'c', image: 'i', imagePullPolicy: 'Always', terminationMessagePolicy: 'File' }],
  },
};
const job = (spec: Body = {}): Body => ({
  metadata: { name: 'x', namespace: 'n', uid: 'u' },
  spec: { selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u' } }, template, ...spec },
});

describe('jobs', () => {
  it.each<readonly [what: string, spec: Body, errors: readonly string[]]>([
    ['sound', {}, []],
    [
      'a selector of their own without saying so',
      { selector: { matchLabels: { app: 'a' } } },
      [
        'spec.selector: Invalid value: {"matchLabels":{"app":"a"}}: `selector` not auto-generated',
        `spec.template.metadata.labels: Invalid value: ${JSON.stringify(generated)}: \`selector\` does not match template \`labels\``,
      ],
    ],
    [
      'failed indexes without a limit for each',
      { completionMode: 'Indexed', completions: 3, maxFailedIndexes: 4 },
      [
        'spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified',
        'spec.maxFailedIndexes: Invalid value: 4: must be less than or equal to completions',
      ],
    ],
    [
      'very many indexes',
      { completionMode: 'Indexed', completions: 200_000, parallelism: 20_000, backoffLimitPerIndex: 1 },
      [
        'spec.maxFailedIndexes: Required value: must be specified when completions is above 100000',
        'spec.parallelism: Invalid value: 20000: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index',
      ],
    ],
    [
      'a manager without a domain, and one with an odd path',
      { managedBy: 'me' },
      ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    [
      'a rule about nothing',
      { podFailurePolicy: { rules: [{ action: 'Ignore' }] } },
      ['spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required'],
    ],
    [
      'indexes out of order',
      {
        completionMode: 'Indexed',
        completions: 9,
        successPolicy: {
          rules: [{ succeededIndexes: '3-1' }, { succeededIndexes: '1-2-3' }, { succeededIndexes: '9' }],
        },
      },
      [
        'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "3-1": error parsing succeededIndexes: non-increasing order, previous: 3, current: 1',
        `spec.successPolicy.rules[1].succeededIndexes: Invalid value: "1-2-3": error parsing succeededIndexes: the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by '-'`,
        'spec.successPolicy.rules[2].succeededIndexes: Invalid value: "9": error parsing succeededIndexes: too large index: "9"',
      ],
    ],
  ])('%s', (_what, spec, errors) => {
    expect(errorsOf('batch.v1.Job', job(spec))).toEqual(errors);
  });
});

describe('updates of jobs', () => {
  const pod = (part: Body): Body => ({ ...template, spec: { ...template.spec, ...part } });
  const updateErrors = (spec: Body, before: Body, status: Body = {}): string[] => {
    const next = { ...job(spec), status } as unknown as ApiObject;
    const previous = { ...job(before), status } as unknown as ApiObject;
    const { validateUpdate } = validationOf('io.k8s.api.batch.v1.Job')!;
    return validateUpdate!(next, previous, contextOf()).map(({ field, detail }) => `${field}: ${detail}`);
  };
  const [container] = template.spec.containers;
  const bigger = { template: pod({ containers: [{ ...container, resources: { requests: { cpu: '2' } } }] }) };
  const elsewhere = { template: pod({ nodeSelector: { zone: 'a' } }) };
  const other = { template: pod({ containers: [{ ...container, image: 'j' }] }) };
  const started = { startTime: '2026-01-01T00:00:00Z' };
  const stopped = { ...started, conditions: [{ type: 'Suspended', status: 'True' }] };

  it.each<readonly [what: string, spec: Body, before: Body, status: Body, errors: readonly string[]]>([
    ['a template does not change', other, {}, {}, ['spec.template: field is immutable']],
    ['nor do its resources', bigger, {}, started, ['spec.template: field is immutable']],
    ['they may before a job begins', { ...bigger, suspend: true }, { suspend: true }, {}, []],
    ['and in the update that lets it', { ...bigger, suspend: false }, { suspend: true }, {}, []],
    ['so may where pods go', { ...elsewhere, suspend: true }, { suspend: true }, {}, []],
    ['but no more', { ...other, suspend: true }, { suspend: true }, {}, ['spec.template.spec: field is immutable']],
    [
      'not while pods run',
      { ...bigger, suspend: true },
      { suspend: true },
      { active: 1 },
      ['spec.template: field is immutable'],
    ],
    [
      'nor before the job says that it is suspended',
      { ...bigger, suspend: true },
      { suspend: true },
      started,
      ['spec.template: field is immutable'],
    ],
    ['but then', { ...bigger, ...{ suspend: true } }, { suspend: true }, stopped, []],
    ['completions do not change', { completions: 2 }, { completions: 1 }, {}, ['spec.completions: field is immutable']],
    [
      'those of indexes change with the number of pods',
      { completionMode: 'Indexed', completions: 2, parallelism: 1 },
      { completionMode: 'Indexed', completions: 1, parallelism: 1 },
      {},
      ['spec.completions: can only be modified in tandem with spec.parallelism'],
    ],
  ])('%s', (_what, spec, before, status, errors) => {
    expect(updateErrors(spec, before, status)).toEqual(errors);
  });
});

describe('the status of jobs', () => {
  const condition = (type: string, status = 'True'): Body => ({ type, status });
  const started = '2026-01-01T00:00:00Z';
  const done = { startTime: started, completionTime: '2026-01-01T00:01:00Z' };
  const complete = { ...done, conditions: [condition('SuccessCriteriaMet'), condition('Complete')] };
  const statusErrors = (status: Body, before: Body = {}, spec: Body = {}): string[] => {
    const whole = (part: Body): ApiObject => ({ ...job(spec), status: part }) as unknown as ApiObject;
    const rules = validationOf('io.k8s.api.batch.v1.Job')!.status!;
    return rules.validateUpdate!(whole(status), whole(before), contextOf()).map(fieldErrorText);
  };

  it('ends in order', () => {
    expect(statusErrors(complete, { startTime: started })).toEqual([]);
    expect(statusErrors({ startTime: started, active: 1, conditions: [condition('Complete')] })).toEqual([
      'status.completionTime: Required value: completionTime is required for Complete jobs',
      'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
      'status.active: Invalid value: 1: active>0 is invalid for finished job',
    ]);
    expect(statusErrors({ startTime: started, conditions: [condition('Failed')] })).toEqual([
      'status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition',
    ]);
  });

  it('does not go back', () => {
    expect(statusErrors({ failed: 1 }, { failed: 2, succeeded: 1 })).toEqual([
      'status.failed: Invalid value: 1: cannot decrease the failed counter',
      'status.succeeded: Invalid value: 0: cannot decrease the succeeded counter',
    ]);
    expect(statusErrors({}, { startTime: started })).toEqual([
      'status.startTime: Invalid value: "null": field is immutable for unsuspended job once set',
    ]);
  });

  it('begins anew when it is resumed', () => {
    const later = '2026-01-01T01:00:00Z';
    const stopped = { startTime: started, conditions: [condition('Suspended')] };
    expect(statusErrors({ startTime: later, conditions: [condition('Suspended', 'False')] }, stopped)).toEqual([]);
    expect(statusErrors({ startTime: later, conditions: [condition('Suspended')] }, stopped)).toEqual([
      `status.startTime: Invalid value: "${later}": field is immutable for unsuspended job once set`,
    ]);
    expect(statusErrors({ conditions: [condition('Suspended')] }, stopped, { suspend: true })).toEqual([]);
  });

  it('has its times in order, and keeps the last', () => {
    const early = '2025-12-31T23:59:00Z';
    expect(statusErrors({ ...complete, completionTime: early }, complete)).toEqual([
      `status.completionTime: Invalid value: "${early}": must be equal to or after \`startTime\``,
      `status.completionTime: Invalid value: "${early}": field is immutable`,
    ]);
  });

  it('has counted its pods in the end, and begun unless there was nothing to do', () => {
    const pods = { succeeded: ['a'] };
    expect(statusErrors({ ...complete, uncountedTerminatedPods: pods }, { startTime: started })).toEqual([
      'status.uncountedTerminatedPods: Invalid value: {"Succeeded":["a"],"Failed":null}: must be empty for finished job',
    ]);
    const { startTime: _begun, ...never } = complete;
    expect(statusErrors(never)).toEqual(['status.startTime: Required value: startTime is required for finished job']);
    expect(statusErrors(never, {}, { suspend: true, completions: 0 })).toEqual([]);
  });

  it('may stay as it was stored under older rules', () => {
    const old = { conditions: [condition('Complete')] };
    expect(statusErrors({ ...old, succeeded: 3 }, old)).toEqual([]);
  });

  it('counts each index once', () => {
    const spec = { completionMode: 'Indexed', completions: 9, backoffLimitPerIndex: 1 };
    expect(statusErrors({ completedIndexes: '0-4', failedIndexes: '3,5' }, {}, spec)).toEqual([
      'status.failedIndexes: Invalid value: "3,5": failedIndexes and completedIndexes overlap at index: 3',
    ]);
    expect(statusErrors({ completedIndexes: '1' })).toEqual([
      'status.completedIndexes: Invalid value: "1": cannot set non-empty completedIndexes when non-indexed completion mode',
    ]);
  });
});

describe('cron jobs', () => {
  const cron = (spec: Body): Body => ({
    spec: { schedule: '0 0 * * *', concurrencyPolicy: 'Allow', jobTemplate: { spec: { template } }, ...spec },
  });

  it('name time zones beside the schedule, not in it', () => {
    expect(errorsOf('batch.v1.CronJob', cron({}))).toEqual([]);
    const inside = cron({ schedule: 'TZ=UTC 0 0 * * *' });
    expect(errorsOf('batch.v1.CronJob', inside)).toEqual([
      'spec.schedule: Invalid value: "TZ=UTC 0 0 * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
    ]);
    expect(errorsOf('batch.v1.CronJob', inside, inside)).toEqual([]);
    expect(errorsOf('batch.v1.CronJob', cron({ timeZone: 'a//b' }))).toEqual([
      'spec.timeZone: Invalid value: "a//b": unknown time zone a//b',
    ]);
  });
});
