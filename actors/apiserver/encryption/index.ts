/**
 * Encryption of what is stored: a store in front of the store, which seals values on their way in and opens them on their way
 * out, by resource. Values are written with the first key of the first provider and read with any of them, so a key is changed
 * by putting the new one first and writing every object again. @see staging/src/k8s.io/apiserver/pkg/server/options/encryptionconfig
 */
import { map } from 'rxjs';
import type { KindRegistry } from '../../../src/api/index.ts';
import {
  forwarded,
  type KeyValue,
  type Operation,
  type OperationResult,
  type Store,
  type WatchEvent,
} from '../../../src/store/index.ts';
import { type Cipher, ciphersOf, ENCRYPTED, type ProviderOption } from './providers.ts';

export type { ProviderOption } from './providers.ts';

/** An entry of `resources` in upstream's EncryptionConfiguration. */
export interface EncryptionOption {
  /** `secrets`, `deployments.apps`, `*.apps`, `*.` (the core group), `*.*`. */
  readonly resources: readonly string[];
  readonly providers: readonly ProviderOption[];
}

export interface Encryption {
  /** The same store; what it is told to keep is sealed. */
  readonly store: Store;
  /** Whether the newest value of a key was sealed otherwise than it would be today. */
  isStale(key: string): boolean;
}

/** @throws Error for a configuration that cannot be: an unknown provider, or a key of a wrong length. */
export function checkEncryption(options: readonly EncryptionOption[]): void {
  for (const { providers } of options) for (const provider of providers) ciphersOf(provider);
}

/** @throws Error for a configuration that cannot be */
export function createEncryption(
  inner: Store,
  options: readonly EncryptionOption[],
  registry: KindRegistry,
): Encryption {
  const entries = options.map(({ resources, providers }) => ({ resources, ciphers: providers.flatMap(ciphersOf) }));
  const every = entries.flatMap(({ ciphers }) => ciphers).filter(({ prefix }) => prefix.length > 0);
  const resourceOf = resourcesByPrefix(registry);
  const known = new Map<string, Cipher | undefined>();
  /** Of the key that was asked about last: writes of a kind come in rows. */
  let last: { readonly folder: string; readonly writer: Cipher | undefined } = { folder: ' ', writer: undefined };
  const stale = new Set<string>();
  /** Writes that are on their way: their events come back before their replies and need not be decrypted. */
  const sealing = new Map<string, { readonly sealed: Buffer; readonly value: Uint8Array }>();

  /** What writes the values of a resource; undefined for those that are not named. */
  function writerOf(key: string): Cipher | undefined {
    if (key.startsWith(last.folder)) return last.writer;
    const { prefix, plural, group } = resourceOf(key);
    const writer = known.has(prefix) ? known.get(prefix) : firstWriter(prefix, plural, group);
    last = { folder: `${prefix}/`, writer };
    return writer;
  }

  function firstWriter(prefix: string, plural: string, group: string): Cipher | undefined {
    const entry = entries.find(({ resources }) => resources.some((name) => names(name, plural, group)));
    const writer = entry?.ciphers[0];
    const cipher = writer === undefined || writer.prefix.length === 0 ? undefined : writer;
    known.set(prefix, cipher);
    return cipher;
  }

  function seal(key: string, value: Uint8Array): Uint8Array {
    const writer = writerOf(key);
    if (writer === undefined) return value;
    const sealed = writer.seal(value, Buffer.from(key));
    sealing.set(key, { sealed, value });
    return sealed;
  }

  function open(kv: KeyValue, isNewest: boolean): KeyValue {
    if (kv.value.length === 0) return kv;
    const own = sealing.get(kv.key);
    if (own !== undefined && own.sealed.length === kv.value.length && own.sealed.equals(kv.value)) {
      if (isNewest) stale.delete(kv.key);
      return { ...kv, value: own.value };
    }
    const writer = writerOf(kv.key);
    const sealed = startsWith(kv.value, ENCRYPTED);
    const reader = sealed ? every.find(({ prefix }) => startsWith(kv.value, prefix)) : undefined;
    if (sealed && reader === undefined) throw unreadable(kv);
    if (isNewest) {
      if (reader?.prefix.equals(writer?.prefix ?? EMPTY) ?? writer === undefined) stale.delete(kv.key);
      else stale.add(kv.key);
    }
    if (reader === undefined) return kv;
    try {
      return { ...kv, value: reader.open(kv.value.subarray(reader.prefix.length), Buffer.from(kv.key)) };
    } catch {
      throw unreadable(kv);
    }
  }

  const sealed = (operation: Operation): Operation => {
    if (operation.type !== 'put') return operation;
    const value = seal(operation.key, operation.value);
    return value === operation.value ? operation : { ...operation, value };
  };
  const openResult = (result: OperationResult): OperationResult => {
    if (result.type === 'range') return { ...result, kvs: result.kvs.map((kv) => open(kv, false)) };
    if (result.type === 'put')
      return result.prevKv === undefined ? result : { ...result, prevKv: open(result.prevKv, false) };
    return result.prevKvs === undefined ? result : { ...result, prevKvs: result.prevKvs.map((kv) => open(kv, false)) };
  };
  const openEvent = (event: WatchEvent): WatchEvent => {
    if (event.type === 'delete') stale.delete(event.kv.key);
    return { ...event, kv: event.type === 'put' ? open(event.kv, true) : event.kv };
  };

  return {
    isStale: (key) => stale.has(key),
    store: {
      ...forwarded(inner),
      async txn(request) {
        const success = request.success?.map(sealed);
        const failure = request.failure?.map(sealed);
        try {
          const result = await inner.txn({
            ...request,
            ...(success === undefined ? {} : { success }),
            ...(failure === undefined ? {} : { failure }),
          });
          return { ...result, results: result.results.map(openResult) };
        } finally {
          for (const operation of success ?? []) if (operation.type === 'put') sealing.delete(operation.key);
        }
      },
      async range(request) {
        const result = await inner.range(request);
        return { ...result, kvs: result.kvs.map((kv) => open(kv, true)) };
      },
      watch: (request) =>
        inner.watch(request).pipe(map((batch) => ({ ...batch, events: batch.events.map(openEvent) }))),
    },
  };
}

