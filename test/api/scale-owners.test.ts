import { describe, expect, it } from 'vitest';
import {
  decodeOwners,
  encodeOwners,
  type ManagedFieldsEntry,
  scaleOwners,
  withScaleOwners,
} from '../../src/api/index.ts';

const path = ['spec', 'replicas'];

const owner = (manager: string, fieldsV1: object, more: object = {}): ManagedFieldsEntry =>
  ({
    manager,
    operation: 'Apply',
    apiVersion: 'apps/v1',
    fieldsType: 'FieldsV1',
    fieldsV1,
    ...more,
  }) as ManagedFieldsEntry;

const decoded = (...entries: ManagedFieldsEntry[]) => decodeOwners(entries) ?? new Map();
const replicas = { 'f:spec': { 'f:replicas': {} } };
const scaler = owner('s', replicas, { operation: 'Update', apiVersion: 'autoscaling/v1', subresource: 'scale' });

describe('scaleOwners', () => {
  it('are those who own the replicas', () => {
    const owners = decoded(
      owner('a', { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } }),
      owner('b', { 'f:spec': { 'f:paused': {} } }),
    );
    expect(encodeOwners(scaleOwners(owners, path))).toEqual([owner('a', replicas, { apiVersion: 'autoscaling/v1' })]);
  });

  it('own the replicas of a scale, wherever they are in the object', () => {
    const owners = decoded(owner('a', { 'f:size': {} }));
    expect(encodeOwners(scaleOwners(owners, ['size']))).toEqual([
      owner('a', replicas, { apiVersion: 'autoscaling/v1' }),
    ]);
  });
});

describe('withScaleOwners', () => {
  const before = decoded(owner('a', { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } }), owner('b', replicas));

  it('takes the replicas from whoever has lost them', () => {
    expect(encodeOwners(withScaleOwners(before, decoded(scaler), 'apps/v1', path))).toEqual([
      owner('a', { 'f:spec': { 'f:paused': {} } }),
      owner('s', replicas, { operation: 'Update', subresource: 'scale' }),
    ]);
  });

  it('keeps what the scale has kept', () => {
    expect(encodeOwners(withScaleOwners(before, scaleOwners(before, path), 'apps/v1', path))).toEqual(
      encodeOwners(before),
    );
  });

  it('leaves the replicas to nobody when nobody has them any more', () => {
    expect(encodeOwners(withScaleOwners(before, new Map(), 'apps/v1', path))).toEqual([
      owner('a', { 'f:spec': { 'f:paused': {} } }),
    ]);
  });
});
