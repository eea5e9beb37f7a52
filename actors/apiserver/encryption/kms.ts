/**
 * Values sealed with keys that a key management plugin guards (KMS v2). The server makes a seed, has the plugin encrypt it, and
 * derives a key from it for every value, so a write asks nobody; a value of an unknown seed has its seed decrypted once. A value:
 *
 *     k8s:enc:kms:v2:<provider>:  protobuf { 1: info (32) · nonce (12) · encrypted · tag (16), 2: key id, 3: encrypted seed,
 *                                            4: annotations, 5: 1 for seeds, 0 for a plain AES key }
 *
 * @see staging/src/k8s.io/apiserver/pkg/storage/value/encrypt/envelope/kmsv2/envelope.go
 */
import { createHash, createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import type { Clock, Log, Random, Timer } from '../../../src/runtime/index.ts';
import { messageOf } from '../failures.ts';
import { openGcm, sealGcm } from './gcm.ts';
import { createKmsClient, type WrappedKey } from './kms-protocol.ts';
import { readFields, writeFields } from './proto-fields.ts';
import { type Cipher, KeyNeeded, type Opened, type Provider } from './provider.ts';

/** An entry of KMS v2 in upstream's EncryptionConfiguration. */
export interface KmsOption {
  readonly name: string;
  /** `unix:///path` */
  readonly endpoint: string;
  readonly timeoutMs: number;
}

export interface KmsProvider extends Provider {
  /** What is wrong with the plugin; undefined when all is well. */
  health(): string | undefined;
  close(): void;
}

interface Place {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: Random;
  /** Told when the plugin answers again: what could not be read may now be. */
  readonly recovered: () => void;
}

const SEED_BYTES = 32;
const INFO_BYTES = 32;
const SEEDS = 1;
/** As upstream's: how often the plugin is asked, and for how long it may be silent before nothing is written any more. */
const ASK_MS = 60_000;
const ASK_AGAIN_MS = 10_000;
const WRITES_MS = 180_000;
const KEY_ID_BYTES_MAX = 1024;

/** With what values are sealed now. */
interface State extends WrappedKey {
  readonly seed: KeyObject;
  readonly mark: string;
  readonly writesUntilMs: number;
}

/** What a stored value says of the key that opens it. */
interface Envelope extends WrappedKey {
  readonly data: Buffer;
  readonly type: number;
}

/** The seed's key of one value: HKDF without its first step, whose length is that of one round. */
const derived = (seed: KeyObject, info: Uint8Array): KeyObject =>
  createSecretKey(createHmac('sha256', seed).update(info).update(Buffer.of(1)).digest());

const hashOf = (keyId: string): string => `sha256:${createHash('sha256').update(keyId).digest('hex')}`;

/** Resolves once the plugin was asked for the first time, whatever it answered. */
export async function createKmsProvider(option: KmsOption, place: Place): Promise<KmsProvider> {
  const { clock, log, random, recovered } = place;
  const client = createKmsClient(option.endpoint, option.timeoutMs, clock);
  const prefix = Buffer.from(`k8s:enc:kms:v2:${option.name}:`);
  const seeds = new Map<string, KeyObject>();
  /** Keys that could not be decrypted when they were last asked for. */
  const failures = new Map<string, string>();
  const asked = new Map<string, Promise<void>>();
  let state: State | undefined;
  let failure: string | undefined;
  let timer: Timer | undefined;
  let isClosed = false;

  async function ask(): Promise<void> {
    const writesUntilMs = clock.now() + WRITES_MS;
    const before = failure;
    try {
      const { healthz, version, keyId } = await client.status();
      if (healthz !== 'ok') throw new Error(`got unexpected healthz status: ${healthz}`);
      if (version !== 'v2' && version !== 'v2beta1') throw new Error(`expected KMSv2 API version v2, got ${version}`);
      checkKeyId(keyId);
      state = state?.keyId === keyId ? { ...state, writesUntilMs } : await rotated(keyId, writesUntilMs);
      failure = undefined;
    } catch (error) {
      failure = `kmsv2 Provider ${option.name} is not healthy, error: ${messageOf(error)}`;
      if (failure !== before) log.warn('a key management plugin failed', { name: option.name, error: failure });
    }
    if (isClosed) return;
    timer = clock.after(failure === undefined ? ASK_MS : ASK_AGAIN_MS, () => void ask(), { background: true });
    if (failure === undefined && before !== undefined) {
      failures.clear();
      recovered();
    }
  }

  async function rotated(statusKeyId: string, writesUntilMs: number): Promise<State> {
    const bytes = randomBytes(SEED_BYTES);
    const wrapped = await client.encrypt(random.uuid(), bytes);
    checkKeyId(wrapped.keyId);
    if (wrapped.keyId !== statusKeyId) throw new Error('the key changed between status and encryption');
    if (wrapped.ciphertext.length === 0) throw new Error('encrypted DEK source is empty');
    const seed = createSecretKey(bytes);
    seeds.set(nameOf(wrapped, SEEDS), seed);
    return { ...wrapped, seed, mark: `${prefix}${SEEDS}${wrapped.keyId}`, writesUntilMs };
  }

  function keyOf(envelope: Envelope): KeyObject {
    const name = nameOf(envelope, envelope.type);
    const known = seeds.get(name);
    if (known !== undefined) return known;
    const failed = failures.get(name);
    if (failed !== undefined) throw new Error(failed);
    let fetching = asked.get(name);
    if (fetching === undefined) {
      fetching = client
        .decrypt(random.uuid(), envelope)
        .then(
          (bytes) => void seeds.set(name, createSecretKey(bytes)),
          (error) => void failures.set(name, `failed to decrypt DEK, error: ${messageOf(error)}`),
        )
        .finally(() => asked.delete(name));
      asked.set(name, fetching);
    }
    throw new KeyNeeded(fetching);
  }

  const cipher: Cipher = {
    get mark() {
      return state?.mark ?? '';
    },
    seal(value, where) {
      if (state === undefined) throw new Error(failure ?? 'got unexpected nil transformer');
      const nowMs = clock.now();
      if (nowMs > state.writesUntilMs) {
        const [until, now] = [state.writesUntilMs, nowMs].map((ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`);
        const which = `encryptedDEKSource with keyID hash "${hashOf(state.keyId)}"`;
        throw new Error(`${which} expired at ${until} (current time is ${now})`);
      }
      const info = randomBytes(INFO_BYTES);
      const data = sealGcm(derived(state.seed, info), value, where, info);
      const notes = state.annotations.map((entry): [number, Buffer] => [4, entry]);
      const message = writeFields([1, data], [2, state.keyId], [3, state.ciphertext], ...notes, [5, SEEDS]);
      return Buffer.concat([prefix, message]);
    },
  };

  function open(sealed: Uint8Array, where: Buffer): Opened {
    const envelope = envelopeOf(sealed);
    const key = keyOf(envelope);
    const { data, type } = envelope;
    const value =
      type === SEEDS
        ? openGcm(derived(key, data.subarray(0, INFO_BYTES)), data.subarray(INFO_BYTES), where)
        : openGcm(key, data, where);
    return { value, mark: `${prefix}${type}${envelope.keyId}` };
  }

  await ask();
  return {
    prefix,
    writer: cipher,
    open,
    health: () => failure,
    close() {
      isClosed = true;
      timer?.cancel();
      client.close();
    },
  };
}

const nameOf = ({ ciphertext, keyId, annotations }: WrappedKey, type: number): string => {
  const hash = createHash('sha256').update(`${type} ${keyId.length} ${keyId}`);
  for (const part of [ciphertext, ...annotations]) hash.update(`${part.length} `).update(part);
  return hash.digest('base64');
};

function checkKeyId(keyId: string): void {
  if (keyId === '') throw new Error('got invalid KMSv2 KeyID hash "": keyID is empty');
  const { length } = Buffer.from(keyId);
  if (length > KEY_ID_BYTES_MAX)
    throw new Error(`keyID is ${length} bytes, which exceeds the max size of ${KEY_ID_BYTES_MAX}`);
}

function envelopeOf(sealed: Uint8Array): Envelope {
  const fields = readFields(sealed);
  const envelope = {
    data: fields.bytes(1),
    keyId: fields.text(2),
    ciphertext: fields.bytes(3),
    annotations: fields.all(4),
    type: fields.number(5),
  };
  if (envelope.type > SEEDS) throw new Error(`unknown encryptedDEKSourceType: ${envelope.type}`);
  if (envelope.data.length === 0) throw new Error('encrypted data is empty');
  return envelope;
}
