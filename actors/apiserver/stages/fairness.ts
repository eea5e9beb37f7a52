/**
 * Priority and fairness: every request finds a seat at once. The queues of API priority and fairness stand here once they are
 * configured; until then the server's bounds are those of its links and sockets.
 */
import type { Call } from '../call.ts';

export function takeSeat(_call: Call): void {}
