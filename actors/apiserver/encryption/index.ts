/**
 * Encryption of what is stored: a store in front of the store, which seals values on their way in and opens them on their way
 * out, by resource. Values are written with the first key of the first provider and read with any of them, so a key is changed
 * by putting the new one first and writing every object again. A value that cannot be opened comes out as the reason why
 * (cache/unreadable.ts). @see staging/src/k8s.io/apiserver/pkg/server/options/encryptionconfig
 */
import { concatMap, from, of } from 'rxjs';
import { type KindRegistry, StatusError } from '../../../src/api/index.ts';
import type { ActorContext } from '../../../src/runtime/index.ts';
import {
  forwarded,
  type KeyValue,
  type Operation,
  type OperationResult,
  type Store,
  type WatchBatch,
  type WatchEvent,
} from '../../../src/store/index.ts';
import { unreadableValue } from '../cache/unreadable.ts';
import { messageOf } from '../failures.ts';
import { createKmsProvider, type KmsProvider } from './kms.ts';
import { type Cipher, KeyNeeded, type Provider } from './provider.ts';
import { firstOf, type ProviderOption, providerOf } from './providers.ts';

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
  /** Takes another configuration; values are read and written by it from now on. */
  configure(options: readonly EncryptionOption[]): Promise<void>;
  /** What is wrong with the plugins that keep keys; undefined when all is well, or there are none. */
  health(): string | undefined;
  close(): void;
}

type Place = Pick<ActorContext, 'clock' | 'log' | 'random'> & {
  readonly registry: KindRegistry;
  /** Told when values may be readable that were not: a plugin that keeps keys answers again. */
  readonly recovered: () => void;
};

/** The providers of one resource; none: its values are plain. */
interface Rule {
  readonly folder: string;
  readonly providers: readonly Provider[];
  readonly writer: Cipher | undefined;
}

const NO_RULE: Rule = { folder: ' ', providers: [], writer: undefined };
const NO_PREFIX = 'no matching prefix found';

/** What is known of a configuration. */
interface Configured {
  readonly entries: readonly { readonly resources: readonly string[]; readonly providers: readonly Provider[] }[];
  readonly kms: readonly KmsProvider[];
  readonly rules: Map<string, Rule>;
}

