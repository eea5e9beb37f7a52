/** Kinds that are not stored: a create asks a question, or a read shows the server's own state. */
import type { Call } from '../call.ts';
import type { Server } from '../server.ts';

export interface VirtualKind {
  /** Storage prefix of the kind in the registry, which nothing is stored under. */
  readonly prefix: string;
  /** Answers a create; the decoded body is `call.object`. */
  create?(call: Call, server: Server): void | Promise<void>;
  get?(call: Call, server: Server): void | Promise<void>;
  list?(call: Call, server: Server): void | Promise<void>;
}
