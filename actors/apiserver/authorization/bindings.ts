/**
 * The bindings by their subjects, kept as they change, so that a decision looks at those of one user only.
 *
 *     "User jane" → { "/registry/rolebindings/dev/b" → binding }       the same for groups and service accounts
 */
import type { ApiObject } from '../../../src/api/index.ts';
import type { Caches } from '../cache/caches.ts';
import type { KindCache } from '../cache/kind-cache.ts';
import type { Identity } from '../call.ts';

export interface Binding {
  readonly kind: 'ClusterRoleBinding' | 'RoleBinding';
  readonly name: string;
  /** Empty for a ClusterRoleBinding. */
  readonly namespace: string;
  readonly role: { readonly kind: string; readonly name: string };
  /** The subject through which it was found, as upstream names it: `User "jane"`. */
  readonly subject: string;
}

interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

const ACCOUNT = 'system:serviceaccount:';

export class BindingIndex {
  readonly #bySubject = new Map<string, Map<string, Binding>>();

  /** Follows the bindings; `changed` is told after each change of one. */
  constructor(caches: Caches, changed: () => void) {
    for (const kind of ['ClusterRoleBinding', 'RoleBinding'] as const) {
      const prefix = `/registry/${kind.toLowerCase()}s`;
      const cache: KindCache = caches.cacheOf(prefix, kind === 'RoleBinding');
      for (const entry of cache.list()) this.#add(kind, entry.key, entry.namespace, entry.object);
      caches.onChange(prefix, ({ entry, previous }) => {
        if (previous !== undefined) this.#remove(previous.key, previous.namespace, previous.object);
        if (entry !== undefined) this.#add(kind, entry.key, entry.namespace, entry.object);
        changed();
      });
    }
  }

  /** The bindings that give the user something in the namespace: those of the cluster, then those of the namespace. */
  *of(user: Identity, namespace: string): Generator<Binding> {
    yield* this.#ofScope(user, '');
    if (namespace !== '') yield* this.#ofScope(user, namespace);
  }

  *#ofScope(user: Identity, namespace: string): Generator<Binding> {
    for (const group of user.groups) yield* this.#found(`${namespace} Group ${group}`);
    yield* this.#found(`${namespace} User ${user.user}`);
    if (user.user.startsWith(ACCOUNT)) {
      const [, , of = '', name = ''] = user.user.split(':');
      yield* this.#found(`${namespace} ServiceAccount ${name}/${of}`);
    }
  }

  #found(key: string): Iterable<Binding> {
    return this.#bySubject.get(key)?.values() ?? [];
  }

  #add(kind: Binding['kind'], key: string, namespace: string, object: ApiObject): void {
    const role = (object['roleRef'] ?? { kind: '', name: '' }) as Binding['role'];
    for (const subject of subjectsOf(object)) {
      const place = placeOf(namespace, subject);
      let bindings = this.#bySubject.get(place);
      if (bindings === undefined) {
        bindings = new Map();
        this.#bySubject.set(place, bindings);
      }
      const shown = `${subject.kind} "${shownName(namespace, subject)}"`;
      bindings.set(key, { kind, name: object.metadata.name ?? '', namespace, role, subject: shown });
    }
  }

  #remove(key: string, namespace: string, object: ApiObject): void {
    for (const subject of subjectsOf(object)) {
      const place = placeOf(namespace, subject);
      const bindings = this.#bySubject.get(place);
      bindings?.delete(key);
      if (bindings?.size === 0) this.#bySubject.delete(place);
    }
  }
}

function subjectsOf(object: ApiObject): readonly Subject[] {
  return (object['subjects'] ?? []) as readonly Subject[];
}

function placeOf(namespace: string, subject: Subject): string {
  return `${namespace} ${subject.kind} ${shownName(namespace, subject)}`;
}

/** A service account without a namespace is one of the binding's own. */
function shownName(namespace: string, { kind, name, namespace: of }: Subject): string {
  return kind === 'ServiceAccount' ? `${name}/${of === undefined || of === '' ? namespace : of}` : name;
}
