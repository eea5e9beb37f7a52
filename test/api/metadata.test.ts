import { expect, it } from 'vitest';
import { orderedMetadata } from '../../src/api/index.ts';

it('puts metadata into the order that upstream writes', () => {
  const metadata = { labels: { a: 'b' }, name: 'n', extra: 1, uid: 'u', namespace: 'ns', resourceVersion: undefined };
  expect(Object.keys(orderedMetadata(metadata))).toEqual(['name', 'namespace', 'uid', 'labels', 'extra']);
});