/** `options` are checked before (src/cluster/encryption-configuration.ts). */
export async function createEncryption(
  inner: Store,
  options: readonly EncryptionOption[],
  place: Place,
): Promise<Encryption> {
  const resourceOf = resourcesByPrefix(place.registry);
  let configured = await configuredBy(options, place);
  /** Of the key that was asked about last: writes of a kind come in rows. */
  let last = NO_RULE;
  /** What the newest values of encrypted resources are sealed with. */
  const marks = new Map<string, string>();
  /** Writes that are on their way: their events come back before their replies and need not be decrypted. */
  const sealing = new Map<string, { readonly sealed: Buffer; readonly value: Uint8Array; readonly mark: string }>();

  function ruleOf(key: string): Rule {
    if (key.startsWith(last.folder)) return last;
    const { prefix, plural, group } = resourceOf(key);
    let rule = configured.rules.get(prefix);
    if (rule === undefined) {
      const named = (wanted: string) => configured.entries.filter(({ resources }) => resources.includes(wanted));
      const exact = group === '' ? [...named(plural), ...named(`${plural}.`)] : named(`${plural}.${group}`);
      const matching = [exact, named(`*.${group}`), named('*.*')].find((found) => found.length > 0) ?? [];
      const providers = matching.flatMap((entry) => entry.providers);
      rule = { folder: `${prefix}/`, providers, writer: providers[0]?.writer };
      configured.rules.set(prefix, rule);
    }
    last = rule;
    return rule;
  }

  function seal(key: string, value: Uint8Array): Uint8Array {
    const { writer } = ruleOf(key);
    if (writer === undefined) return value;
    const sealed = sealedBy(writer, value, key);
    sealing.set(key, { sealed, value, mark: writer.mark });
    return sealed;
  }

  /** @throws KeyNeeded */
  function open(kv: KeyValue, isNewest: boolean): KeyValue {
    if (kv.value.length === 0) return kv;
    const own = sealing.get(kv.key);
    if (own !== undefined && own.sealed.length === kv.value.length && own.sealed.equals(kv.value)) {
      if (isNewest) marks.set(kv.key, own.mark);
      return { ...kv, value: own.value };
    }
    const { providers } = ruleOf(kv.key);
    if (providers.length === 0) return kv;
    try {
      const where = Buffer.from(kv.key);
      const { value, mark } = firstOf(providers, kv.value, (provider, rest) => provider.open(rest, where), NO_PREFIX);
      if (isNewest) marks.set(kv.key, mark);
      return value === kv.value ? kv : { ...kv, value };
    } catch (error) {
      if (error instanceof KeyNeeded) throw error;
      return { ...kv, value: unreadableValue(messageOf(error)) };
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
    if (event.type === 'delete') marks.delete(event.kv.key);
    return { ...event, kv: event.type === 'put' ? open(event.kv, true) : event.kv };
  };
  const openBatch = (batch: WatchBatch): WatchBatch => ({ ...batch, events: batch.events.map(openEvent) });

  return {
    isStale(key) {
      const mark = ruleOf(key).writer?.mark ?? '';
      return (marks.get(key) ?? '') !== mark;
    },
    async configure(next) {
      const before = configured;
      configured = await configuredBy(next, place);
      last = NO_RULE;
      for (const provider of before.kms) provider.close();
    },
    health: () => configured.kms.map((provider) => provider.health()).find((failure) => failure !== undefined),
    close() {
      for (const provider of configured.kms) provider.close();
    },
    store: {
      ...forwarded(inner),
      async txn(request) {
        const success = request.success?.map(sealed);
        const failure = request.failure?.map(sealed);
        try {
          const withSuccess = success === undefined ? request : { ...request, success };
          const result = await inner.txn(failure === undefined ? withSuccess : { ...withSuccess, failure });
          if (!result.results.some(holdsValues)) return result;
          const opened = onceOpen(() => result.results.map(openResult));
          return { ...result, results: opened instanceof Promise ? await opened : opened };
        } finally {
          for (const operation of success ?? []) if (operation.type === 'put') sealing.delete(operation.key);
        }
      },
      async range(request) {
        const result = await inner.range(request);
        return { ...result, kvs: await onceOpen(() => result.kvs.map((kv) => open(kv, true))) };
      },
      watch: (request) =>
        inner.watch(request).pipe(
          // In order: what follows a value whose key has to be asked for waits for it.
          concatMap((batch) => {
            const opened = onceOpen(() => openBatch(batch));
            return opened instanceof Promise ? from(opened) : of(opened);
          }),
        ),
    },
  };
}

/** Most writes are not told what was there before. */
function holdsValues(result: OperationResult): boolean {
  if (result.type === 'range') return true;
  return (result.type === 'put' ? result.prevKv : result.prevKvs) !== undefined;
}

/** @throws StatusError when it cannot be done now: a plugin does not answer */
function sealedBy(writer: Cipher, value: Uint8Array, key: string): Buffer {
  try {
    return writer.seal(value, Buffer.from(key));
  } catch (error) {
    throw StatusError.internalError(messageOf(error));
  }
}

/** Tries, and again when a key that was missing has come. */
function onceOpen<Result>(attempt: () => Result): Result | Promise<Result> {
  try {
    return attempt();
  } catch (error) {
    if (!(error instanceof KeyNeeded)) throw error;
    return error.fetched.then(() => onceOpen(attempt));
  }
}

async function configuredBy(options: readonly EncryptionOption[], place: Place): Promise<Configured> {
  const named = options.flatMap(({ providers }) => providers.flatMap(({ kms }) => (kms === undefined ? [] : [kms])));
  const kms = new Map<string, KmsProvider>();
  for (const option of named) kms.set(option.name, await createKmsProvider(option, place));
  const entries = options.map(({ resources, providers }) => ({
    resources,
    providers: providers.map((provider) => providerOf(provider, kms)),
  }));
  return { entries, kms: [...kms.values()], rules: new Map() };
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
