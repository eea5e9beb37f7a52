import { describe, expect, it } from 'vitest';
import { type Definition, isEstablished, namedStatus, withCondition } from '../../../src/api/index.ts';

const NOW = '2026-01-01T00:00:00Z';
const LATER = '2026-01-01T01:00:00Z';

function definition(plural: string, names: object = {}): Definition {
  return {
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural, singular: plural.slice(0, -1), kind: 'Foo', listKind: 'FooList', ...names },
      versions: [],
    },
  };
}

const settled = (given: Definition, others: readonly Definition[] = [], now = NOW): Definition => ({
  ...given,
  status: namedStatus(given, others, now),
});

describe('names of CustomResourceDefinitions', () => {
  it('accepts free names and establishes', () => {
    const first = settled(definition('foos'));
    expect(isEstablished(first)).toBe(true);
    expect(first.status!.acceptedNames).toEqual({ plural: 'foos', singular: 'foo', kind: 'Foo', listKind: 'FooList' });
  });

  it('leaves a taken kind to the first, until that is gone', () => {
    const first = settled(definition('foos'));
    const second = settled(definition('bars'), [first]);
    expect(isEstablished(second)).toBe(false);
    expect(second.status!.conditions![0]).toMatchObject({ status: 'False', reason: 'ListKindConflict' });
    expect(second.status!.acceptedNames).toEqual({ plural: 'bars', singular: 'bar', kind: '' });
    expect(isEstablished(settled(second, []))).toBe(true);
  });

  it('names all short names that are taken', () => {
    const first = settled(definition('foos', { shortNames: ['a', 'b'] }));
    const other = definition('bars', { kind: 'Bar', listKind: 'BarList', shortNames: ['a', 'b', 'c'] });
    expect(settled(other, [first]).status!.conditions![0]).toMatchObject({
      reason: 'ShortNamesConflict',
      message: '["a" is already in use, "b" is already in use]',
    });
  });

  it.each<[string, object, string, string]>([
    ['plural', { plural: 'f', singular: 's' }, 'PluralConflict', 'f'],
    ['plural, by a singular', { plural: 'foo', singular: 's' }, 'PluralConflict', 'foo'],
    ['singular, by a plural', { singular: 'foos' }, 'SingularConflict', 'foos'],
    ['singular, by a short name', { singular: 'f' }, 'SingularConflict', 'f'],
    ['short name, by a plural', { shortNames: ['foos'] }, 'ShortNamesConflict', 'foos'],
    ['kind, by a list kind', { kind: 'FooList' }, 'KindConflict', 'FooList'],
    ['list kind, by a kind', { listKind: 'Foo' }, 'ListKindConflict', 'Foo'],
    ['kind and short name, of which the kind is told', { kind: 'Foo', shortNames: ['f'] }, 'KindConflict', 'Foo'],
  ])('refuses a taken %s', (_, names, reason, taken) => {
    const first = settled(definition('foos', { shortNames: ['f'] }));
    const second = settled(definition('bars', { kind: 'Bar', listKind: 'BarList', ...names }), [first]);
    expect(second.status!.conditions).toEqual([
      {
        type: 'NamesAccepted',
        status: 'False',
        lastTransitionTime: NOW,
        reason,
        message: `"${taken}" is already in use`,
      },
      {
        type: 'Established',
        status: 'False',
        lastTransitionTime: NOW,
        reason: 'NotAccepted',
        message: 'not all names are accepted',
      },
    ]);
  });

  it('keeps what it has when it asks for a taken name, and stays established', () => {
    const first = settled(definition('foos'));
    const second = settled(definition('bars', { kind: 'Bar', listKind: 'BarList', shortNames: ['b'] }), [first]);
    const asked = definition('bars', { kind: 'Bar', listKind: 'BarList', shortNames: ['b', 'foo'] });
    const now = settled({ ...asked, status: second.status! } as Definition, [first], LATER);
    expect(now.status!.acceptedNames).toEqual(second.status!.acceptedNames);
    expect(isEstablished(now)).toBe(true);
    expect(now.status!.conditions![0]).toMatchObject({
      status: 'False',
      reason: 'ShortNamesConflict',
      message: '"foo" is already in use',
      lastTransitionTime: LATER,
    });
  });

  it('changes nothing when nothing changed, and moves the time of a condition only with its status', () => {
    const first = settled(definition('foos'));
    expect(settled(first, [], LATER).status).toEqual(first.status);
    const [condition] = withCondition(
      first.status!.conditions as never,
      { type: 'NamesAccepted', status: 'False' },
      LATER,
    );
    expect(condition!.lastTransitionTime).toBe(LATER);
  });
});
