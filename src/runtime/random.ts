/**
 * Seeded random numbers (sfc32, seeded through a hash of the seed and a label). An actor's label is its address and
 * incarnation, so every actor has a sequence of its own, a restarted one does not repeat its earlier names, and a run
 * with the same seed repeats exactly.
 */
import type { Random } from './types.ts';

const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';
const hexOf: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The same seed and label give the same sequence, in any thread and on any machine. */
export function seededRandom(seed: number, label = ''): Random {
  return new SeededRandom(`${seed}/${label}`);
}

/** A seed from the system's entropy, for runs that need not repeat. */
export function entropySeed(): number {
  const words = crypto.getRandomValues(new Uint32Array(2));
  return (words[0]! & 0x1fffff) * 2 ** 32 + words[1]!;
}

class SeededRandom implements Random {
  private a: number;
  private b: number;
  private c: number;
  private counter: number;

  constructor(text: string) {
    const words = hashText(text);
    this.a = words[0]!;
    this.b = words[1]!;
    this.c = words[2]!;
    this.counter = words[3]!;
    for (let i = 0; i < 12; i++) this.word();
  }

  next(): number {
    return ((this.word() >>> 5) * 67_108_864 + (this.word() >>> 6)) / 9_007_199_254_740_992;
  }

  integer(bound: number): number {
    return bound <= 0x1_0000_0000 ? Math.floor((this.word() / 0x1_0000_0000) * bound) : Math.floor(this.next() * bound);
  }

  uuid(): string {
    const w0 = this.word();
    const w1 = (this.word() & 0xffff0fff) | 0x4000;
    const w2 = (this.word() & 0x3fffffff) | 0x80000000;
    const w3 = this.word();
    return (
      `${hex4(w0 >>> 16)}${hex4(w0 & 0xffff)}-${hex4(w1 >>> 16)}-${hex4(w1 & 0xffff)}-` +
      `${hex4(w2 >>> 16)}-${hex4(w2 & 0xffff)}${hex4(w3 >>> 16)}${hex4(w3 & 0xffff)}`
    );
  }

  suffix(length: number): string {
    let text = '';
    for (let i = 0; i < length; i++) text += suffixAlphabet[this.integer(suffixAlphabet.length)];
    return text;
  }

  /** The next 32 bits, unsigned. */
  private word(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    this.c |= 0;
    return sum >>> 0;
  }
}

function hex4(value: number): string {
  return hexOf[value >>> 8]! + hexOf[value & 255]!;
}

/** 128 bits of a text: four interleaved multiply-and-rotate lanes, enough to tell seeds and addresses apart. */
function hashText(text: string): Uint32Array {
  const lanes = new Uint32Array([0x9e3779b9, 0x243f6a88, 0xb7e15162, 0xdeadbeef]);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    for (let lane = 0; lane < 4; lane++) {
      const mixed = Math.imul(lanes[lane]! ^ (code + lane * 0x85eb), 0x01000193 + lane * 0x9e36);
      lanes[lane] = ((mixed << 13) | (mixed >>> 19)) + lanes[(lane + 1) & 3]!;
    }
  }
  for (let round = 0; round < 4; round++) {
    for (let lane = 0; lane < 4; lane++) {
      const mixed = Math.imul(lanes[lane]! ^ (lanes[lane]! >>> 16), 0x85ebca6b);
      lanes[lane] = mixed ^ (mixed >>> 13) ^ lanes[(lane + 3) & 3]!;
    }
  }
  return lanes;
}
