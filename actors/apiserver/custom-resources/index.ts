/**
 * Serves custom kinds: follows the CustomResourceDefinitions, settles whose names are accepted, registers the kinds of those that
 * are established, and takes them and their objects away again. Definitions are handled one at a time, in the order of their
 * changes; a lost race comes back as the change that won it.
 */
import {
  conditionOf,
  customKinds,
  type Definition,
  isEstablished,
  type KindDefinition,
  namedStatus,
} from '../../../src/api/index.ts';
import { copyOf, type Entry } from '../cache/entry.ts';
import type { Server } from '../server.ts';
import { sameValue } from '../stages/defaulting.ts';
import { putObject } from '../verbs/commit.ts';
import { CLEANUP_RETRY_MS, finishDeletion } from './cleanup.ts';
import { DEFINITIONS } from './deletion.ts';

/** How many definitions are handled in one turn of the event loop. */
const AT_A_TIME = 10;

interface Registered {
  /** What the kinds were made from. */
  readonly text: string;
  /** The part of it that watches are about: one that is being deleted is watched to its end. */
  readonly watched: string;
  readonly kinds: readonly KindDefinition[];
}

export class CustomResources {
  readonly #server: Server;
  readonly #registered = new Map<string, Registered>();
  readonly #due = new Set<string>();
  #draining = false;

  constructor(server: Server) {
    this.#server = server;
  }

  /** Registers what is established already, and follows all changes from now on. */
  start(): void {
    const { caches } = this.#server;
    const cache = caches.cacheOf(DEFINITIONS, false);
    for (const entry of cache.values()) {
      this.#register(entry.name, entry);
      this.#due.add(entry.name);
    }
    caches.onChange(DEFINITIONS, ({ entry, previous }) => {
      const name = (entry ?? previous)?.name;
      if (name !== undefined) this.#enqueue(name);
    });
    void this.#drain();
  }

  #enqueue(name: string): void {
    this.#due.add(name);
    if (!this.#draining) void this.#drain();
  }

  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    // The change is told of before its cache is complete: wait for the end of this turn.
    await Promise.resolve();
    try {
      let handled = 0;
      for (const name of this.#due) {
        this.#due.delete(name);
        // Most need nothing done that would be waited for: others get their turn all the same.
        if (++handled % AT_A_TIME === 0)
          await new Promise<void>((resolve) => this.#server.context.clock.afterInput(resolve));
        try {
          await this.#reconcile(name);
        } catch (error) {
          const { clock, log, signal } = this.#server.context;
          if (signal.aborted) return;
          log.warn('A CustomResourceDefinition could not be handled; it is tried again', {
            name,
            error: String(error),
          });
          clock.after(CLEANUP_RETRY_MS, () => this.#enqueue(name), { background: true });
        }
      }
    } finally {
      this.#draining = false;
    }
  }

  #entryOf(name: string): Entry | undefined {
    const cache = this.#server.caches.cacheOf(DEFINITIONS, false);
    return cache.get(cache.keyOf(undefined, name));
  }

  async #reconcile(name: string): Promise<void> {
    const entry = this.#entryOf(name);
    if (entry === undefined) {
      this.#unregister(name, true);
      const group = name.slice(name.indexOf('.') + 1);
      // Names that it had are free now: for those that wait for one, which are few.
      for (const other of this.#othersOf(name, group)) {
        if (conditionOf(other, 'NamesAccepted')?.status !== 'True') this.#due.add(other.metadata.name);
      }
      return;
    }
    const named = await this.#settleNames(entry);
    if (named === undefined) return;
    this.#register(name, named);
    if (named.object.metadata['deletionTimestamp'] === undefined) return;
    const kinds = this.#registered.get(name)?.kinds ?? customKinds(definitionOf(named));
    const finished = await finishDeletion(this.#server, named, kinds[0]);
    if (!finished) {
      this.#server.context.clock.after(CLEANUP_RETRY_MS, () => this.#enqueue(name), { background: true });
    }
  }

  #othersOf(name: string, group: string): Definition[] {
    const others: Definition[] = [];
    const end = `.${group}`;
    for (const entry of this.#server.caches.cacheOf(DEFINITIONS, false).values()) {
      if (entry.name === name || !entry.name.endsWith(end)) continue;
      const other = definitionOf(entry);
      if (other.spec.group === group) others.push(other);
    }
    return others;
  }

  /** Writes names and conditions if they are not right yet. Undefined when somebody else was faster. */
  async #settleNames(entry: Entry): Promise<Entry | undefined> {
    const server = this.#server;
    const definition = definitionOf(entry);
    const { now } = server.strategyContext(false);
    const status = namedStatus(definition, this.#othersOf(entry.name, definition.spec.group), now);
    const next = { ...(entry.object['status'] as object | undefined), ...status };
    if (sameValue(next, entry.object['status'])) return entry;
    const object = copyOf(entry.object);
    const { storedVersions } = (object['status'] ?? {}) as { storedVersions?: unknown };
    object['status'] = { conditions: status.conditions, acceptedNames: status.acceptedNames, storedVersions };
    return putObject(server, server.caches.cacheOf(DEFINITIONS, false), entry.key, object, entry.revision);
  }

  #register(name: string, entry: Entry): void {
    const definition = definitionOf(entry);
    if (!isEstablished(definition)) return;
    // The generation tells of every change of the specification, which may be long.
    const { uid, generation } = entry.object.metadata;
    const watched = JSON.stringify([uid, generation, definition.status?.acceptedNames]);
    const text = `${definition.metadata.deletionTimestamp ?? ''} ${watched}`;
    const before = this.#registered.get(name);
    if (before?.text === text) return;
    this.#unregister(name, before?.watched !== watched);
    const { registry } = this.#server;
    const kinds = customKinds(definition).filter(
      // A built-in kind is never replaced.
      ({ group, version, plural, kind }) =>
        registry.byResource(group, version, plural) === undefined &&
        registry.byKind(group, version, kind) === undefined,
    );
    for (const kind of kinds) {
      this.#server.cacheOf(kind);
      registry.add(kind);
    }
    this.#registered.set(name, { text, watched, kinds });
  }

  #unregister(name: string, endsWatches: boolean): void {
    const registered = this.#registered.get(name);
    if (registered === undefined) return;
    this.#registered.delete(name);
    for (const { group, version, plural } of registered.kinds) this.#server.registry.remove(group, version, plural);
    const [any] = registered.kinds;
    if (endsWatches && any !== undefined) this.#server.cacheOf(any).router.end();
  }
}

function definitionOf(entry: Entry): Definition {
  return entry.object as unknown as Definition;
}
