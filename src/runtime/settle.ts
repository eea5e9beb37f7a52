/** Waiting, under the real clock, until nothing is left to do in any host. */
import { afterRealTime, onNextTurn } from './clock.ts';
import type { Hosting } from './hosting.ts';

const pauseFirstMs = 1;
const pauseMaxMs = 50;

/**
 * Resolves when two rounds of questions in a row found every host idle and as many envelopes received as sent, with no
 * difference between the rounds: then nothing was under way in between either.
 */
export async function settledHosts(hostings: () => Iterable<Hosting>, busy: () => boolean): Promise<void> {
  let last = -1;
  let pauseMs = pauseFirstMs;
  for (;;) {
    await new Promise<void>((resolve) => onNextTurn(resolve));
    const round = busy() ? -1 : await count(hostings());
    if (round >= 0 && round === last && !busy()) return;
    last = round;
    if (round >= 0) continue;
    await new Promise<void>((resolve) => afterRealTime(pauseMs, resolve));
    pauseMs = Math.min(pauseMs * 2, pauseMaxMs);
  }
}

/** Envelopes sent so far over all links, or -1 when something is left to do. */
async function count(hostings: Iterable<Hosting>): Promise<number> {
  const answers = await Promise.all([...hostings].map((hosting) => hosting.census()));
  let sent = 0;
  let received = 0;
  let busy = false;
  for (const answer of answers) {
    busy ||= answer.busy;
    sent += answer.sent;
    received += answer.received;
  }
  return busy || sent !== received ? -1 : sent;
}
