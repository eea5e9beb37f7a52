/** What the load generator is told. */
import { expect, it } from 'vitest';
import { numbered } from '../../../bench/api/traffic.ts';

it('fills the numbers of the object and of the request into a template', () => {
  expect(numbered('/pods/pod-{n}?i={i}&again={n}')(3, 7)).toBe('/pods/pod-3?i=7&again=3');
  expect(numbered('plain')(1, 2)).toBe('plain');
});
