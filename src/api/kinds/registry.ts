/**
 * The registry of served kinds. It starts with the built-in ones; CustomResourceDefinitions add and remove theirs at run time.
 * Lookups are one Map access; {@link KindRegistry.generation} tells caches of derived documents when to start over.
 */
import { builtinKinds } from './builtin.ts';
import type { KindDefinition, KindRegistry } from './types.ts';
import { compareVersions } from './version-priority.ts';

/**
 * Makes a registry that holds `kinds`, by default all built-in ones.
 * @throws Error when two kinds claim the same resource or the same kind of one group and version: a bug in the list, or a
 * custom kind whose names were not checked before.
 */
export function createKindRegistry(kinds: readonly KindDefinition[] = builtinKinds): KindRegistry {
  const byResource = new Map<string, KindDefinition>();
  /** The same by group, version and resource: asked several times a request, which is to put no text together. */
  const byParts = new Map<string, Map<string, Map<string, KindDefinition>>>();
  const byKind = new Map<string, KindDefinition>();
  const preferred = new Map<string, string>();
  let list: readonly KindDefinition[] | undefined;
  let generation = 0;

  function add(kind: KindDefinition): void {
    const resourceKey = keyOf(kind.group, kind.version, kind.plural);
    const kindKey = keyOf(kind.group, kind.version, kind.kind);
    if (byResource.has(resourceKey)) throw new Error(`resource ${resourceKey} is registered twice`);
    if (byKind.has(kindKey)) throw new Error(`kind ${kindKey} is registered twice`);
    byResource.set(resourceKey, kind);
    const versions = within(byParts, kind.group);
    within(versions, kind.version).set(kind.plural, kind);
    byKind.set(kindKey, kind);
    changed();
  }

  function remove(group: string, version: string, plural: string): void {
    const key = keyOf(group, version, plural);
    const kind = byResource.get(key);
    if (kind === undefined) return;
    byResource.delete(key);
    byParts.get(group)?.get(version)?.delete(plural);
    byKind.delete(keyOf(group, version, kind.kind));
    changed();
  }

  function changed(): void {
    generation++;
    list = undefined;
    preferred.clear();
  }

  function all(): readonly KindDefinition[] {
    list ??= [...byResource.values()];
    return list;
  }

  function preferredVersion(group: string): string | undefined {
    // All at once: a thousand groups must not each look at a thousand kinds.
    if (preferred.size === 0) {
      for (const { group: of, version } of byResource.values()) {
        const best = preferred.get(of);
        if (best === undefined || compareVersions(version, best) < 0) preferred.set(of, version);
      }
    }
    return preferred.get(group);
  }

  for (const kind of kinds) add(kind);

  return {
    byResource: (group, version, plural) => byParts.get(group)?.get(version)?.get(plural),
    byKind: (group, version, kind) => byKind.get(keyOf(group, version, kind)),
    preferredVersion,
    all,
    add,
    remove,
    get generation() {
      return generation;
    },
  };
}

/**
 * The kind in whose form objects of `kind` are stored: itself, unless it has a conversion. Strategies other than `defaults` are
 * always those of the stored kind: decode → defaults of `kind` → `toStored` → defaults and everything else of the stored kind.
 */
export function storedKindOf(registry: Pick<KindRegistry, 'byResource'>, kind: KindDefinition): KindDefinition {
  const conversion = kind.conversion;
  if (conversion === undefined) return kind;
  if (conversion.storedKind !== undefined) return conversion.storedKind();
  const group = conversion.storedGroup ?? kind.group;
  // The stored version may be switched off.
  const isStored = (one: KindDefinition) =>
    one.group === group && one.version === conversion.storedVersion && one.plural === kind.plural;
  const stored = registry.byResource(group, conversion.storedVersion, kind.plural) ?? builtinKinds.find(isStored);
  if (stored === undefined) throw new Error(`${keyOf(group, conversion.storedVersion, kind.plural)} is not registered`);
  return stored;
}

function within<Value>(maps: Map<string, Map<string, Value>>, name: string): Map<string, Value> {
  let found = maps.get(name);
  if (found === undefined) {
    found = new Map();
    maps.set(name, found);
  }
  return found;
}

function keyOf(group: string, version: string, name: string): string {
  return `${group}/${version}/${name}`;
}
