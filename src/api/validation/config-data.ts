/**
 * ConfigMaps and Secrets: keys, sizes, and what must be in a Secret of a known type.
 * @see ValidateConfigMap, ValidateSecret
 */
import { type FieldError, fieldPath } from '../field-errors.ts';
import type { ConfigMap, Secret } from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { validateConfigMapKey } from '../names.ts';
import { Check, keyed } from './check.ts';
import { checkStandardFinalizers } from './metadata.ts';

const dataBytesMax = 1024 * 1024;
const frozen = 'field is immutable when `immutable` is set';

/** Bytes that base64 stands for. */
function decodedBytes(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return Math.floor((base64.length * 3) / 4) - padding;
}

function checkConfigMap(check: Check, map: ConfigMap): void {
  checkStandardFinalizers(check, map.metadata);
  let bytes = 0;
  for (const key in map.data) {
    const place = keyed(fieldPath('data'), key);
    check.all(place, '', key, validateConfigMapKey(key));
    if (map.binaryData?.[key] !== undefined) check.invalid(place, '', key, 'duplicate of key present in binaryData');
    bytes += Buffer.byteLength(map.data[key] as string);
  }
  for (const key in map.binaryData) {
    check.all(keyed(fieldPath('binaryData'), key), '', key, validateConfigMapKey(key));
    bytes += decodedBytes(map.binaryData[key] as string);
  }
  if (bytes > dataBytesMax) check.tooLong(undefined, '', dataBytesMax);
}

/** Marked immutable, an object keeps its mark and its data. */
function checkFrozen(
  check: Check,
  now: ConfigMap | Secret,
  previous: ConfigMap | Secret,
  fields: readonly string[],
): void {
  if (previous.immutable !== true) return;
  if (now.immutable !== true) check.forbidden(undefined, 'immutable', frozen);
  const [a, b] = [now, previous] as unknown as readonly Record<string, unknown>[];
  for (const field of fields) {
    if (!semanticEqual(a?.[field] ?? {}, b?.[field] ?? {})) check.forbidden(undefined, field, frozen);
  }
}

export const configMapValidation = strategyOf<ConfigMap>({
  validate(map: ConfigMap) {
    const check = new Check();
    checkConfigMap(check, map);
    return check.errors;
  },
  validateUpdate(map: ConfigMap, previous: ConfigMap) {
    const check = new Check();
    checkFrozen(check, map, previous, ['data', 'binaryData']);
    checkConfigMap(check, map);
    return check.errors;
  },
  metadataOnUpdate: ['changes', 'whole'],
});

const jsonTypes: Readonly<Record<string, string>> = {
  'kubernetes.io/dockercfg': '.dockercfg',
  'kubernetes.io/dockerconfigjson': '.dockerconfigjson',
};

function checkSecret(check: Check, secret: Secret): void {
  checkStandardFinalizers(check, secret.metadata);
  const data = secret.data ?? {};
  const path = fieldPath('data');
  let bytes = 0;
  for (const key in data) {
    check.all(keyed(path, key), '', key, validateConfigMapKey(key));
    bytes += decodedBytes(data[key] as string);
  }
  if (bytes > dataBytesMax) check.tooLong(path, '', dataBytesMax);
  const need = (...keys: readonly string[]): void => {
    for (const key of keys) if (data[key] === undefined) check.required(keyed(path, key), '');
  };
  const jsonKey = jsonTypes[secret.type ?? ''];
  if (jsonKey !== undefined) {
    need(jsonKey);
    if (data[jsonKey] !== undefined) {
      const refusal = jsonObjectRefusal(Buffer.from(data[jsonKey], 'base64').toString());
      if (refusal !== '') check.invalid(keyed(path, jsonKey), '', '<secret contents redacted>', refusal);
    }
    return;
  }
  switch (secret.type) {
    case 'kubernetes.io/service-account-token': {
      const name = 'kubernetes.io/service-account.name';
      if (!secret.metadata?.annotations?.[name]) check.required(keyed(fieldPath('metadata', 'annotations'), name), '');
      break;
    }
    case 'kubernetes.io/basic-auth':
      if (data['username'] === undefined && data['password'] === undefined) need('username', 'password');
      break;
    case 'kubernetes.io/ssh-auth':
      if (!data['ssh-privatekey']) check.required(keyed(path, 'ssh-privatekey'), '');
      break;
    case 'kubernetes.io/tls':
      need('tls.crt', 'tls.key');
      break;
  }
}

/** Why a text is not a JSON object, as Go says it; empty when it is one. */
function jsonObjectRefusal(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const first = /\S/.exec(text)?.[0];
    if (first === undefined || !/[^\s]$/.test(text) || /^\s*[{[]/.test(text)) return 'unexpected end of JSON input';
    return `invalid character '${first}' looking for beginning of value`;
  }
  if (value === null || (typeof value === 'object' && !Array.isArray(value))) return '';
  const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return `json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`;
}

function validateSecretUpdate(secret: Secret, previous: Secret): FieldError[] {
  const check = new Check();
  check.unchanged(undefined, 'type', secret.type ?? '', (secret.type ?? '') === (previous.type ?? ''));
  checkFrozen(check, secret, previous, ['data']);
  checkSecret(check, secret);
  return check.errors;
}

export const secretValidation = strategyOf<Secret>({
  validate(secret: Secret) {
    const check = new Check();
    checkSecret(check, secret);
    return check.errors;
  },
  validateUpdate: validateSecretUpdate,
  metadataOnUpdate: ['changes', 'whole'],
});
