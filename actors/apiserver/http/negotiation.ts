/**
 * What a client can read and what it sent: Accept and Content-Type, with upstream's media types and their `as=` parameters.
 * @see staging/src/k8s.io/apiserver/pkg/endpoints/handlers/negotiation/negotiate.go
 */

export type Format = 'json' | 'yaml' | 'protobuf';

/** What is to be sent: an object or a list, a watch's events, or the Status of a refusal, which knows no `as=`. */
export type Answering = 'object' | 'watch' | 'status';

/** How the answer is to look. */
export interface Accepted {
  readonly format: Format;
  /** Table or metadata instead of the objects. */
  readonly as: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList' | undefined;
  /** API version of that, such as `v1`. */
  readonly asVersion: string;
  readonly pretty: boolean;
}

export const READABLE = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'] as const;
export const WATCHABLE = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'] as const;

interface Clause {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly quality: number;
}

const JSON_ANSWER: Accepted = { format: 'json', as: undefined, asVersion: 'v1', pretty: false };
const parsed = new Map<string, readonly Clause[]>();
const PARSED_MAX = 256;

function clausesOf(header: string): readonly Clause[] {
  let clauses = parsed.get(header);
  if (clauses === undefined) {
    clauses = header
      .split(',')
      .map(clauseOf)
      .filter((clause) => clause !== undefined)
      .sort((a, b) => b.quality - a.quality);
    // Clients send the same few headers again and again; strangers cannot make this grow.
    if (parsed.size < PARSED_MAX) parsed.set(header, clauses);
  }
  return clauses;
}

function clauseOf(text: string): Clause | undefined {
  const [media = '', ...rest] = text.split(';');
  const [type = '', subtype = ''] = media.trim().toLowerCase().split('/');
  if (type === '') return undefined;
  const parameters: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const parameter of rest) {
    const [name = '', value = ''] = parameter.split('=');
    parameters[name.trim().toLowerCase()] = value.trim().replace(/^"(.*)"$/, '$1');
  }
  const quality = parameters['q'] === undefined ? 1 : Number(parameters['q']);
  return { type, subtype, parameters, quality: Number.isNaN(quality) ? 0 : quality };
}

/** What Go reads as true. */
const TRUE = ['1', 't', 'T', 'true', 'TRUE', 'True'];

/** People's tools get their answers indented unless they say otherwise. */
export function prettyOf(query: string | undefined, userAgent: string | undefined): string | undefined {
  if (query !== undefined && query !== '') return query;
  return userAgent !== undefined && /^(?:curl|Wget|Mozilla\/5\.0)/.test(userAgent) ? 'true' : undefined;
}

/**
 * The best form that the client accepts and the server has; undefined when there is none (406). `hasProtobuf` says whether what
 * is asked for has a protobuf form; the metadata of anything has one, tables have none.
 */
export function acceptedOf(
  header: string | undefined,
  answering: Answering,
  pretty: string | undefined,
  hasProtobuf: boolean,
): Accepted | undefined {
  const wantsPretty = pretty !== undefined && TRUE.includes(pretty);
  if (header === undefined || header === '' || header === '*/*') {
    return wantsPretty ? { ...JSON_ANSWER, pretty: true } : JSON_ANSWER;
  }
  if (header === 'application/json' && !wantsPretty) return JSON_ANSWER;
  for (const { type, subtype, parameters } of clausesOf(header)) {
    const format = formatOf(type, subtype);
    if (format === undefined || (answering === 'watch' && format === 'yaml')) continue;
    const { as, g: group } = parameters;
    if (as !== undefined && answering === 'status') continue;
    if (format === 'protobuf' && (as === undefined ? !hasProtobuf : as === 'Table')) continue;
    const asVersion = parameters['v'] ?? 'v1';
    if (as !== undefined) {
      if (group !== 'meta.k8s.io' && group !== undefined) continue;
      if (asVersion !== 'v1' && asVersion !== 'v1beta1') continue;
      if (as !== 'Table' && as !== 'PartialObjectMetadata' && as !== 'PartialObjectMetadataList') continue;
    }
    return {
      format,
      as: as as Accepted['as'],
      asVersion,
      pretty: wantsPretty || parameters['pretty'] === '1',
    };
  }
  return undefined;
}

function formatOf(type: string, subtype: string): Format | undefined {
  if (type === '*' && subtype === '*') return 'json';
  if (type !== 'application') return undefined;
  if (subtype === 'json' || subtype === '*') return 'json';
  if (subtype === 'vnd.kubernetes.protobuf') return 'protobuf';
  return subtype === 'yaml' ? 'yaml' : undefined;
}

/** Whether the client wants discovery as one aggregated document. */
export function wantsAggregated(header: string | undefined): 'v2' | 'v2beta1' | undefined {
  if (header === undefined) return undefined;
  for (const { parameters } of clausesOf(header)) {
    if (parameters['as'] === undefined) return undefined;
    if (parameters['as'] !== 'APIGroupDiscoveryList' || parameters['g'] !== 'apidiscovery.k8s.io') continue;
    if (parameters['v'] === 'v2' || parameters['v'] === 'v2beta1') return parameters['v'];
  }
  return undefined;
}

/** The media type of a body without its parameters, in lower case. */
export function mediaTypeOf(header: string | undefined): string {
  if (header === undefined) return '';
  const end = header.indexOf(';');
  return (end < 0 ? header : header.slice(0, end)).trim().toLowerCase();
}

/** The format of a body; no type means JSON. Undefined: not one that is read (415). */
export function bodyFormatOf(header: string | undefined): Format | undefined {
  const type = mediaTypeOf(header);
  if (type === '' || type === 'application/json') return 'json';
  if (type === 'application/vnd.kubernetes.protobuf') return 'protobuf';
  return type === 'application/yaml' ? 'yaml' : undefined;
}
