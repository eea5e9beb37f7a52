import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLogBackend, createWebhookBackend } from '../../../../actors/apiserver/audit/backends.ts';
import { RealClock, VirtualClock } from '../../../../src/runtime/index.ts';
import { type LocalService, localService } from '../authentication/local-services.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'kubehive-backends-'));
const failures: unknown[] = [];
const failed = (error: unknown) => void failures.push(error);
afterEach(() => {
  expect(failures.splice(0)).toEqual([]);
});

/** Lines of a mebibyte each. */
const large = (index: number): string => `${index} ${'x'.repeat(1024 * 1024 - 8)}\n`;

describe('the log back end', () => {
  it('writes lines in their order, whatever their lengths and letters', async () => {
    const path = join(folder(), 'deep', 'audit.log');
    const backend = createLogBackend({ path }, new RealClock(), failed);
    const lines = Array.from({ length: 3000 }, (_, index) => `${index} ${'äß'.repeat(index % 100)}\n`);
    lines.push(`${'z'.repeat(200_000)}\n`, 'last\n');
    for (const line of lines) expect(backend.write(line)).toBe(true);
    await backend.close();
    expect(readFileSync(path, 'utf8')).toBe(lines.join(''));
    expect(backend.write('too late\n')).toBe(false);
  });

  it('drops what does not fit into its buffer', async () => {
    const path = join(folder(), 'audit.log');
    const backend = createLogBackend({ path }, new VirtualClock(), failed);
    let taken = 0;
    // All in one turn: nothing is written meanwhile.
    for (let index = 0; index < 12_000; index++) if (backend.write('line\n')) taken++;
    expect(taken).toBeLessThan(12_000);
    await backend.close();
    expect(readFileSync(path, 'utf8')).toBe('line\n'.repeat(taken));
  });

  it('puts a full file aside under its time, and keeps so many', async () => {
    const place = folder();
    const clock = new VirtualClock(Date.parse('2026-01-02T03:04:05.678Z'));
    const backend = createLogBackend(
      { path: join(place, 'audit.log'), maxSizeMegabytes: 1, maxBackups: 2 },
      clock,
      failed,
    );
    for (let index = 0; index < 5; index++) {
      backend.write(large(index));
      await clock.advance(200);
      // The disk's time is not the clock's, which stands still meanwhile.
      await untilLines(join(place, 'audit.log'), `${index} `);
      await clock.advance(800);
    }
    await backend.close();
    const [first, second, ...rest] = readdirSync(place).sort();
    expect(first).toMatch(/^audit-2026-01-02T03-04-08\.\d{3}\.log$/);
    expect(second).toMatch(/^audit-2026-01-02T03-04-09\.\d{3}\.log$/);
    expect(rest).toEqual(['audit.log']);
    expect(readFileSync(join(place, 'audit.log'), 'utf8')).toBe(large(4));
  });

  it('removes files of a certain age, and compresses the others where that is wanted', async () => {
    const place = folder();
    const clock = new VirtualClock(Date.parse('2026-01-02T00:00:00Z'));
    const path = join(place, 'audit.log');
    const backend = createLogBackend({ path, maxSizeMegabytes: 1, maxAgeDays: 1, compress: true }, clock, failed);
    for (let index = 0; index < 4; index++) {
      backend.write(large(index));
      await clock.advance(200);
      await untilLines(path, `${index} `);
      await clock.advance(20 * 60 * 60 * 1000);
    }
    await backend.close();
    const names = readdirSync(place).sort();
    expect(names.slice(-1)).toEqual(['audit.log']);
    const aside = names.slice(0, -1);
    expect(aside.every((name) => name.endsWith('.log.gz'))).toBe(true);
    const texts = aside.map((name) => gunzipSync(readFileSync(join(place, name))).toString());
    expect(texts).toEqual([large(1), large(2)]);
  });
});

function headOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return '';
  }
}

/** Waits until the file begins so: what the clock has begun is written by the disk in its own time. */
async function untilLines(path: string, start: string): Promise<void> {
  for (let attempt = 0; attempt < 3000; attempt++) {
    // It is away for a moment when a new one takes its place.
    if (headOf(path).startsWith(start)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${path} never began with ${start}`);
}

describe('the webhook back end', () => {
  let sink: LocalService;
  afterEach(() => sink.stop());
  const lengths = () => (sink.requests as { items: unknown[] }[]).map(({ items }) => items.length);

  it('sends lists of limited length', async () => {
    sink = await localService(() => ({}));
    const backend = createWebhookBackend(
      { endpoint: { url: sink.url }, batchEventsMax: 3, bufferEventsMax: 100 },
      new RealClock(),
      failed,
    );
    for (let index = 0; index < 7; index++) expect(backend.write(`{"auditID":"${index}"}\n`)).toBe(true);
    await backend.close();
    expect(lengths().reduce((sum, count) => sum + count, 0)).toBe(7);
    expect(Math.max(...lengths())).toBe(3);
  });

  it('sends lists of limited size, and an event alone that is larger', async () => {
    sink = await localService(() => ({}));
    const backend = createWebhookBackend(
      { endpoint: { url: sink.url }, truncation: { eventBytesMax: 1000, batchBytesMax: 50 } },
      new RealClock(),
      failed,
    );
    for (const length of [10, 10, 10, 90, 10]) backend.write(`"${'x'.repeat(length - 2)}"`);
    await backend.close();
    expect(lengths()).toEqual([3, 1, 1]);
  });

  it('sends no more lists a second than it may', async () => {
    sink = await localService(() => ({}));
    const clock = new VirtualClock();
    const backend = createWebhookBackend(
      { endpoint: { url: sink.url }, batchEventsMax: 1, throttle: { perSecond: 1, burst: 2 } },
      clock,
      failed,
    );
    for (let index = 0; index < 4; index++) backend.write(`"${index}"`);
    const sent = (count: number) => vi.waitFor(() => expect(sink.requests).toHaveLength(count), 60_000);
    await sent(2);
    await clock.advance(900);
    expect(sink.requests).toHaveLength(2);
    await clock.advance(200);
    await sent(3);
    await clock.advance(1000);
    await sent(4);
    await backend.close();
  });
});

describe('a back end that requests wait for', () => {
  it('tells when an event is in the file', async () => {
    const path = join(folder(), 'audit.log');
    const backend = createLogBackend({ path, mode: 'blocking' }, new RealClock(), failed);
    const outcomes = await Promise.all([backend.write('one\n'), backend.write('two\n')]);
    expect(outcomes).toEqual([true, true]);
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n');
    await backend.close();
  });

  it('tells when it cannot be written, and writes again once it can', async () => {
    const path = join(folder(), 'audit.log');
    mkdirSync(path);
    const told: unknown[] = [];
    const backend = createLogBackend({ path, mode: 'blocking' }, new RealClock(), (error) => told.push(error));
    expect(await backend.write('lost\n')).toBe(false);
    expect(told.length).toBeGreaterThan(0);
    rmdirSync(path);
    expect(await backend.write('kept\n')).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('kept\n');
    await backend.close();
  });

  it('sends each event by itself', async () => {
    const sink = await localService(() => ({}));
    const backend = createWebhookBackend({ endpoint: { url: sink.url }, mode: 'blocking' }, new RealClock(), failed);
    expect(await backend.write('{"auditID":"1"}')).toBe(true);
    expect(sink.requests).toMatchObject([{ kind: 'EventList', items: [{ auditID: '1' }] }]);
    await backend.close();
    await sink.stop();
  });
});
