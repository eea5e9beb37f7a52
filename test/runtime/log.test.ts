import { describe, expect, it } from 'vitest';
import { ActorSystem, defineActor, memorySink } from '../../src/runtime/index.ts';

const talker = defineActor({
  name: 'talker',
  module: import.meta.url,
  start({ log }) {
    log.debug('too quiet');
    log.info('hello', { to: 'you', big: 5n });
  },
});

describe('logs', () => {
  it('reach the sink with address, time and fields, from the chosen level on', async () => {
    const log = memorySink();
    const system = new ActorSystem({ placement: 'inline', clock: 'virtual', startTime: 5_000, log, logLevel: 'info' });
    await system.start({ definition: talker });
    await system.stop();
    expect(log.records).toEqual([
      { time: 5_000, level: 'info', address: 'talker', message: 'hello', fields: { to: 'you', big: 5n } },
    ]);
  });

  it('keep only the newest records in memory', () => {
    const log = memorySink(2);
    for (const message of ['a', 'b', 'c']) log({ time: 0, level: 'info', address: 'x', message });
    expect(log.records.map((record) => record.message)).toEqual(['b', 'c']);
  });
});
