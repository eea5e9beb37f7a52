import { describe, expect, it } from 'vitest';
import { type Body, errorsOf } from './context.ts';

const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] };
const webhook = {
  name: 'a.example.com',
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  clientConfig: { url: 'https://a.example.com/path' },
};
const webhooks = 'admissionregistration.v1.ValidatingWebhookConfiguration';

describe('webhooks', () => {
  it.each<readonly [what: string, changes: Body, errors: readonly string[]]>([
    ['sound', { rules: [rule] }, []],
    ['no name', { name: '' }, ['webhooks[0].name: Required value']],
    [
      'a short name',
      { name: 'a.b' },
      ['webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots'],
    ],
    [
      'no word on side effects',
      { sideEffects: null },
      ['webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun'],
    ],
    [
      'versions twice and unknown',
      { admissionReviewVersions: ['v3', 'v3'] },
      [
        'webhooks[0].admissionReviewVersions[1]: Invalid value: "v3": duplicate version',
        'webhooks[0].admissionReviewVersions: Invalid value: ["v3","v3"]: must include at least one of v1, v1beta1',
      ],
    ],
    [
      'an address without encryption',
      { clientConfig: { url: 'http://a.example.com/?q#f' } },
      [
        `webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
        'webhooks[0].clientConfig.url: Invalid value: "f": fragments are not permitted in the URL',
        'webhooks[0].clientConfig.url: Invalid value: "q": query parameters are not permitted in the URL',
      ],
    ],
    [
      'a service without a name and with an odd path',
      { clientConfig: { service: { namespace: 'n', path: 'a//b', port: 0 } } },
      [
        // Missed where the namespace is, as upstream.
        'webhooks[0].clientConfig.service.namespace: Required value',
        'webhooks[0].clientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive',
        `webhooks[0].clientConfig.service.path: Invalid value: "a//b": must start with a '/'`,
        'webhooks[0].clientConfig.service.path: Invalid value: "a//b": segment[0] may not be empty',
        'webhooks[0].clientConfig.service.path: Invalid value: "a//b": segment[1] may not be empty',
      ],
    ],
    [
      'wildcards beside others',
      { rules: [{ ...rule, operations: ['*', 'CREATE'], resources: ['*', 'pods', 'pods/*', 'pods/log'] }] },
      [
        `webhooks[0].rules[0].operations: Invalid value: ["*","CREATE"]: if '*' is present, must not specify other operations`,
        `webhooks[0].rules[0].resources[3]: Invalid value: "pods/log": if 'pods/*' is present, must not specify pods/log`,
        `webhooks[0].rules[0].resources: Invalid value: ["*","pods","pods/*","pods/log"]: if '*' is present, must not specify other resources without subresources`,
      ],
    ],
    [
      'a condition without expression, and one without name',
      { matchConditions: [{ name: 'a' }, { expression: 'true' }] },
      [
        'webhooks[0].matchConditions[0].expression: Required value',
        'webhooks[0].matchConditions[1].name: Required value',
      ],
    ],
  ])('%s', (_what, changes, errors) => {
    expect(errorsOf(webhooks, { webhooks: [{ ...webhook, ...changes }] })).toEqual(errors);
  });

  it('may stay as they were stored, but not become so', () => {
    const old = { webhooks: [{ ...webhook, sideEffects: 'Some' }] };
    expect(errorsOf(webhooks, old, old)).toEqual([]);
    expect(errorsOf(webhooks, old, { webhooks: [webhook] })).toEqual([
      'webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
    ]);
  });
});

const constraints = { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {}, resourceRules: [rule] };

describe('validating policies', () => {
  const spec = { failurePolicy: 'Fail', matchConstraints: constraints, validations: [{ expression: 'true' }] };
  it.each<readonly [what: string, changes: Body, errors: readonly string[]]>([
    ['sound', {}, []],
    [
      'nothing to validate',
      { validations: [] },
      [
        'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
        'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item',
      ],
    ],
    ['no constraints', { matchConstraints: undefined }, ['spec.matchConstraints: Required value']],
    [
      'a kind of parameters that cannot be',
      { paramKind: { apiVersion: 'a/b/c', kind: '1' } },
      [
        'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
        "spec.paramKind.kind: Invalid value: \"1\": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
    [
      'a reserved variable and a reason of its own',
      { variables: [{ name: 'true', expression: '1' }], validations: [{ expression: ' ', reason: 'X' }] },
      [
        'spec.variables[0].name: Invalid value: "true": must be a valid CEL identifier',
        'spec.validations[0].expression: Required value: expression is not specified',
        'spec.validations[0].reason: Unsupported value: "X": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
      ],
    ],
  ])('%s', (_what, changes, errors) => {
    expect(errorsOf('admissionregistration.v1.ValidatingAdmissionPolicy', { spec: { ...spec, ...changes } })).toEqual(
      errors,
    );
  });
});

describe('mutating policies', () => {
  const spec = {
    failurePolicy: 'Fail',
    reinvocationPolicy: 'Never',
    matchConstraints: constraints,
    mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "remove", path: "/x"}]' } }],
  };
  it.each<readonly [what: string, changes: Body, errors: readonly string[]]>([
    ['sound', {}, []],
    [
      'no mutation, and no word on running again',
      { mutations: [], reinvocationPolicy: '' },
      [
        'spec.mutations: Required value: mutations must contain at least one item',
        'spec.reinvocationPolicy: Required value',
      ],
    ],
    [
      'the other patch',
      { mutations: [{ patchType: 'JSONPatch', applyConfiguration: { expression: 'x' } }] },
      [
        'spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch',
        'spec.mutations[0].applyConfiguration: Invalid value: "{applyConfiguration}": must not be specified when patchType is JSONPatch',
      ],
    ],
    [
      'deletions',
      { matchConstraints: { ...constraints, resourceRules: [{ ...rule, operations: ['DELETE'] }] } },
      [
        'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
      ],
    ],
  ])('%s', (_what, changes, errors) => {
    expect(errorsOf('admissionregistration.v1.MutatingAdmissionPolicy', { spec: { ...spec, ...changes } })).toEqual(
      errors,
    );
  });
});

describe('bindings of policies', () => {
  it('name a policy, parameters one way, and what to do', () => {
    const spec = {
      policyName: '',
      paramRef: { name: 'a', selector: {} },
      validationActions: ['Deny', 'Warn'],
    };
    expect(errorsOf('admissionregistration.v1.ValidatingAdmissionPolicyBinding', { spec })).toEqual([
      'spec.policyName: Required value',
      'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.parameterNotFoundAction: Required value',
      'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
    ]);
  });
});

describe('services of the API', () => {
  const kind = 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService';
  it('are named by what they serve', () => {
    const spec = {
      group: 'g',
      version: 'v1',
      groupPriorityMinimum: 0,
      versionPriority: 2000,
      insecureSkipTLSVerify: true,
    };
    expect(errorsOf(kind, { spec })).toEqual([
      'metadata.name: Invalid value: "x": must be `spec.version+"."+spec.group`: "v1.g"',
      'spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000',
      'spec.versionPriority: Invalid value: 2000: must be positive and less than 1000',
      'spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify',
    ]);
  });
});
