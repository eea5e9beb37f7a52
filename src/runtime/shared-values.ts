/**
 * What neighbours in one host hold together, such as one informer per resource. Each value has a context of its own, which
 * ends when the last actor that asked for it has ended. When its own code throws, the actors that use it end with it: they
 * cannot know what of it still works.
 */
import type { ActorHost } from './actor-host.ts';
import type { Cell } from './cell.ts';
import type { ActorContext } from './types.ts';

interface Shared {
  readonly cell: Cell;
  readonly value: unknown;
  readonly users: Set<Cell>;
}

export class SharedValues {
  private readonly host: ActorHost;
  private readonly values = new Map<string, Shared>();
  private nextNumber: number;
  private made = 0;

  constructor(host: ActorHost, firstNumber: number) {
    this.host = host;
    this.nextNumber = firstNumber;
  }

  get<Value>(user: Cell, key: string, create: (context: ActorContext) => Value): Value {
    let shared = this.values.get(key);
    if (shared === undefined) {
      const address = `host/${this.host.id}/${key}`;
      const { identity } = user.caller;
      const cell = this.host.add({ number: this.nextNumber++, address, identity, incarnation: this.made++ });
      try {
        shared = { cell, value: cell.run(() => create(cell)), users: new Set() };
      } catch (error) {
        this.host.remove(cell, `${address} could not be made`);
        throw error;
      }
      this.values.set(key, shared);
    }
    shared.users.add(user);
    return shared.value as Value;
  }

  /** Whether the crashed cell was a shared value's; its users are ended then. */
  crashed(cell: Cell, error: unknown): boolean {
    for (const [key, shared] of this.values) {
      if (shared.cell !== cell) continue;
      this.values.delete(key);
      for (const user of shared.users) user.fail(error);
      return true;
    }
    return false;
  }

  /** An actor ended: what only it used ends too. */
  left(user: Cell): void {
    for (const [key, shared] of this.values) {
      if (!shared.users.delete(user) || shared.users.size > 0) continue;
      this.values.delete(key);
      this.host.remove(shared.cell, `nobody uses ${shared.cell.address} any more`);
    }
  }
}
