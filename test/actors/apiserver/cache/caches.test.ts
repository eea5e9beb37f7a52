/** What survives a restart of the API server, and how time moves what it keeps. */
import { describe, expect, it } from 'vitest';
import { Caches } from '../../../../actors/apiserver/cache/caches.ts';
import { configMaps, coreEvents } from '../../../../src/client/index.ts';
import { VirtualClock } from '../../../../src/runtime/clock.ts';
import { configMap, startServer } from '../fixtures.ts';

describe('a restarted API server', () => {
  it('has everything that was there, and resumes a watch where it was', async () => {
    const server = await startServer();
    const { client, system } = server;
    const before = await client.create(configMaps, configMap('a'));
    await client.create(configMaps, configMap('b'));
    await system.restart('apiserver');
    await system.settled();
    const list = await client.list(configMaps, { namespace: 'default' });
    expect(list.items.map((item) => item.metadata?.name)).toEqual(['a', 'b']);
    const seen: string[] = [];
    const version = before.metadata?.resourceVersion;
    const subscription = client
      .watch(configMaps, { namespace: 'default', ...(version === undefined ? {} : { resourceVersion: version }) })
      .subscribe((event) => {
        if (event.type !== 'BOOKMARK') seen.push(`${event.type} ${event.object.metadata?.name}`);
      });
    await client.create(configMaps, configMap('c'));
    await system.settled();
    expect(seen).toEqual(['ADDED b', 'ADDED c']);
    subscription.unsubscribe();
    await server.stop();
  });
});

describe('a port that was picked freely', () => {
  it('stays the same across a restart', async () => {
    const server = await startServer({ http: { host: '127.0.0.1', port: 0 } });
    expect((await server.http('GET', '/healthz')).text).toBe('ok');
    await server.system.kill('apiserver');
    await expect.poll(async () => (await server.http('GET', '/readyz').catch(() => undefined))?.text).toBe('ok');
    await server.stop();
  });
});

describe('without its store', () => {
  it('says that it is unavailable, and comes back with the store', async () => {
    const server = await startServer();
    const { client, system } = server;
    const pending = client.create(configMaps, configMap('a')).then(
      () => 201,
      (error) => error.code,
    );
    await system.kill('store');
    expect([201, 503]).toContain(await pending);
    const create = () =>
      client.create(configMaps, configMap('b')).then(
        () => 201,
        (error) => error.code,
      );
    await expect.poll(create, { timeout: 10_000 }).toSatisfy((code) => code === 201 || code === 409);
    await server.stop();
  });
});

describe('events', () => {
  it('are gone after an hour', async () => {
    const server = await startServer({}, { clock: 'virtual' });
    const { client, system } = server;
    const made = client.create(coreEvents, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e', namespace: 'default' },
      involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
      reason: 'Tested',
      message: 'm',
      type: 'Normal',
    } as never);
    await system.settled();
    await made;
    const left = async () => {
      const list = client.list(coreEvents, { namespace: 'default' });
      await system.settled();
      return (await list).items.length;
    };
    expect(await left()).toBe(1);
    await system.advance(55 * 60_000);
    expect(await left()).toBe(1);
    await system.advance(10 * 60_000);
    expect(await left()).toBe(0);
    await server.stop();
  });
});

describe('who waits for a revision', () => {
  it('gives up after its own time, in whatever order they came', async () => {
    const clock = new VirtualClock();
    const caches = new Caches({ root: '/registry/', changesMax: 10, replayRevisionsMax: 10, indexes: {} }, clock);
    const outcomes: string[] = [];
    const wait = (name: string, timeoutMs: number) =>
      void caches.waitFor(5, timeoutMs).then((reached) => outcomes.push(`${name} ${reached}`));
    wait('long', 5000);
    await clock.advance(1000);
    wait('short', 1000);
    wait('middle', 2000);
    await clock.advance(999);
    expect(outcomes).toEqual([]);
    await clock.advance(1);
    expect(outcomes).toEqual(['short false']);
    await clock.advance(1000);
    expect(outcomes).toEqual(['short false', 'middle false']);
    await clock.advance(1999);
    expect(outcomes).toHaveLength(2);
    await clock.advance(1);
    expect(outcomes).toEqual(['short false', 'middle false', 'long false']);
    wait('later', 100);
    await clock.advance(100);
    expect(outcomes[3]).toBe('later false');
  });

  it('is let go when the caches stop, and does not wait for what is there', async () => {
    const caches = new Caches(
      { root: '/registry/', changesMax: 10, replayRevisionsMax: 10, indexes: {} },
      new VirtualClock(),
    );
    expect(await caches.waitFor(0, 1000)).toBe(true);
    const waiting = caches.waitFor(1, 1000);
    caches.stop();
    expect(await waiting).toBe(false);
  });
});
