import { describe, expect, it } from 'vitest';
import { RealClock, VirtualClock } from '../../src/runtime/index.ts';

describe('the virtual clock', () => {
  it('fires timers in order of due time, then of arming, and stands still otherwise', async () => {
    const clock = new VirtualClock(1_000);
    const fired: string[] = [];
    clock.after(20, () => fired.push(`b@${clock.now()}`));
    clock.after(10, () => fired.push(`a@${clock.now()}`));
    clock.after(20, () => fired.push(`c@${clock.now()}`));
    expect(clock.now()).toBe(1_000);
    await clock.advance(15);
    expect(fired).toEqual(['a@1010']);
    await clock.advance(5);
    expect(fired).toEqual(['a@1010', 'b@1020', 'c@1020']);
    expect(clock.now()).toBe(1_020);
  });

  it('repeats until cancelled, also from within the callback', async () => {
    const clock = new VirtualClock();
    let count = 0;
    const timer = clock.every(10, () => {
      if (++count === 3) timer.cancel();
    });
    await clock.advance(1_000);
    expect(count).toBe(3);
    expect(clock.foreground).toBe(0);
  });

  it('counts only foreground timers as work', () => {
    const clock = new VirtualClock();
    const timer = clock.after(10, () => {});
    clock.after(10, () => {}, { background: true });
    expect(clock.foreground).toBe(1);
    timer.cancel();
    timer.cancel();
    expect(clock.foreground).toBe(0);
  });

  it('lets promises settle between timers', async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    void clock.sleep(10).then(() => order.push('slept'));
    clock.after(20, () => order.push('timer'));
    await clock.advance(30);
    expect(order).toEqual(['slept', 'timer']);
  });

  it('keeps order among thousands of timers', async () => {
    const clock = new VirtualClock();
    const fired: number[] = [];
    const delays = Array.from({ length: 2_000 }, (_, at) => (at * 7_919) % 1_009);
    for (const delay of delays) clock.after(delay, () => fired.push(delay));
    while (clock.fireNext());
    expect(fired).toEqual([...delays].sort((a, b) => a - b));
  });
});

describe.each([
  ['real', () => new RealClock(), async () => {}],
  ['virtual', () => new VirtualClock(), (clock: VirtualClock) => clock.advance(100)],
] as const)('sleep of the %s clock', (_, make, advance) => {
  it('rejects with the reason of its signal, at once or later', async () => {
    const clock = make();
    const controller = new AbortController();
    const sleeping = clock.sleep(10_000, { signal: controller.signal });
    controller.abort('woken');
    await expect(sleeping).rejects.toBe('woken');
    await expect(clock.sleep(10, { signal: controller.signal })).rejects.toBe('woken');
    expect(clock.foreground).toBe(0);
  });

  it('resolves after its delay', async () => {
    const clock = make();
    const before = clock.monotonic();
    const sleeping = clock.sleep(5);
    await advance(clock as VirtualClock);
    await sleeping;
    expect(clock.monotonic() - before).toBeGreaterThanOrEqual(4);
  });
});
