// What only worker threads can show: bugs that no handler catches, and numbers of actors.
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type ActorSpec,
  ActorSystem,
  isBusError,
  type Placement,
  type SystemEvent,
  threadBudget,
} from '../../src/runtime/index.ts';
import * as actors from './support/actors.ts';
import { buildActors, onThreads } from './support/built-actors.ts';

const server = onThreads(actors.server);
const client = onThreads(actors.client);

beforeAll(buildActors);

let system: ActorSystem;
let events: SystemEvent[] = [];

async function start(placement: Placement, specs: ActorSpec[], heartbeatMs = 10_000): Promise<void> {
  system = new ActorSystem({
    placement,
    logLevel: 'silent',
    sharedThreads: 2,
    heartbeatMs,
    threadLimits: { maxOldGenerationSizeMb: 64 },
  });
  events = [];
  system.events$.subscribe((event) => events.push(event));
  await system.start(specs, { concurrency: 64 });
}

// A busy machine needs long for the end of a thousand threads.
afterEach(() => system.stop(), 120_000);

describe.each(['shared', 'dedicated'] as const)('a thread of placement %s', (placement) => {
  it.each([
    ['rejection', 'bug in a promise that nobody awaits', 10_000],
    ['loop', 'did not answer for 500 ms', 500],
    ['heap', 'heap out of memory', 20_000],
  ] as const)('is replaced after a %s while the rest goes on', async (misdeed, cause, heartbeatMs) => {
    await start(
      placement,
      [{ definition: server }, { definition: client }, { definition: server, address: 'other' }],
      heartbeatMs,
    );
    expect(await system.bus.call('server', actors.next, null)).toBe(1);
    await system.bus.call('client', actors.relayCall, { to: 'server', value: 1 });
    const crashed = new Promise<SystemEvent>((resolve) => {
      system.events$.subscribe((event) => event.type === 'crashed' && event.address === 'server' && resolve(event));
    });
    await system.bus.call('server', actors.misbehave, misdeed);
    const late = system.bus.call('server', actors.echo, 1);
    late.catch(() => {});
    // The client lives in another thread in both placements, and keeps answering meanwhile.
    await expect(system.bus.call('client', actors.relayCall, { to: 'nobody', value: 1 })).rejects.toSatisfy((error) =>
      isBusError(error, 'ServiceUnavailable'),
    );
    expect(String((await crashed).error)).toContain(cause);
    await system.settled();
    expect(await system.bus.call('server', actors.next, null)).toBe(1);
    expect(await system.bus.call('other', actors.next, null)).toBe(1);
    expect(await system.bus.call('client', actors.relayCall, { to: 'server', value: 2 })).toBe(2);
  });
});

describe('many actors', () => {
  it('puts 10 000 actors into two shared threads, each of which answers', async () => {
    const count = 10_000;
    await start('shared', specsOf(count));
    const answers = await Promise.all(addresses(count).map((address) => system.bus.call(address, actors.next, null)));
    expect(answers.every((answer) => answer === 1)).toBe(true);
    const rows = await system.inspect();
    expect(rows).toHaveLength(count);
    expect(new Set(rows.map((row) => row.threadId)).size).toBe(2);
  });

  // A thousand threads take most of a minute of two cores: the full number is for those who ask for it.
  const threads = Number(process.env['KUBEHIVE_TEST_THREADS'] ?? 60);

  it(`puts ${threads} actors into a thread each, each of which answers`, { timeout: 600_000 }, async () => {
    await start('dedicated', specsOf(threads), 60_000);
    const answers = await Promise.all(addresses(threads).map((address) => system.bus.call(address, actors.next, null)));
    expect(answers.every((answer) => answer === 1)).toBe(true);
    expect(new Set((await system.inspect()).map((row) => row.threadId)).size).toBe(threads);
  });

  it('refuses more threads than the machine holds before it starts any, naming bound, cause and way out', async () => {
    await start('dedicated', []);
    const { bound } = threadBudget();
    await expect(system.start(specsOf(bound + 1))).rejects.toThrow(
      new RegExp(
        `${bound + 1} worker threads were asked for, but the bound is ${bound} .*max_map_count.*shared.*processes`,
      ),
    );
    expect(await system.inspect()).toEqual([]);
  });
});

function addresses(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `server/${at}`);
}

function specsOf(count: number): ActorSpec[] {
  return addresses(count).map((address) => ({ definition: server, address }));
}
