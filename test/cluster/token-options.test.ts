/** Flags about service account tokens, as the server is told of them. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tokenOptions } from '../../src/cluster/token-options.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubehive-tokens-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

it('reads several keys of a file and several files', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const secret = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const open = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const curved = ec.privateKey.export({ type: 'sec1', format: 'pem' }).toString();
  const told = tokenOptions({
    serviceAccountSigningKeyFile: file('sign.pem', curved),
    serviceAccountKeyFile: [file('two.pem', `${open}${curved}`), file('one.pem', secret)],
    serviceAccountIssuer: ['https://new.example', 'https://old.example'],
    serviceAccountMaxTokenExpiration: '24h',
  });
  expect(told).toMatchObject({ serviceAccountKeyPem: curved.trim(), tokenSecondsMax: 86_400 });
  expect(told.serviceAccountVerificationKeysPem).toEqual([open, curved, secret].map((text) => text.trim()));
  expect(told).toMatchObject({
    serviceAccountIssuer: 'https://new.example',
    acceptedServiceAccountIssuers: ['https://old.example'],
  });
});

it.each([
  [
    { serviceAccountSigningKeyFile: 'planted' },
    /failed to parse service-account-issuer-key-file: error reading .*: data does not contain a valid RSA or ECDSA private key/,
  ],
  [{ serviceAccountKeyFile: ['planted'] }, /data does not contain any valid RSA or ECDSA public keys/],
  [{ serviceAccountMaxTokenExpiration: '10m' }, /must be between 1 hour and 2\^32 seconds/],
  [{ serviceAccountIssuer: 'https://[bad' }, /contained a ':' but was not a valid URL/],
  [{ serviceAccountIssuer: '' }, /should not be an empty string/],
  [{ serviceAccountJwksUri: 'http://plain' }, /requires https scheme/],
])('refuses %o', (options, message) => {
  const path = file('planted', '-----BEGIN PRIVATE KEY-----\nhunter2hunter2\n-----END PRIVATE KEY-----\n');
  const filled = JSON.parse(JSON.stringify(options).replaceAll('"planted"', JSON.stringify(path)));
  expect(() => tokenOptions(filled)).toThrow(message);
  expect(() => tokenOptions(filled)).not.toThrow(/hunter2/);
});
