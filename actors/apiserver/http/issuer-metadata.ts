/**
 * What others need to verify this cluster's service account tokens: the issuer's discovery document and its keys, byte for byte the
 * same for everybody. @see pkg/routes/openidmetadata.go
 */
import type { Server } from '../server.ts';
import { type Reply, send } from './reply.ts';
import { goJsonText } from './text.ts';

const CONFIGURATION = '/.well-known/openid-configuration';
const KEYS = '/openid/v1/jwks';
const CACHED = { 'cache-control': 'public, max-age=3600' };

/** Answers the path if it is one of these, and says whether it did. */
export function sendIssuerMetadata(server: Server, reply: Reply, path: string): boolean {
  if (path === CONFIGURATION) {
    const { localAddress = '127.0.0.1', localPort = 443 } = reply.request.socket;
    const host = localAddress.includes(':') ? `[${localAddress}]` : localAddress;
    const document = {
      issuer: server.tokens.issuer,
      jwks_uri: server.options.jwksUri === '' ? `https://${host}:${localPort}${KEYS}` : server.options.jwksUri,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [...new Set(server.tokens.keySet().keys.map(({ alg }) => alg))].sort(),
    };
    send(reply, 200, 'application/json', goJsonText(document), CACHED);
    return true;
  }
  if (path !== KEYS) return false;
  send(reply, 200, 'application/jwk-set+json', goJsonText(server.tokens.keySet()), CACHED);
  return true;
}
