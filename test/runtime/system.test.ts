import { firstValueFrom, range, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { ActorSystem, callChannel, defineActor, isBusError, streamChannel } from '../../src/runtime/index.ts';

const add = callChannel<{ a: number; b: number }, number>('add');
const slow = callChannel<number, string>('slow');
const count = streamChannel<number, number>('count');
const boom = callChannel<null, null>('boom');

const calculator = defineActor({
  name: 'calculator',
  module: import.meta.url,
  start(context) {
    context.bus.serve(add, ({ a, b }) => a + b);
    context.bus.serve(slow, async (ms) => {
      await context.clock.sleep(ms);
      return context.random.uuid();
    });
    context.bus.feed(count, (n) => range(0, n));
    context.bus.serve(boom, () => {
      context.clock.after(1, () => {
        throw new Error('boom');
      });
      return null;
    });
  },
});

for (const clock of ['real', 'virtual'] as const) {
  describe(`inline, ${clock} clock`, () => {
    it('calls, streams, restarts', async () => {
      const system = new ActorSystem({ placement: 'inline', clock, logLevel: 'silent', seed: 1 });
      const events: string[] = [];
      system.events$.subscribe((e) => events.push(`${e.type} ${e.address}`));
      await system.start({ definition: calculator });
      expect(await system.bus.call('calculator', add, { a: 1, b: 2 })).toBe(3);
      const reply = system.bus.call('calculator', slow, 50);
      await system.settled();
      expect(await reply).toMatch(/^[0-9a-f-]{36}$/);
      const items = await firstValueFrom(system.bus.open('calculator', count, 10_000).pipe(toArray()));
      expect(items.length).toBe(10_000);
      await expect(system.bus.call('nobody', add, { a: 1, b: 2 })).rejects.toSatisfy((e) =>
        isBusError(e, 'ServiceUnavailable'),
      );
      const late = system.bus.call('calculator', slow, 500, { deadlineMs: 20 });
      late.catch(() => {});
      await system.settled();
      await expect(late).rejects.toSatisfy((e) => isBusError(e, 'DeadlineExceeded'));
      await system.bus.call('calculator', boom, null);
      await system.settled();
      expect(events).toEqual(['started calculator', 'crashed calculator', 'restarted calculator']);
      expect(await system.bus.call('calculator', add, { a: 1, b: 2 })).toBe(3);
      await system.stop();
      expect(events.at(-1)).toBe('stopped calculator');
    });
  });
}
