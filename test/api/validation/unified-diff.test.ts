import { describe, expect, it } from 'vitest';
import { internalForm } from '../../../src/api/validation/internal-form.ts';
import { internalDiff, unifiedDiff } from '../../../src/api/validation/unified-diff.ts';

describe('unifiedDiff', () => {
  it('prints nothing for texts that are the same', () => {
    expect(unifiedDiff(['a', 'b'], ['a', 'b'])).toBe('');
  });

  it('prints what differs with three lines around it', () => {
    const before = ['1', '2', '3', '4', '5', '6', '7', '8'];
    const after = ['1', '2', '3', '4', 'x', '6', '7', '8'];
    expect(unifiedDiff(before, after)).toBe('@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n');
  });

  it('cuts distant changes into hunks', () => {
    const before = Array.from({ length: 20 }, (_, index) => String(index));
    const after = before.map((line) => (line === '2' || line === '17' ? `${line}!` : line));
    expect(unifiedDiff(before, after).match(/^@@.*@@$/gm)).toEqual(['@@ -1,6 +1,6 @@', '@@ -15,6 +15,6 @@']);
  });

  it('prints the lines of a claim as upstream numbers them', () => {
    const claim = (storage: string) => ({
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage } },
      volumeMode: 'Filesystem',
    });
    expect(internalDiff('ClaimSpec', claim('1Gi'), claim('2Gi'))).toBe(
      '@@ -6,7 +6,7 @@\n  "Resources": {\n   "Limits": null,\n   "Requests": {\n-   "storage": "1Gi"\n+   "storage": "2Gi"\n   }\n  },\n  "VolumeName": "",\n',
    );
  });
});

describe('internalForm', () => {
  it('names every field in upstream order, empty ones too', () => {
    expect(JSON.stringify(internalForm('Taint', { key: 'k', effect: 'NoSchedule' }))).toBe(
      '{"Key":"k","Value":"","Effect":"NoSchedule","TimeAdded":null}',
    );
  });

  it('keeps what a pod shares with its host in the security context', () => {
    const form = internalForm('PodSpec', { hostNetwork: true, securityContext: {}, containers: [] });
    expect(form['SecurityContext']).toMatchObject({ HostNetwork: true, HostPID: false });
  });

  it('prints the keys of maps in order', () => {
    expect(JSON.stringify(internalForm('VolumeResources', { limits: { b: '1', a: '2' } }))).toBe(
      '{"Limits":{"a":"2","b":"1"},"Requests":null}',
    );
  });

  it('throws for a type that nobody described', () => {
    expect(() => internalForm('Nothing', {})).toThrow('no internal form is described for Nothing');
  });
});
