/**
 * Why a call to a webhook failed, in the words of Go's HTTP client and of client-go, since that is what people search for.
 * @see staging/src/k8s.io/apimachinery/pkg/api/errors/errors.go NewGenericServerResponse
 */
import type { WebhookTarget } from './https-client.ts';

type NetworkError = NodeJS.ErrnoException & {
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
  readonly cert?: { readonly subjectaltname?: string };
};

const UNKNOWN_AUTHORITY = [
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
];

const UNVERIFIED = 'tls: failed to verify certificate: x509:';

/** What is said behind `Post "https://…": `. */
export function networkText(error: NetworkError, target: WebhookTarget): string {
  const { code = '' } = error;
  const at = `${error.address ?? target.host}:${error.port ?? target.port}`;
  if (code === 'ECONNREFUSED') return `dial tcp ${at}: connect: connection refused`;
  if (code === 'EHOSTUNREACH') return `dial tcp ${at}: connect: no route to host`;
  if (code === 'ENETUNREACH') return `dial tcp ${at}: connect: network is unreachable`;
  if (code === 'ETIMEDOUT') return `dial tcp ${at}: i/o timeout`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `dial tcp: lookup ${error.hostname ?? target.host}: no such host`;
  if (code === 'ECONNRESET') return error.message === 'socket hang up' ? 'EOF' : 'read: connection reset by peer';
  if (UNKNOWN_AUTHORITY.includes(code)) return `${UNVERIFIED} certificate signed by unknown authority`;
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return `${UNVERIFIED} certificate has expired or is not yet valid`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `${UNVERIFIED} ${wrongName(error, target)}`;
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'EPROTO') {
    // What answers without TLS is, nearly always, a server of plain HTTP.
    return 'http: server gave HTTP response to HTTPS client';
  }
  return error.message;
}

function wrongName({ cert }: NetworkError, { serverName }: WebhookTarget): string {
  const names = (cert?.subjectaltname ?? '').split(', ').filter((name) => name !== '');
  const isAddress = /^[\d.]+$/.test(serverName) || serverName.includes(':');
  const prefix = isAddress ? 'IP Address:' : 'DNS:';
  const fitting = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  if (fitting.length > 0) return `certificate is valid for ${fitting.join(', ')}, not ${serverName}`;
  if (isAddress) return `cannot validate certificate for ${serverName} because it doesn't contain any IP SANs`;
  return names.length === 0
    ? 'certificate relies on legacy Common Name field, use SANs instead'
    : `certificate is not valid for any names, but wanted to match ${serverName}`;
}

const SHOWN_CHARACTERS_MAX = 2048;

const TEXTS: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  409: 'the server reported a conflict',
  422: 'the server rejected our request due to an error in our request',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
};

/** An answer that is no success: its Status if it is one, else what its code means. */
export function statusText(code: number, body: string): string {
  const status = statusIn(body);
  if (status !== undefined) return status;
  const shown = body.trim().slice(0, SHOWN_CHARACTERS_MAX);
  if (code === 403) return shown === '' ? 'unknown' : shown;
  const known = TEXTS[code];
  if (known !== undefined) return known;
  if (code >= 500) {
    return `an error on the server (${JSON.stringify(shown === '' ? 'unknown' : shown)}) has prevented the request from succeeding`;
  }
  return `the server responded with the status code ${code} but did not return more information`;
}

function statusIn(body: string): string | undefined {
  try {
    const { kind, message } = JSON.parse(body) as { kind?: unknown; message?: unknown };
    return kind === 'Status' && typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}
