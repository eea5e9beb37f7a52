/**
 * Where webhooks and extension servers are called: a URL, or a service with a path.
 * @see apiserver/pkg/util/webhook/validation.go
 */
import type { ServiceReference } from '../generated/types.ts';
import { quote } from '../go-text.ts';
import { validateDnsSubdomain } from '../names.ts';
import { at, type Check, type Path } from './check.ts';

const form = '; desired format: https://host[/path]';
/** Scheme, authority, path, query and fragment, as Go takes a URL apart. */
const parts = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;

export function checkWebhookUrl(check: Check, path: Path, text: string): void {
  const [, scheme = '', authority = '', , query = '', fragment = ''] = parts.exec(text) ?? [];
  const refusal = urlRefusal(text, authority);
  if (refusal !== undefined) {
    check.required(path, '', `url must be a valid URL: parse ${quote(text)}: ${refusal}${form}`);
    return;
  }
  const split = authority.lastIndexOf('@');
  const host = authority.slice(split + 1);
  if (scheme.toLowerCase() !== 'https')
    check.invalid(path, '', scheme.toLowerCase(), `'https' is the only allowed URL scheme${form}`);
  if (host === '') check.invalid(path, '', host, `host must be specified${form}`);
  if (split >= 0) check.invalid(path, '', authority.slice(0, split), 'user information is not permitted in the URL');
  if (fragment !== '') check.invalid(path, '', fragment, 'fragments are not permitted in the URL');
  if (query !== '') check.invalid(path, '', query, 'query parameters are not permitted in the URL');
}

/** What Go's parser says of the texts that it does not take. */
function urlRefusal(text: string, authority: string): string | undefined {
  for (const character of text)
    if (character < ' ' || character === '\x7f') return 'net/url: invalid control character in URL';
  if (text.startsWith(':')) return 'missing protocol scheme';
  const broken = /%(?![0-9a-fA-F]{2}).{0,2}/s.exec(text);
  if (broken !== null) return `invalid URL escape ${quote(broken[0])}`;
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (host.startsWith('[') && !host.includes(']')) return "missing ']' in host";
  const port = /:([^:\]]*)$/.exec(host)?.[1];
  if (port !== undefined && !/^\d*$/.test(port)) return `invalid port ${quote(`:${port}`)} after host`;
  const odd = /[ "<>\\^`{|}]/.exec(host)?.[0];
  return odd === undefined ? undefined : `invalid character ${quote(odd)} in host name`;
}

export function checkServiceReference(check: Check, path: Path, service: Partial<ServiceReference>): void {
  // Upstream hands name and namespace over the wrong way round, so that each is missed where the other is.
  check.present(path, 'name', service.namespace);
  check.present(path, 'namespace', service.name);
  const { port } = service;
  if (port !== undefined && (port < 1 || port > 65_535))
    check.invalid(path, 'port', port, 'port is not valid: must be between 1 and 65535, inclusive');
  if (service.path !== undefined) checkServicePath(check, at(path, 'path'), service.path);
}

function checkServicePath(check: Check, path: Path, text: string): void {
  if (text === '/' || text === '') return;
  if (text === '//') {
    check.invalid(path, '', text, 'segment[0] may not be empty');
    return;
  }
  if (!text.startsWith('/')) check.invalid(path, '', text, "must start with a '/'");
  const segments = text.slice(1).replace(/\/$/, '').split('/');
  segments.forEach((segment, index) => {
    if (segment === '') {
      check.invalid(path, '', text, `segment[${index}] may not be empty`);
      return;
    }
    for (const message of validateDnsSubdomain(segment)) check.invalid(path, '', text, `segment[${index}]: ${message}`);
  });
}
