// The contract of the runtime: what holds in every placement, shown over inline, shared and dedicated.
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ActorSpec, ActorSystem, isBusError, type Placement, type SystemEvent } from '../../src/runtime/index.ts';
import * as actors from './support/actors.ts';
import { buildActors, onThreads } from './support/built-actors.ts';

const server = onThreads(actors.server);
const client = onThreads(actors.client);
const faulty = onThreads(actors.faulty);
const polite = onThreads(actors.polite);

beforeAll(buildActors);

for (const placement of ['inline', 'shared', 'dedicated'] as const satisfies readonly Placement[]) {
  describe(`placement ${placement}`, () => {
    let system: ActorSystem;
    let events: SystemEvent[] = [];

    async function start(...specs: ActorSpec[]): Promise<void> {
      system = new ActorSystem({ placement, logLevel: 'silent', seed: 7, sharedThreads: 2, heartbeatMs: 1_000 });
      events = [];
      system.events$.subscribe((event) => events.push(event));
      await system.start(specs);
    }

    /** Calls until the actor is back after a crash. */
    async function whenBack(address: string): Promise<void> {
      for (;;) {
        try {
          await system.bus.call(address, actors.echo, null, { deadlineMs: 10_000 });
          return;
        } catch (error) {
          if (!isBusError(error, 'ServiceUnavailable')) throw error;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
    }

    afterEach(() => system.stop());

    it('carries plain data there and back, bytes as bytes, undefined members dropped', async () => {
      await start({ definition: server });
      const value = { a: 1, b: [null, 'x', 1.5], c: { d: true }, e: undefined, f: 2n ** 60n };
      expect(await system.bus.call('server', actors.echo, value)).toEqual({
        a: 1,
        b: [null, 'x', 1.5],
        c: { d: true },
        f: 2n ** 60n,
      });
      const bytes = (await system.bus.call('server', actors.echo, new Uint8Array([1, 2, 3]))) as Uint8Array;
      expect(Array.from(bytes)).toEqual([1, 2, 3]);
    });

    it('never shares an object between two actors', async () => {
      await start({ definition: server });
      const value = { list: [1] };
      const reply = system.bus.call('server', actors.echo, value);
      value.list.push(2);
      expect(await reply).toEqual({ list: [1] });
    });

    it('tells servers who calls, as the supervisor knows the caller', async () => {
      await start({ definition: server });
      const alice = system.connect('alice', { user: 'alice', groups: ['a'] });
      expect(await alice.bus.call('server', actors.whoAmI, null)).toEqual({
        address: 'alice',
        identity: { user: 'alice', groups: ['a'] },
      });
    });

    it('delivers the messages of one actor to another in the order in which they were sent', async () => {
      await start(
        { definition: server },
        { definition: client, address: 'client-a' },
        { definition: client, address: 'client-b' },
      );
      const count = 2_000;
      await Promise.all(
        ['client-a', 'client-b'].map((address) => system.bus.call(address, actors.flood, { to: 'server', count })),
      );
      const notes = await system.bus.call('server', actors.notes, null);
      for (const from of ['client-a', 'client-b']) {
        const values = notes.filter((note) => note.from === from).map((note) => note.value);
        expect(values).toEqual(Array.from({ length: count }, (_, at) => at));
      }
    });

    it('fails a call to nobody at once with ServiceUnavailable, and to no channel with NotServed', async () => {
      await start({ definition: server });
      await expect(system.bus.call('nobody', actors.echo, 1)).rejects.toSatisfy((error) =>
        isBusError(error, 'ServiceUnavailable'),
      );
      await expect(system.bus.call('server', actors.relayCall, { to: 'x', value: 1 })).rejects.toSatisfy((error) =>
        isBusError(error, 'NotServed'),
      );
    });

    it('brings what a handler throws to its caller, and leaves the actor running', async () => {
      await start({ definition: server });
      await expect(system.bus.call('server', actors.failWith, 'plain')).rejects.toMatchObject({
        code: 'HandlerFailed',
        message: 'RangeError: out of range',
      });
      await expect(system.bus.call('server', actors.failWith, 'details')).rejects.toMatchObject({
        code: 'ResourceExhausted',
        message: 'too many',
        details: { limit: 3 },
      });
      await expect(system.bus.call('server', actors.echo, 1n << 70n)).rejects.toThrow();
      expect(await system.bus.call('server', actors.echo, 1)).toBe(1);
      expect(events.filter((event) => event.type === 'crashed')).toEqual([]);
    });

    it('fails a call at its deadline and tells the handler', async () => {
      await start({ definition: server });
      await expect(system.bus.call('server', actors.never, null, { deadlineMs: 40 })).rejects.toSatisfy((error) =>
        isBusError(error, 'DeadlineExceeded'),
      );
      expect(await system.bus.call('server', actors.cancelled, null)).toBe(1);
    });

    it('cancels a call by its signal and tells the handler', async () => {
      await start({ definition: server });
      const controller = new AbortController();
      const call = system.bus.call('server', actors.never, null, { signal: controller.signal });
      await system.bus.call('server', actors.echo, 1);
      controller.abort('enough');
      await expect(call).rejects.toSatisfy((error) => isBusError(error, 'Cancelled'));
      expect(await system.bus.call('server', actors.cancelled, null)).toBe(1);
      const late = system.bus.call('server', actors.never, null, { signal: controller.signal });
      await expect(late).rejects.toSatisfy((error) => isBusError(error, 'Cancelled'));
    });

    it('streams in order and completes, through more than one window of credits', async () => {
      await start({ definition: server });
      const items = await lastValueFrom(system.bus.open('server', actors.numbers, 30_000).pipe(toArray()));
      expect(items).toEqual(Array.from({ length: 30_000 }, (_, at) => at));
    });

    it('ends a stream with the error of its producer', async () => {
      await start({ definition: server });
      const outcome = (how: 'throws' | 'errors' | 'bus') =>
        lastValueFrom(system.bus.open('server', actors.broken, how));
      await expect(outcome('throws')).rejects.toMatchObject({ code: 'HandlerFailed', message: 'no stream for you' });
      await expect(outcome('errors')).rejects.toMatchObject({ code: 'HandlerFailed', message: 'broke' });
      await expect(outcome('bus')).rejects.toMatchObject({ code: 'NotServed', details: { at: 7 } });
    });

    it('stops the producer when the consumer unsubscribes or its connection closes', async () => {
      await start({ definition: server });
      const taken = await firstValueFrom(
        system.bus.open('server', actors.endless, { everyMs: 1 }).pipe(take(3), toArray()),
      );
      expect(taken).toEqual([0, 1, 2]);
      expect(await system.bus.call('server', actors.producing, null)).toBe(0);
      const other = system.connect('other');
      const first = firstValueFrom(system.bus.open('server', actors.endless, { everyMs: 1 }));
      other.bus.open('server', actors.endless, { everyMs: 1 }).subscribe();
      await first;
      other.close();
      await system.settled();
      expect(await system.bus.call('server', actors.producing, null)).toBe(0);
    });

    it('closes the stream of a consumer that does not keep up, so that memory stays bounded', async () => {
      await start({ definition: server }, { definition: client });
      const request = { from: 'server', count: 2_000, bytes: 10_000, busyMs: 0 };
      const slow = await system.bus.call('client', actors.consume, request);
      // 2000 items of 10 kB at once are far beyond the window of 1 MiB and the 100 items that may wait.
      expect(slow.outcome).toBe('ResourceExhausted');
      expect(slow.items).toBeLessThan(300);
      const fits = await system.bus.call('client', actors.consume, { ...request, count: 100 });
      expect(fits).toEqual({ items: 100, outcome: 'complete' });
    });

    it.each(['timer', 'async-timer', 'subscriber', 'context'] as const)(
      'restarts an actor that throws in: %s, with fresh state, while the others go on',
      async (misdeed) => {
        await start({ definition: server }, { definition: client });
        expect(await system.bus.call('server', actors.next, null)).toBe(1);
        const pending = system.bus.call('server', actors.never, null);
        const stream = lastValueFrom(system.bus.open('server', actors.endless, { everyMs: 50 }));
        await system.bus.call('server', actors.misbehave, misdeed);
        await expect(pending).rejects.toSatisfy((error) => isBusError(error, 'ServiceUnavailable'));
        await expect(stream).rejects.toSatisfy((error) => isBusError(error, 'ServiceUnavailable'));
        await whenBack('server');
        expect(await system.bus.call('server', actors.next, null)).toBe(1);
        expect(await system.bus.call('client', actors.relayCall, { to: 'server', value: 5 })).toBe(5);
        await system.settled();
        expect(events.map((event) => `${event.type} ${event.address}`)).toEqual([
          'started server',
          'started client',
          'crashed server',
          'restarted server',
        ]);
      },
    );

    it('gives an incarnation a random sequence of its own, and the same seed the same sequences', async () => {
      await start({ definition: server });
      const first = await system.bus.call('server', actors.uuid, null);
      await system.kill('server');
      await whenBack('server');
      const second = await system.bus.call('server', actors.uuid, null);
      await system.stop();
      await start({ definition: server });
      expect(await system.bus.call('server', actors.uuid, null)).toBe(first);
      expect(second).not.toBe(first);
    });

    it('gives up on an actor that exhausts its restart budget, and says so', async () => {
      await start({
        definition: faulty,
        options: { startFails: 'never', crashAfterMs: 1 },
        restart: { restartsMax: 2, backoffMs: 1 },
      });
      await new Promise<void>((resolve) => {
        system.health$.subscribe((health) => health.status === 'red' && resolve());
      });
      expect(system.health().causes.join()).toContain(
        'faulty was given up after 3 crashes in a row; the last one: crashed again',
      );
      expect(events.map((event) => event.type).filter((type) => type === 'crashed')).toHaveLength(3);
      expect(events.at(-1)?.type).toBe('gaveUp');
      await expect(system.bus.call('faulty', actors.echo, 1)).rejects.toSatisfy((error) =>
        isBusError(error, 'ServiceUnavailable'),
      );
    });

    it('rejects a first start that fails, naming actor and cause', async () => {
      await start({ definition: server });
      const failing = system.start({ definition: faulty, options: { startFails: 'always', crashAfterMs: 0 } });
      await expect(failing).rejects.toThrow('actor faulty did not start: cannot start');
      expect(await system.bus.call('server', actors.echo, 1)).toBe(1);
    });

    it('refuses two actors with one address', async () => {
      await start({ definition: server });
      await expect(system.start({ definition: server })).rejects.toThrow('two actors have the address server');
    });

    it('starts in order, and stops in reverse order while those started earlier still serve', async () => {
      await start({ definition: server }, { definition: polite }, { definition: polite, address: 'polite-2' });
      await system.remove('polite-2');
      await system.remove('polite');
      expect((await system.bus.call('server', actors.notes, null)).map((note) => note.from)).toEqual([
        'polite-2',
        'polite',
      ]);
      await system.start({ definition: polite });
      await system.stop();
      expect(events.slice(0, 3).map((event) => event.address)).toEqual(['server', 'polite', 'polite-2']);
      expect(events.slice(-2).map((event) => `${event.type} ${event.address}`)).toEqual([
        'stopped polite',
        'stopped server',
      ]);
    });

    it('restarts an actor gracefully on demand', async () => {
      await start({ definition: server });
      await system.bus.call('server', actors.next, null);
      await system.restart('server');
      expect(await system.bus.call('server', actors.next, null)).toBe(1);
      expect(events.at(-1)?.type).toBe('restarted');
    });

    it('stops also while an actor is on its way back', async () => {
      await start({ definition: server }, { definition: client });
      await system.kill('server');
      await new Promise((resolve) => setTimeout(resolve, 12));
      await system.stop();
      expect(events.at(-1)?.type).toBe('stopped');
      await expect(system.start({ definition: server, address: 'late' })).rejects.toThrow('the system was stopped');
    });

    it('settles when no message, handler or foreground timer is left', async () => {
      await start({ definition: server }, { definition: client });
      let answered = false;
      void system.bus.call('server', actors.sleep, 60).then(() => {
        answered = true;
      });
      await system.settled();
      expect(answered).toBe(true);
    });

    it('shows state, traffic and metrics of every actor', async () => {
      await start({ definition: server }, { definition: client });
      await system.bus.call('server', actors.next, null);
      await system.bus.call('server', actors.next, null);
      await system.kill('client');
      await whenBackRunning('client');
      const rows = await system.inspect();
      expect(rows.find((row) => row.address === 'server')).toMatchObject({
        placement,
        state: 'running',
        messagesIn: 2,
        messagesOut: 2,
        mailboxDepth: 0,
        restarts: 0,
      });
      const row = rows.find((each) => each.address === 'client');
      expect(row).toMatchObject({ restarts: 1, lastError: 'client was killed' });
      expect(row?.threadId === 0).toBe(placement === 'inline');
      expect(row?.heapBytes).toBeGreaterThan(0);
      expect(await system.metricsText()).toContain('# TYPE test_calls_total counter\ntest_calls_total 2\n');
    });

    async function whenBackRunning(address: string): Promise<void> {
      while ((await system.inspect()).find((row) => row.address === address)?.state !== 'running') {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }

    afterAll(() => {
      events = [];
    });
  });
}
