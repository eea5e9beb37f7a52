/** Follows a cluster from outside, as a user's program would, and waits until so many objects are in a state. */
import { Subscription } from 'rxjs';
import {
  type Change,
  type Client,
  createInformers,
  type InformerOptions,
  type KubernetesObject,
  type Resource,
} from '../../src/client/index.ts';
import { type Clock, seededRandom } from '../../src/runtime/index.ts';

export interface Observer {
  /** Resolves when exactly `count` objects pass `test`, of those that `selection` lets the API server tell of: what is not told costs nothing. */
  until<Type extends KubernetesObject>(
    resource: Resource<Type>,
    test: (object: Type) => boolean,
    count: number,
    selection?: InformerOptions,
  ): Promise<void>;
  stop(): void;
}

const silent = () => undefined;

export function observe(client: Client, clock: Clock): Observer {
  const controller = new AbortController();
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const follow = (signal: AbortSignal) => createInformers(client, { clock, random: seededRandom(1), log, signal });
  const informers = follow(controller.signal);
  return {
    async until<Type extends KubernetesObject>(
      resource: Resource<Type>,
      test: (object: Type) => boolean,
      count: number,
      selection?: InformerOptions,
    ) {
      // A selection is looked at while it is waited for alone.
      const ended = new AbortController();
      const informer =
        selection === undefined
          ? informers.informer(resource)
          : follow(AbortSignal.any([controller.signal, ended.signal])).informer(resource, selection);
      await informer.synced();
      const passing = new Set<string>();
      await new Promise<void>((resolve, reject) => {
        const subscription = new Subscription();
        const observer = {
          next: ({ type, object }: Change<Type>) => {
            const uid = object.metadata?.uid ?? '';
            if (type !== 'deleted' && test(object)) passing.add(uid);
            else passing.delete(uid);
            check();
          },
          error: reject,
        };
        let listed = false;
        // Only after everything that is there was seen does a count mean something.
        const check = () => {
          if (!listed || passing.size !== count) return;
          subscription.unsubscribe();
          ended.abort();
          resolve();
        };
        subscription.add(informer.changes$.subscribe(observer));
        listed = true;
        check();
      });
    },
    stop: () => controller.abort(),
  };
}
