import { describe, expect, it } from 'vitest';
import { errorsOf } from './context.ts';

describe('storage', () => {
  it('lets a class of volume attributes say something, once', () => {
    const kind = 'storage.v1.VolumeAttributesClass';
    const before = { driverName: 'd', parameters: { a: '1' } };
    expect(errorsOf(kind, before)).toEqual([]);
    expect(errorsOf(kind, { driverName: '' })).toEqual([
      'driverName: Required value',
      'parameters: Required value: must contain at least one key/value pair',
    ]);
    expect(errorsOf(kind, { driverName: 'e', parameters: { a: '2' } }, before)).toEqual([
      'driverName: Forbidden: updates to driverName are forbidden.',
      'parameters: Forbidden: updates to parameters are forbidden.',
    ]);
  });

  it('keeps what a driver said of its node, but for the count', () => {
    const kind = 'storage.v1.CSINode';
    const driver = { name: 'd', nodeID: 'n', topologyKeys: null };
    const of = (...drivers: unknown[]) => ({ spec: { drivers } });
    expect(errorsOf(kind, of(driver, { ...driver, nodeID: '', allocatable: { count: -1 } }))).toEqual([
      'spec.drivers[1].nodeID: Required value',
      'spec.drivers[1].allocatable.count: Invalid value: -1: must be greater than or equal to 0',
      'spec.drivers[1].name: Duplicate value: "d"',
    ]);
    expect(errorsOf(kind, of({ ...driver, allocatable: { count: 3 } }), of(driver))).toEqual([]);
    expect(errorsOf(kind, of({ ...driver, nodeID: 'm' }), of(driver))).toEqual([
      'spec.drivers: Invalid value: {"Name":"d","NodeID":"m","TopologyKeys":null,"Allocatable":null}: field is immutable',
    ]);
  });

  it('attaches one volume, by a driver', () => {
    const kind = 'storage.v1.VolumeAttachment';
    expect(errorsOf(kind, { spec: { attacher: '', nodeName: 'n', source: {} } })[0]).toBe(
      'spec.attacher: Required value',
    );
    const sound = { spec: { attacher: 'd', nodeName: 'n', source: { persistentVolumeName: 'v' } } };
    expect(errorsOf(kind, sound)).toEqual([]);
    expect(errorsOf(kind, { ...sound, status: { attachError: { message: 'x'.repeat(1025), errorCode: -1 } } })).toEqual(
      [
        'status.attachError.message: Too long: may not be more than 262144 bytes',
        'status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive',
      ],
    );
  });

  it('asks for a topology once, and for something', () => {
    const kind = 'storage.v1.StorageClass';
    const term = { matchLabelExpressions: [{ key: 'zone', values: ['a', 'b'] }] };
    const same = { matchLabelExpressions: [{ key: 'zone', values: ['b', 'a'] }] };
    const of = (...allowedTopologies: unknown[]) => ({
      provisioner: 'p',
      volumeBindingMode: 'Immediate',
      allowedTopologies,
    });
    expect(errorsOf(kind, of(term))).toEqual([]);
    expect(errorsOf(kind, of(term, same, {}))).toEqual([
      'allowedTopologies[1].matchLabelExpressions: Duplicate value: ""',
      // Once for each term there is, as upstream counts.
      'allowedTopologies[2].matchLabelExpressions: Duplicate value: ""',
      'allowedTopologies[2].matchLabelExpressions: Duplicate value: ""',
      'allowedTopologies[2].matchLabelExpressions: Duplicate value: ""',
    ]);
  });
});
