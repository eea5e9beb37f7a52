/**
 * The actor that runs one controller of a list, by the name in its options. The build makes a bundle for each controller, whose
 * list is that one alone, so that its thread loads no other's code.
 */
import { type ActorDefinition, defineActor } from '../runtime/index.ts';
import { whileLeading } from './leadership.ts';
import { runController } from './runner.ts';
import type { ControllerDefinition, ControllerSettings } from './types.ts';

export interface ControllerActorOptions {
  /** Name of a controller of the list. */
  readonly controller: string;
  readonly settings?: ControllerSettings;
  /** Address of the API server. Default `apiserver`. */
  readonly server?: string;
  /** Address of the actor whose leadership it waits for. Without it the controller runs at once. */
  readonly leader?: string;
  /** See RunOptions. */
  readonly alone?: boolean;
}

/** @throws Error when two controllers share a name. */
export function controllerActorOf({
  definitions,
  module,
}: {
  readonly definitions: readonly ControllerDefinition[];
  readonly module: string;
}): ActorDefinition<ControllerActorOptions> {
  const registry = byName(definitions);
  return defineActor<ControllerActorOptions>({
    name: 'controller',
    module,
    start(context, { controller, settings, server, leader, alone }) {
      const definition = registry.get(controller);
      if (definition === undefined) {
        throw new Error(`there is no controller "${controller}"; there are ${[...registry.keys()].join(', ')}`);
      }
      const run = () =>
        runController(definition, context, {
          ...(settings === undefined ? {} : { settings }),
          ...(server === undefined ? {} : { server }),
          ...(alone === undefined ? {} : { alone }),
        });
      return leader === undefined ? run() : whileLeading(context, leader, run);
    },
  });
}

function byName(definitions: readonly ControllerDefinition[]): ReadonlyMap<string, ControllerDefinition> {
  const named = new Map(definitions.map((definition) => [definition.name, definition]));
  if (named.size === definitions.length) return named;
  const names = definitions.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  throw new Error(`two controllers are called "${twice}": names must be unique`);
}
