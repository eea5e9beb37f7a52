/**
 * Bootstrap tokens: `abcdef.0123456789abcdef`, kept in Secrets of kube-system, with which new nodes introduce themselves.
 * @see plugin/pkg/auth/authenticator/token/bootstrap/bootstrap.go
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../../src/runtime/index.ts';
import type { Caches } from '../cache/caches.ts';
import type { TokenAuthenticator } from './types.ts';

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

export function createBootstrapTokens(caches: Caches, clock: Clock): TokenAuthenticator {
  const secrets = caches.cacheOf('/registry/secrets', true);
  return {
    authenticate(token) {
      const [, id, secret] = TOKEN.exec(token.text) ?? [];
      if (id === undefined || secret === undefined) return undefined;
      const object = secrets.get(secrets.keyOf('kube-system', `bootstrap-token-${id}`))?.object;
      if (object === undefined || object.metadata['deletionTimestamp'] !== undefined) return undefined;
      if (object['type'] !== 'bootstrap.kubernetes.io/token') return undefined;
      const data = (object['data'] ?? {}) as Record<string, string>;
      const read = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString();
      if (!sameText(read('token-secret'), secret) || read('token-id') !== id) return undefined;
      const expiration = read('expiration');
      // An expiration that is no time at all counts as passed.
      if (expiration !== '' && !(Date.parse(expiration) > clock.now())) return undefined;
      if (read('usage-bootstrap-authentication') !== 'true') return undefined;
      const named = read('auth-extra-groups');
      const groups = named === '' ? [] : named.split(',');
      if (!groups.every((group) => GROUP.test(group))) return undefined;
      const all = [...new Set(['system:bootstrappers', ...groups])].sort();
      return { user: { user: `system:bootstrap:${id}`, groups: all } };
    },
  };
}

function sameText(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
