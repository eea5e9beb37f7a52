import { describe, expect, it } from 'vitest';
import { type ApiObject, fieldErrorText } from '../../../src/api/index.ts';
import { validationOf } from '../../../src/api/validation/index.ts';
import { type Body, contextOf, errorsOf } from './context.ts';

const exactly = { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1 };
const claim = (devices: Body): Body => ({ spec: { devices } });
const reference =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

describe('claims of devices', () => {
  it.each<readonly [what: string, devices: Body, errors: readonly string[]]>([
    ['sound', { requests: [{ name: 'r', exactly }] }, []],
    ['nothing asked for', { requests: null }, []],
    [
      'no way of asking',
      { requests: [{ name: 'r' }] },
      ['spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required'],
    ],
    [
      'two ways of asking',
      { requests: [{ name: 'r', exactly, firstAvailable: [{ name: 's', ...exactly }] }] },
      [
        'spec.devices.requests[0]: Invalid value: "null": exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set',
      ],
    ],
    [
      'a name twice',
      {
        requests: [
          { name: 'r', exactly },
          { name: 'r', exactly },
        ],
      },
      ['spec.devices.requests[1]: Duplicate value: "r"'],
    ],
    [
      'no class, a count of all and an unknown mode',
      {
        requests: [
          { name: 'a', exactly: { ...exactly, deviceClassName: '' } },
          { name: 'b', exactly: { ...exactly, allocationMode: 'All' } },
          { name: 'c', exactly: { ...exactly, allocationMode: 'Some' } },
        ],
      },
      [
        'spec.devices.requests[0].exactly.deviceClassName: Required value',
        "spec.devices.requests[1].exactly.count: Invalid value: 1: must not be specified when allocationMode is 'All'",
        'spec.devices.requests[2].exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"',
      ],
    ],
    [
      'a constraint of nothing on a request that is not there',
      { requests: [{ name: 'r', exactly }], constraints: [{ requests: ['q'] }] },
      [
        `spec.devices.constraints[0].requests[0]: Invalid value: "q": ${reference}`,
        'spec.devices.constraints[0]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
      ],
    ],
    [
      'an alternative, referred to rightly and wrongly',
      {
        requests: [{ name: 'r', firstAvailable: [{ name: 's', ...exactly }] }],
        constraints: [{ requests: ['r/s', 'r/t'], matchAttribute: 'a.example.com/model' }],
      },
      [`spec.devices.constraints[0].requests[1]: Invalid value: "r/t": ${reference}`],
    ],
    [
      'an attribute without a domain',
      { constraints: [{ matchAttribute: 'model' }] },
      [
        'spec.devices.constraints[0].matchAttribute: Invalid value: "model": a fully qualified name must be a domain and a name separated by a slash',
      ],
    ],
    [
      'configuration that is no object',
      { config: [{ opaque: { driver: 'd.example.com', parameters: 3 } }, {}] },
      [
        'spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
        'spec.devices.config[1].opaque: Required value',
      ],
    ],
    [
      'a toleration that says too much',
      {
        requests: [
          { name: 'r', exactly: { ...exactly, tolerations: [{ operator: 'Exists', value: 'v', effect: 'X' }] } },
        ],
      },
      [
        'spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: "v": must be empty for operator `Exists`',
        'spec.devices.requests[0].exactly.tolerations[0].effect: Unsupported value: "X": supported values: "NoExecute", "NoSchedule", "None"',
      ],
    ],
    [
      'more requests than there may be',
      { requests: Array.from({ length: 33 }, (_, index) => ({ name: `r${index}`, exactly })) },
      ['spec.devices.requests: Too many: 33: must have at most 32 items'],
    ],
  ])('%s', (_what, devices, errors) => {
    expect(errorsOf('resource.v1.ResourceClaim', claim(devices))).toEqual(errors);
  });

  it('keep their spec', () => {
    const before = claim({ requests: [{ name: 'r', exactly }] });
    expect(errorsOf('resource.v1.ResourceClaim', before, before)).toEqual([]);
    const [error] = errorsOf('resource.v1.ResourceClaim', claim({ requests: [{ name: 's', exactly }] }), before);
    expect(error).toMatch(/^spec: Invalid value: .*: field is immutable$/);
  });
});

