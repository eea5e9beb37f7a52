import { describe, expect, it } from 'vitest';
import { fieldErrorText, type ObjectMeta, validateMetadata, validateMetadataUpdate } from '../../../src/api/index.ts';

const errorsOf = (metadata: ObjectMeta, namespaced = true): string[] =>
  validateMetadata({ namespace: 'n', ...metadata }, namespaced).map(fieldErrorText);

describe('validateMetadata', () => {
  it('accepts labels, annotations and finalizers with domains', () => {
    const map = { 'example.com/a': 'b', plain: '' };
    expect(errorsOf({ labels: map, annotations: { ...map, Upper: '!' }, finalizers: ['example.com/f'] })).toEqual([]);
  });

  it('wants a namespace where there are namespaces, and none elsewhere', () => {
    expect(errorsOf({ namespace: '' })).toEqual(['metadata.namespace: Required value']);
    expect(errorsOf({}, false)).toEqual(['metadata.namespace: Forbidden: not allowed on this type']);
  });

  it('refuses two controllers', () => {
    const owner = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', name, uid: name, controller: true });
    expect(errorsOf({ ownerReferences: [owner('a'), owner('b')] })[0]).toContain(
      'Only one reference can have Controller set to true. Found "true" in references for Pod/a and Pod/b',
    );
  });

  it.each([
    ['v1', true],
    ['apps/v1', true],
    ['/v1', true],
    ['', false],
    ['apps/', false],
    ['a/b/v1', false],
  ])('takes %j for the version of an owner: %s', (apiVersion, good) => {
    const errors = errorsOf({ ownerReferences: [{ apiVersion, kind: 'Pod', name: 'a', uid: 'a' }] });
    expect(errors).toEqual(
      good ? [] : [`metadata.ownerReferences.apiVersion: Invalid value: "${apiVersion}": version must not be empty`],
    );
  });

  it('refuses annotations of more than 256 KiB together', () => {
    expect(errorsOf({ annotations: { a: 'x'.repeat(262_144) } })).toEqual([
      'metadata.annotations: Too long: may not be more than 262144 bytes',
    ]);
    expect(errorsOf({ annotations: { a: 'x'.repeat(262_143) } })).toEqual([]);
  });
});

describe('validateMetadataUpdate', () => {
  it('refuses new finalizers of what is being deleted', () => {
    const previous: ObjectMeta = { deletionTimestamp: '2026-01-02T03:04:05Z', finalizers: ['a/b'] };
    const errors = validateMetadataUpdate({ finalizers: ['a/b', 'c/d'] }, previous).map(fieldErrorText);
    expect(errors).toEqual([
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"c/d"}',
    ]);
    expect(validateMetadataUpdate({ finalizers: [] }, previous)).toEqual([]);
  });
});
