/** Discovery: which groups, versions and resources there are. */
import type { Server } from '../server.ts';
import type { Accepted } from './negotiation.ts';
import type { Reply } from './reply.ts';

/** Answers `/api`, `/apis` and what lies directly below them, and says whether it did. */
export function sendDiscovery(_server: Server, _reply: Reply, _path: string, _accepted: Accepted | undefined): boolean {
  return false;
}