describe('the status of claims', () => {
  const allocation = { devices: { results: [{ request: 'r', driver: 'd.example.com', pool: 'p', device: 'd' }] } };
  const statusErrors = (status: Body, before: Body = {}, metadata: Body = {}): string[] => {
    const whole = (part: Body): ApiObject =>
      ({ metadata, ...claim({ requests: [{ name: 'r', exactly }] }), status: part }) as unknown as ApiObject;
    const validation = validationOf('io.k8s.api.resource.v1.ResourceClaim')!;
    return validation.status!.validateUpdate!(whole(status), whole(before), contextOf()).map(fieldErrorText);
  };
  const consumer = { resource: 'pods', name: 'p', uid: '1' };

  it('reserves only what is allocated', () => {
    expect(statusErrors({ allocation, reservedFor: [consumer] })).toEqual([]);
    expect(statusErrors({ reservedFor: [consumer] })).toEqual([
      'status.reservedFor: Forbidden: may not be specified when `allocated` is not set',
    ]);
  });

  it('takes no new consumers while it is being deleted', () => {
    const deleted = { deletionTimestamp: '2026-01-01T00:00:00Z' };
    expect(statusErrors({ allocation, reservedFor: [consumer] }, { allocation }, deleted)).toEqual([
      'status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set',
    ]);
    expect(
      statusErrors({ allocation, reservedFor: [consumer] }, { allocation, reservedFor: [consumer] }, deleted),
    ).toEqual([]);
  });

  it('speaks only of devices that are allocated', () => {
    const device = { driver: 'd.example.com', pool: 'p', device: 'other' };
    expect(statusErrors({ allocation, devices: [device] })).toEqual([
      'status.devices[0]: Invalid value: d.example.com/p/other: must be an allocated device in the claim',
    ]);
  });
});

describe('classes of devices', () => {
  it('select by expression, and may be a resource', () => {
    expect(errorsOf('resource.v1.DeviceClass', { spec: { selectors: [{}], extendedResourceName: 'cpu' } })).toEqual([
      'spec.selectors[0].cel: Required value',
      'spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name',
    ]);
    expect(
      errorsOf('resource.v1.DeviceClass', {
        spec: { selectors: [{ cel: { expression: 'true' } }], extendedResourceName: 'example.com/gpu' },
      }),
    ).toEqual([]);
  });
});

describe('slices of devices', () => {
  const spec = {
    driver: 'd.example.com',
    nodeName: 'n',
    pool: { name: 'p', generation: 1, resourceSliceCount: 1 },
  };

  it.each<readonly [what: string, changes: Body, errors: readonly string[]]>([
    [
      'sound',
      { devices: [{ name: 'd', attributes: { model: { string: 'a' } }, capacity: { memory: { value: '1Gi' } } }] },
      [],
    ],
    [
      'reach nowhere',
      { nodeName: undefined },
      [
        'spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required',
      ],
    ],
    [
      'reach by two ways',
      { allNodes: true },
      [
        'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set',
      ],
    ],
    [
      'a pool of no slices',
      { pool: { name: '', generation: -1, resourceSliceCount: 0 } },
      [
        'spec.pool.name: Required value',
        'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero',
        'spec.pool.generation: Invalid value: -1: must be greater than or equal to zero',
      ],
    ],
    [
      'attributes without and with two values',
      { devices: [{ name: 'd', attributes: { a: {}, b: { version: '1' } } }] },
      [
        'spec.devices[0].attributes[a]: Invalid value: "": exactly one value must be specified',
        'spec.devices[0].attributes[b].version: Invalid value: "1": must be a string compatible with semver.org spec 2.0.0',
      ],
    ],
    [
      'a device that chooses its node where it may not',
      { devices: [{ name: 'd', nodeName: 'n' }] },
      [
        'spec.devices[0]: Invalid value: "null": `nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec',
      ],
    ],
    [
      'a policy for a device that is not shared',
      { devices: [{ name: 'd', capacity: { m: { value: '1', requestPolicy: { default: '1' } } } }] },
      ['spec.devices[0].capacity[m].requestPolicy: Forbidden: allowMultipleAllocations must be true'],
    ],
    [
      'a range whose default is no step',
      {
        devices: [
          {
            name: 'd',
            allowMultipleAllocations: true,
            capacity: { m: { value: '10', requestPolicy: { default: '4', validRange: { min: '1', step: '2' } } } },
          },
        ],
      },
      [
        'spec.devices[0].capacity[m].requestPolicy.validRange.step: Invalid value: "4": value is not a multiple of a given step (2) from (1)',
      ],
    ],
  ])('%s', (_what, changes, errors) => {
    expect(errorsOf('resource.v1.ResourceSlice', { spec: { ...spec, ...changes } })).toEqual(errors);
  });

  it('keep their driver, pool and node', () => {
    const changed = { ...spec, driver: 'e.example.com', nodeName: 'm' };
    expect(errorsOf('resource.v1.ResourceSlice', { spec: changed }, { spec })).toEqual([
      'spec.driver: Invalid value: "e.example.com": field is immutable',
      'spec.nodeName: Invalid value: "m": field is immutable',
    ]);
  });
});
