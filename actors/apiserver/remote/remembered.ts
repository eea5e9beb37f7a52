/**
 * Answers of services elsewhere, kept as long as each may be; questions that are asked at the same time are sent once.
 */
import type { Clock } from '../../../src/runtime/index.ts';

/** Answers kept; beyond it the oldest go. */
const KEPT_MAX = 8192;

export class RememberedAnswers<Answer> {
  readonly #clock: Clock;
  readonly #kept = new Map<string, { readonly answer: Answer; readonly untilMs: number }>();
  readonly #asking = new Map<string, Promise<Answer>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The answer that is still good, if there is one. */
  peek(key: string): { readonly answer: Answer } | undefined {
    const kept = this.#kept.get(key);
    return kept !== undefined && kept.untilMs > this.#clock.monotonic() ? kept : undefined;
  }

  /** `ttlMs` says how long an answer is good; 0: it is not kept. */
  get(key: string, ttlMs: (answer: Answer) => number, ask: () => Promise<Answer>): Answer | Promise<Answer> {
    const kept = this.peek(key);
    if (kept !== undefined) return kept.answer;
    const asking = this.#asking.get(key);
    if (asking !== undefined) return asking;
    const asked = ask()
      .then((answer) => {
        this.#keep(key, answer, ttlMs(answer));
        return answer;
      })
      .finally(() => this.#asking.delete(key));
    this.#asking.set(key, asked);
    return asked;
  }

  #keep(key: string, answer: Answer, ttlMs: number): void {
    this.#kept.delete(key);
    if (ttlMs <= 0) return;
    this.#kept.set(key, { answer, untilMs: this.#clock.monotonic() + ttlMs });
    if (this.#kept.size <= KEPT_MAX) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }
}
