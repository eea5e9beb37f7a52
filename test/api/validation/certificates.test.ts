import { describe, expect, it } from 'vitest';
import { type ApiObject, fieldErrorText } from '../../../src/api/index.ts';
import { validationOf } from '../../../src/api/validation/index.ts';
import { type Body, contextOf, errorsOf } from './context.ts';

const kind = 'certificates.v1.CertificateSigningRequest';
const pem = '-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----\n';
const spec = {
  request: Buffer.from(pem).toString('base64'),
  signerName: 'example.com/signer',
  usages: ['client auth'],
};
const approved = { type: 'Approved', status: 'True', reason: 'R' };

/** The errors of an update through the endpoint of that name. */
function errorsOfEndpoint(name: 'status' | 'approval', status: Body, before: Body): string[] {
  const { status: statusRules, subresources } = validationOf(`io.k8s.api.${kind}`)!;
  const rules = name === 'status' ? statusRules : subresources?.['approval'];
  const whole = (part: Body): ApiObject => ({ metadata: { name: 'x' }, spec, status: part }) as unknown as ApiObject;
  return rules!.validateUpdate!(whole(status), whole(before), contextOf()).map(fieldErrorText);
}

describe('requests for certificates', () => {
  it('ask for known usages, once', () => {
    expect(errorsOf(kind, { spec })).toEqual([]);
    const errors = errorsOf(kind, { spec: { ...spec, usages: ['x', 'any', 'any'] } });
    expect(errors[0]).toMatch(/^spec\.usages\[0\]: Unsupported value: "x": supported values: "any", "cert sign"/);
    expect(errors[1]).toBe('spec.usages[2]: Duplicate value: "any"');
  });

  it('are decided only by approval, and certified only by status', () => {
    expect(errorsOfEndpoint('approval', { conditions: [approved] }, {})).toEqual([]);
    expect(errorsOfEndpoint('status', { conditions: [approved] }, {})).toEqual([
      'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
    ]);
    expect(errorsOfEndpoint('approval', { certificate: 'eA==' }, {})).toEqual([
      'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block',
      'status.certificate: Forbidden: updates may not set certificate content',
    ]);
  });

  it('are not both approved and denied, nor decided otherwise later', () => {
    const denied = { ...approved, type: 'Denied' };
    expect(errorsOfEndpoint('approval', { conditions: [approved, denied] }, { conditions: [approved] })).toEqual([
      'status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
    ]);
    expect(errorsOfEndpoint('approval', { conditions: [] }, { conditions: [approved] })).toEqual([
      'status.conditions: Forbidden: updates may not remove a condition of type "Approved"',
    ]);
    expect(errorsOfEndpoint('approval', { conditions: [{ ...approved, status: 'False' }] }, {})).toEqual([
      'status.conditions[0].status: Unsupported value: "False": supported values: "True"',
    ]);
  });
});
