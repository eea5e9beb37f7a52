/** Long tables are put together from cached texts: they must be the tables that are made of the objects. */
import { describe, expect, it } from 'vitest';
import { Entry } from '../../../../actors/apiserver/cache/entry.ts';
import { tableBytes, tableOf } from '../../../../actors/apiserver/http/tables.ts';
import { type ApiObject, createKindRegistry } from '../../../../src/api/index.ts';

const registry = createKindRegistry();
const NOW = Date.UTC(2026, 0, 2);

function entriesOf(kind: string, objects: readonly object[]): Entry[] {
  return objects.map((object, index) => {
    const name = `x-${index}`;
    const metadata = { name, namespace: 'a', creationTimestamp: '2026-01-01T00:00:00Z', labels: { '<&>': 'é' } };
    const whole = { kind, apiVersion: 'v1', metadata, ...object } as ApiObject;
    return new Entry({ key: `/registry/x/a/${name}`, namespace: 'a', name }, index + 1, undefined, whole);
  });
}

describe('a table of cached texts', () => {
  it.each([
    ['pods', [{ spec: {}, status: { phase: 'Running' } }, { status: { phase: 'Succeeded' } }, {}]],
    ['configmaps', [{ data: { a: '1' } }, {}]],
    ['events', [{ lastTimestamp: '2026-01-01T01:00:00Z' }, { lastTimestamp: '2026-01-01T00:30:00Z' }]],
  ])('of %s is the table of the objects', (plural, objects) => {
    const kind = registry.byResource('', 'v1', plural)!;
    for (const include of ['Metadata', 'None'] as const) {
      for (const version of ['v1', 'v1beta1']) {
        const metadata = { resourceVersion: '9', remainingItemCount: 3 };
        const entries = entriesOf(kind.kind, objects);
        const bytes = tableBytes(kind, entries, metadata, include, version, NOW);
        const expected = tableOf(kind, entries, metadata, include, version, NOW);
        expect(JSON.parse(bytes.toString())).toEqual(JSON.parse(JSON.stringify(expected)));
        expect(bytes.at(-1)).toBe(0x0a);
      }
    }
  });
});
