/** OpenAPI documents: `/openapi/v2` and `/openapi/v3`. */
import type { Server } from '../server.ts';
import type { Accepted } from './negotiation.ts';
import type { Reply } from './reply.ts';

/** Answers the path if it is an OpenAPI one, and says whether it did. */
export async function sendOpenapi(
  _server: Server,
  _reply: Reply,
  _path: string,
  _accepted: Accepted | undefined,
): Promise<boolean> {
  return false;
}