const EMPTY = Buffer.alloc(0);

function startsWith(value: Uint8Array, prefix: Buffer): boolean {
  return value.length >= prefix.length && prefix.equals(value.subarray(0, prefix.length));
}

function unreadable({ key, value }: KeyValue): Error {
  const [, , provider = '', , name = ''] = Buffer.from(value.subarray(0, 128)).toString('latin1').split(':');
  return new Error(
    `${key} was encrypted with key "${name}" of ${provider}, which the encryption configuration does not have; add it as a further key`,
  );
}

/** Whether a name of the configuration means the resource. */
function names(name: string, plural: string, group: string): boolean {
  const dot = name.indexOf('.');
  const [wantedPlural, wantedGroup] = dot < 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot + 1)];
  return (wantedPlural === '*' || wantedPlural === plural) && (wantedGroup === '*' || wantedGroup === group);
}

interface Resource {
  readonly prefix: string;
  readonly plural: string;
  readonly group: string;
}

/** The resource that a key of the store belongs to. Keys of custom kinds name their group. */
function resourcesByPrefix(registry: KindRegistry): (key: string) => Resource {
  const known = new Map<string, Resource>();
  for (const { storagePrefix, plural, group } of registry.all()) {
    known.set(storagePrefix, { prefix: storagePrefix, plural, group });
  }
  return (key) => {
    const [, root = '', first = '', second = ''] = key.split('/', 4);
    const short = `/${root}/${first}`;
    const long = `${short}/${second}`;
    return known.get(short) ?? known.get(long) ?? { prefix: long, plural: second, group: first };
  };
}

/** Whether anything of the store is encrypted: a server without a configuration must not take such bytes for objects. */
export function refuseEncrypted(store: Store): Store {
  const check = (kv: KeyValue) => {
    if (kv.value[0] === ENCRYPTED[0] && startsWith(kv.value, ENCRYPTED)) throw unreadable(kv);
  };
  return {
    ...forwarded(store),
    async range(request) {
      const result = await store.range(request);
      for (const kv of result.kvs) check(kv);
      return result;
    },
  };
}
