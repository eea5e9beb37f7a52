/** Failed connections in the words of Go's net and tls packages, which is what users of upstream know and search for. */

const PHRASES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'i/o timeout',
};

const UNTRUSTED = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

/** `dial tcp 10.0.0.7:443: connect: connection refused`, `tls: failed to verify certificate: …`, `EOF`. */
export function dialErrorText(error: unknown, authority: string): string {
  const { code = '', message = String(error) } = error as { code?: string; message?: string };
  const phrase = PHRASES[code];
  if (phrase !== undefined) return `dial tcp ${authority}: ${phrase}`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `dial tcp: lookup ${authority.replace(/:\d+$/, '')}: no such host`;
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'EOF';
  if (UNTRUSTED.has(code)) return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
  if (code === 'CERT_HAS_EXPIRED')
    return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `tls: failed to verify certificate: x509: ${altNames(message)}`;
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') return 'http: server gave HTTP response to HTTPS client';
  return message;
}

/** `Host: a. is not in the cert's altnames: DNS:b, DNS:c` as Go says it. */
function altNames(message: string): string {
  const match = /Host: ([^ ]+?)\.? is not in the cert's altnames: (.*)$/.exec(message);
  if (match === null) return message;
  const names = (match[2] ?? '').split(', ').map((name) => name.replace(/^(DNS|IP Address):/, ''));
  return `certificate is valid for ${names.join(', ')}, not ${match[1]}`;
}
