/**
 * The three constructors that actor authors use: channel tokens and actor definitions. All of them return frozen plain
 * data, so that a token or definition built from another copy of this module works as well.
 */
import type { ActorDefinition, CallChannel, StreamChannel } from './types.ts';

/**
 * A request-and-reply channel. Two tokens with the same name are the same channel: the name is what travels.
 *
 * @example const add = callChannel<{ a: number; b: number }, number>('calculator.add');
 */
export function callChannel<Request, Reply>(name: string): CallChannel<Request, Reply> {
  return Object.freeze({ kind: 'call', name });
}

/** A stream channel; see {@link callChannel} about names. */
export function streamChannel<Request, Item>(name: string): StreamChannel<Request, Item> {
  return Object.freeze({ kind: 'stream', name });
}

/**
 * Declares an actor. The definition must be an export of the module that `module` (its `import.meta.url`) names, because
 * worker threads import it from there.
 */
export function defineActor<Options = undefined>(
  definition: Omit<ActorDefinition<Options>, 'kind'>,
): ActorDefinition<Options> {
  return Object.freeze({ kind: 'actor', ...definition });
}
