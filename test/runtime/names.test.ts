/** Stored values name their members by these numbers: what has one keeps it. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { NAMES_MAX, names, numberOfName } from '../../src/runtime/names.ts';

it('gives each name one number, and no more than two bytes can tell', () => {
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeLessThanOrEqual(NAMES_MAX);
  expect(names.map((name) => numberOfName.get(name))).toEqual(names.map((_, number) => number));
});

it('still begins with the names of the first release', () => {
  const first = names.slice(0, 250).join('\n');
  expect(createHash('sha256').update(first).digest('hex')).toBe(
    'c0342cfa595aaf6950438713f093bb8216a6688df1aff702bdb37ec75a6b9ba7',
  );
});
