/** The routes of watches against asking every watcher. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { WatchRoutes } from '../../src/store/watch-routes.ts';

function matched(routes: WatchRoutes<number>, key: string): number[] {
  const found: number[] = [];
  routes.match(key, (watcher) => found.push(watcher));
  return found.sort((left, right) => left - right);
}

test('finds the watchers of a key, of each of its prefixes, and no others', () => {
  const routes = new WatchRoutes<number>();
  const prefixes = [
    '',
    '/registry/',
    '/registry/pods/',
    '/registry/pods/default/',
    '/registry/podtemplates/',
    '/registry/p',
  ];
  for (const [n, prefix] of prefixes.entries()) routes.addPrefix(prefix, n);
  routes.addKey('/registry/pods/default/a', 6);
  routes.addKey('/registry/pods/default/ab', 7);
  expect(matched(routes, '/registry/pods/default/a')).toEqual([0, 1, 2, 3, 5, 6]);
  expect(matched(routes, '/registry/pods/')).toEqual([0, 1, 2, 5]);
  expect(matched(routes, '/registry/nodes/a')).toEqual([0, 1]);
  expect(matched(routes, '/other')).toEqual([0]);
});

test('nothing is left of watchers that are gone', () => {
  const word = fc.array(fc.constantFrom('/', 'a', 'b'), { maxLength: 6 }).map((units) => units.join(''));
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 30 }),
      fc.array(word, { maxLength: 10 }),
      fc.nat(),
      (prefixes, keys, seed) => {
        const routes = new WatchRoutes<number>();
        for (const [n, prefix] of prefixes.entries()) routes.addPrefix(prefix, n);
        for (const key of keys) {
          const expected = prefixes.flatMap((prefix, n) => (key.startsWith(prefix) ? [n] : []));
          expect(matched(routes, key)).toEqual(expected);
        }
        const order = prefixes
          .map((_, n) => n)
          .sort((left, right) => ((left * 7 + seed) % 11) - ((right * 7 + seed) % 11));
        const half = order.length >> 1;
        for (const n of order.slice(0, half)) routes.removePrefix(prefixes[n]!, n);
        for (const key of keys) {
          const left = order.slice(half).filter((n) => key.startsWith(prefixes[n]!));
          expect(matched(routes, key)).toEqual(left.sort((a, b) => a - b));
        }
        for (const n of order.slice(half)) routes.removePrefix(prefixes[n]!, n);
        expect(routes.nodes).toBe(1);
      },
    ),
    { numRuns: 500 },
  );
});
