/**
 * Finds the watchers of a key without asking each: a radix tree over prefixes, so that a lookup walks down the key's own
 * characters and costs a few steps plus the matches, however many watchers there are elsewhere.
 *
 *     "/registry/" ─┬─ "pods/" {all pods} ─── "default/" {pods of default}
 *                   └─ "nodes/" {all nodes}
 *
 * Watchers of single keys stand in a Map by key.
 */
interface RouteNode<Watcher> {
  /** The characters from the parent's end to here. */
  label: string;
  readonly children: Map<number, RouteNode<Watcher>>;
  readonly watchers: Set<Watcher>;
}

function newNode<Watcher>(label: string): RouteNode<Watcher> {
  return { label, children: new Map(), watchers: new Set() };
}

export class WatchRoutes<Watcher> {
  readonly #root = newNode<Watcher>('');
  readonly #byKey = new Map<string, Set<Watcher>>();

  addKey(key: string, watcher: Watcher): void {
    const there = this.#byKey.get(key);
    if (there === undefined) this.#byKey.set(key, new Set([watcher]));
    else there.add(watcher);
  }

  removeKey(key: string, watcher: Watcher): void {
    const there = this.#byKey.get(key);
    if (there?.delete(watcher) && there.size === 0) this.#byKey.delete(key);
  }

  addPrefix(prefix: string, watcher: Watcher): void {
    let node = this.#root;
    let position = 0;
    while (position < prefix.length) {
      const unit = prefix.charCodeAt(position);
      const child = node.children.get(unit);
      if (child === undefined) {
        const leaf = newNode<Watcher>(prefix.slice(position));
        node.children.set(unit, leaf);
        node = leaf;
        break;
      }
      const common = commonLength(child.label, prefix, position);
      if (common < child.label.length) {
        const middle = newNode<Watcher>(child.label.slice(0, common));
        child.label = child.label.slice(common);
        middle.children.set(child.label.charCodeAt(0), child);
        node.children.set(unit, middle);
        node = middle;
      } else {
        node = child;
      }
      position += common;
    }
    node.watchers.add(watcher);
  }

  removePrefix(prefix: string, watcher: Watcher): void {
    this.#removeBelow(this.#root, prefix, 0, watcher);
  }

  /** Calls `visit` with every watcher of the key or of a prefix of it. */
  match(key: string, visit: (watcher: Watcher) => void): void {
    const exact = this.#byKey.get(key);
    if (exact !== undefined) for (const watcher of exact) visit(watcher);
    let node = this.#root;
    let position = 0;
    for (;;) {
      if (node.watchers.size > 0) for (const watcher of node.watchers) visit(watcher);
      if (position >= key.length) return;
      const child = node.children.get(key.charCodeAt(position));
      if (child === undefined || !key.startsWith(child.label, position)) return;
      position += child.label.length;
      node = child;
    }
  }

  /** Nodes in the tree, the root included: for tests that nothing is left behind. */
  get nodes(): number {
    const count = (node: RouteNode<Watcher>): number =>
      [...node.children.values()].reduce((sum, child) => sum + count(child), 1);
    return count(this.#root);
  }

  #removeBelow(node: RouteNode<Watcher>, prefix: string, position: number, watcher: Watcher): void {
    if (position === prefix.length) {
      node.watchers.delete(watcher);
      return;
    }
    const unit = prefix.charCodeAt(position);
    const child = node.children.get(unit);
    if (child === undefined || !prefix.startsWith(child.label, position)) return;
    this.#removeBelow(child, prefix, position + child.label.length, watcher);
    if (child.watchers.size > 0 || child.children.size > 1) return;
    const [only] = child.children.values();
    if (only === undefined) {
      node.children.delete(unit);
    } else {
      only.label = child.label + only.label;
      node.children.set(unit, only);
    }
  }
}

/** How many characters of `label` stand in `text` from `position` on. */
function commonLength(label: string, text: string, position: number): number {
  const length = Math.min(label.length, text.length - position);
  let common = 0;
  while (common < length && label.charCodeAt(common) === text.charCodeAt(position + common)) common++;
  return common;
}
