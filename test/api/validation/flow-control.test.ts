import { describe, expect, it } from 'vitest';
import { type Body, errorsOf } from './context.ts';

const user = { kind: 'User', user: { name: 'u' } };
const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] };
const level = { priorityLevelConfiguration: { name: 'l' }, matchingPrecedence: 500 };
const schemaErrors = (spec: Body, name = 'x'): string[] =>
  errorsOf('flowcontrol.v1.FlowSchema', { metadata: { name }, spec: { ...level, ...spec } });
const ruleErrors = (rule: Body): string[] => schemaErrors({ rules: [{ subjects: [user], ...rule }] });
const levelErrors = (spec: Body, name = 'x'): string[] =>
  errorsOf('flowcontrol.v1.PriorityLevelConfiguration', { metadata: { name }, spec });
const queue = (queuing: Body): Body => ({
  type: 'Limited',
  limited: { nominalConcurrencyShares: 1, limitResponse: { type: 'Queue', queuing } },
});

describe('flow schemas', () => {
  it('take any user on any resource', () => {
    expect(ruleErrors({ resourceRules: [everything] })).toEqual([]);
  });

  it('say what subjects lack before what they have too much', () => {
    const subjects = [
      { kind: 'ServiceAccount', serviceAccount: { name: 'A' }, user: { name: 'u' }, group: { name: 'g' } },
    ];
    const label = expect.stringContaining('a lowercase RFC 1123 subdomain must consist of');
    expect(schemaErrors({ rules: [{ subjects, resourceRules: [everything] }] })).toEqual([
      label,
      'spec.rules[0].subjects[0].serviceAccount.namespace: Required value: must specify namespace for service account',
      "spec.rules[0].subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'",
      "spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'",
    ]);
  });

  it('print how requests are told apart as the server holds it', () => {
    expect(schemaErrors({ distinguisherMethod: { type: 'X' } })).toEqual([
      'spec.distinguisherMethod.type: Unsupported value: {"Type":"X"}: supported values: "ByNamespace", "ByUser"',
    ]);
  });

  it('name what else may not stand beside a wildcard', () => {
    const rule = { verbs: ['*', 'get'], apiGroups: ['*', 'a'], resources: ['*', 'pods'], namespaces: ['*', 'n'] };
    const path = 'spec.rules[0].resourceRules[0]';
    expect(ruleErrors({ resourceRules: [rule] })).toEqual([
      `${path}.verbs: Invalid value: ["*","get"]: if '*' is present, must not specify other verbs`,
      `${path}.apiGroups: Invalid value: ["*","a"]: if '*' is present, must not specify other api groups`,
      `${path}.resources: Invalid value: ["*","pods"]: if '*' is present, must not specify other resources`,
      `${path}.namespaces: Invalid value: ["*","n"]: if '*' is present, must not specify other namespaces`,
    ]);
  });

  it('ask for namespaces that could be some', () => {
    expect(ruleErrors({ resourceRules: [{ ...everything, namespaces: ['A'] }] })).toEqual([
      expect.stringMatching(
        /^spec\.rules\[0]\.resourceRules\[0]\.namespaces\[0]: Invalid value: "A": each member of this list must be '\*' or a DNS-1123 label; a lowercase RFC 1123 label/,
      ),
    ]);
  });

  it.each([
    ['', 'must not be empty'],
    ['x', 'must start with slash'],
    ['/a b', 'must not contain white-space'],
    ['/a//b', 'must not contain double slash'],
    ['/a*', 'wildcard can only do suffix matching'],
    ['/*/a', 'wildcard can only do suffix matching'],
  ])('refuse the path %j', (url, message) => {
    expect(ruleErrors({ nonResourceRules: [{ verbs: ['get'], nonResourceURLs: [url] }] })).toEqual([
      `spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: ${JSON.stringify(url)}: ${message}`,
    ]);
  });

  it.each(['/', '/a', '/a/', '/a/*'])('take the path %s', (url) => {
    expect(ruleErrors({ nonResourceRules: [{ verbs: ['get'], nonResourceURLs: [url] }] })).toEqual([]);
  });

  it('know the same verbs for paths as for resources', () => {
    expect(ruleErrors({ nonResourceRules: [{ verbs: ['head'], nonResourceURLs: ['/'] }] })).toEqual([
      'spec.rules[0].nonResourceRules[0].verbs: Unsupported value: ["head"]: supported values: "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"',
    ]);
  });

  it('stay as they are where every server needs them', () => {
    const spec = { matchingPrecedence: 10_000, priorityLevelConfiguration: { name: 'catch-all' } };
    expect(schemaErrors(spec, 'catch-all')).toEqual([
      `spec: Invalid value: {"PriorityLevelConfiguration":{"Name":"catch-all"},"MatchingPrecedence":10000,"DistinguisherMethod":null,"Rules":null}: spec of 'catch-all' must equal the fixed value`,
    ]);
  });
});

describe('priority levels', () => {
  it.each<[what: string, spec: Body, errors: readonly string[]]>([
    [
      'exempt ones of another name',
      { type: 'Exempt' },
      [`spec.type: Invalid value: "Exempt": must be 'Exempt' if and only if \`name\` is 'exempt'`],
    ],
    ['an unknown type', { type: 'X' }, ['spec.type: Unsupported value: "X": supported values: "Exempt", "Limited"']],
    [
      'a limited one with the part of an exempt one',
      { type: 'Limited', exempt: {} },
      [
        'spec.exempt: Forbidden: must be nil if the type is Limited',
        'spec.limited: Required value: must not be empty when type is Limited',
      ],
    ],
    [
      'no shares and odd percentages',
      {
        type: 'Limited',
        limited: {
          nominalConcurrencyShares: 0,
          limitResponse: { type: 'Reject' },
          lendablePercent: 101,
          borrowingLimitPercent: -1,
        },
      },
      [
        'spec.limited.nominalConcurrencyShares: Invalid value: 0: must be positive',
        'spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive',
        'spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer',
      ],
    ],
    [
      'hands that take more bits than there are',
      queue({ queues: 512, handSize: 8, queueLengthLimit: 100 }),
      [
        'spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60',
      ],
    ],
  ])('refuse %s', (_what, spec, errors) => {
    expect(levelErrors(spec)).toEqual(errors);
  });

  it('deal hands that the bits of a hash suffice for', () => {
    expect(levelErrors(queue({ queues: 10_000_000, handSize: 2, queueLengthLimit: 100 }))).toEqual([]);
  });

  it('let the exempt one change in its own part only', () => {
    const exempt = { nominalConcurrencyShares: 10, lendablePercent: 10 };
    expect(levelErrors({ type: 'Exempt', exempt }, 'exempt')).toEqual([]);
    expect(
      levelErrors({ type: 'Exempt', exempt: { nominalConcurrencyShares: -1, lendablePercent: 101 } }, 'exempt'),
    ).toEqual([
      'spec.exempt.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer',
      'spec.exempt.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive',
    ]);
    const limited = { nominalConcurrencyShares: 42, limitResponse: { type: 'Reject' } };
    expect(levelErrors({ type: 'Exempt', limited }, 'exempt')).toEqual([
      'spec.limited: Forbidden: must be nil if the type is not Limited',
      expect.stringMatching(/: spec of 'exempt' except the 'spec\.exempt' field must equal the fixed value$/),
    ]);
  });
});
