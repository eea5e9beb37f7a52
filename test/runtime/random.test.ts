import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/runtime/index.ts';

describe('seeded random numbers', () => {
  it('repeat for the same seed and label, and differ otherwise', () => {
    const draw = (seed: number, label: string) => {
      const random = seededRandom(seed, label);
      return Array.from({ length: 20 }, () => random.integer(1_000_000));
    };
    expect(draw(1, 'a')).toEqual(draw(1, 'a'));
    expect(draw(1, 'a')).not.toEqual(draw(2, 'a'));
    expect(draw(1, 'a')).not.toEqual(draw(1, 'b'));
  });

  it('are spread evenly and stay within their bounds', () => {
    const random = seededRandom(3);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) {
      counts[random.integer(10)]! += 1;
      const float = random.next();
      expect(float >= 0 && float < 1).toBe(true);
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });

  it('make version 4 UUIDs, all different also for neighbouring labels', () => {
    const seen = new Set<string>();
    for (let actor = 0; actor < 200; actor++) {
      const random = seededRandom(1, `kubelet/node-${actor}#0`);
      for (let i = 0; i < 50; i++) seen.add(random.uuid());
    }
    expect(seen.size).toBe(10_000);
    for (const uuid of seen)
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("make suffixes of Kubernetes' alphabet", () => {
    expect(seededRandom(1).suffix(500)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{500}$/);
  });
});
