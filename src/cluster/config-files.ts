/**
 * Reads the files that upstream's API server is configured with: YAML documents, kubeconfigs of webhooks, CSV of tokens and
 * passwords. Every error names the option, the file and the place.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { ClusterOptionsError } from './options-error.ts';

/** Where a service is and how to get in. */
export interface Endpoint {
  readonly url: string;
  readonly caPem?: string;
  readonly certPem?: string;
  readonly keyPem?: string;
  readonly token?: string;
  readonly username?: string;
  readonly password?: string;
  readonly insecure?: boolean;
  readonly serverName?: string;
  readonly timeoutMs?: number;
}

export function readText(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ClusterOptionsError(`${option}: cannot read ${path}: ${(error as Error).message}`);
  }
}

/** Certificates of authorities. @throws ClusterOptionsError when a certificate cannot be read, or there is none */
export function readAuthorities(option: string, path: string): string {
  const text = readText(option, path);
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    for (const pem of found) new X509Certificate(pem);
  } catch (error) {
    throw new ClusterOptionsError(
      `${option}: ${path} holds a certificate that cannot be read: ${(error as Error).message}`,
    );
  }
  if (found.length > 0) return text;
  throw new ClusterOptionsError(`${option}: ${path}: data does not contain any valid RSA or ECDSA certificates`);
}

/** A document that was given, or the one of a YAML file. @throws ClusterOptionsError when it is of another kind */
export function readDocument<Document extends object>(
  option: string,
  source: string | object,
  kind: string,
  apiVersions: readonly string[],
): Document {
  let document: unknown = source;
  if (typeof source === 'string') {
    try {
      document = parse(readText(option, source), { version: '1.1' });
    } catch (error) {
      if (error instanceof ClusterOptionsError) throw error;
      throw new ClusterOptionsError(`${option}: ${source} is no YAML: ${firstLine(error as Error)}`);
    }
  }
  const where = typeof source === 'string' ? `${option}: ${source}` : option;
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new ClusterOptionsError(`${where} holds no object`);
  const { kind: actual, apiVersion } = document as { kind?: unknown; apiVersion?: unknown };
  if (actual !== kind || !apiVersions.includes(String(apiVersion))) {
    const held =
      actual === undefined || apiVersion === undefined
        ? 'names no kind and apiVersion'
        : `holds a ${String(actual)} of ${String(apiVersion)}`;
    throw new ClusterOptionsError(`${where} ${held}; it takes a ${kind} of ${apiVersions.join(' or ')}`);
  }
  return document as Document;
}

/** The parser shows the place on further lines, which would show what is in the file. */
const firstLine = ({ message }: Error): string => (message.split('\n')[0] ?? '').replace(/:$/, '');

interface Kubeconfig {
  readonly clusters?: readonly {
    readonly name: string;
    readonly cluster?: {
      readonly server?: string;
      readonly 'certificate-authority'?: string;
      readonly 'certificate-authority-data'?: string;
      readonly 'insecure-skip-tls-verify'?: boolean;
      readonly 'tls-server-name'?: string;
    };
  }[];
  readonly users?: readonly {
    readonly name: string;
    readonly user?: {
      readonly 'client-certificate'?: string;
      readonly 'client-certificate-data'?: string;
      readonly 'client-key'?: string;
      readonly 'client-key-data'?: string;
      readonly token?: string;
      readonly tokenFile?: string;
      readonly username?: string;
      readonly password?: string;
    };
  }[];
  readonly contexts?: readonly { readonly name: string; readonly context?: { cluster?: string; user?: string } }[];
  readonly 'current-context'?: string;
}

/** The service that a kubeconfig's current context (or its only cluster) names. Paths in it are relative to the file. */
export function readEndpoint(option: string, path: string): Endpoint {
  let file: Kubeconfig;
  try {
    file = (parse(readText(option, path), { version: '1.1' }) ?? {}) as Kubeconfig;
  } catch (error) {
    if (error instanceof ClusterOptionsError) throw error;
    throw new ClusterOptionsError(`${option}: ${path} is no YAML: ${firstLine(error as Error)}`);
  }
  const context = file.contexts?.find(({ name }) => name === file['current-context'])?.context;
  const cluster = (file.clusters?.find(({ name }) => name === context?.cluster) ?? file.clusters?.[0])?.cluster;
  const user = (file.users?.find(({ name }) => name === context?.user) ?? file.users?.[0])?.user;
  if (cluster?.server === undefined) throw new ClusterOptionsError(`${option}: ${path} names no cluster with a server`);
  const material = (data: string | undefined, beside: string | undefined) => {
    if (data !== undefined) return Buffer.from(data, 'base64').toString();
    return beside === undefined ? undefined : readText(option, resolve(dirname(path), beside));
  };
  const given = {
    caPem: material(cluster['certificate-authority-data'], cluster['certificate-authority']),
    certPem: material(user?.['client-certificate-data'], user?.['client-certificate']),
    keyPem: material(user?.['client-key-data'], user?.['client-key']),
    token: user?.token ?? material(undefined, user?.tokenFile)?.trim(),
    username: user?.username,
    password: user?.password,
    insecure: cluster['insecure-skip-tls-verify'],
    serverName: cluster['tls-server-name'],
  };
  return {
    url: cluster.server,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

/** Lines of comma-separated values, quoted where they hold commas. Empty lines and those of `#` are left out. */
export function readRows(option: string, path: string, columnsMin: number): string[][] {
  const rows: string[][] = [];
  readText(option, path)
    .split(/\r?\n/)
    .forEach((line, index) => {
      if (line.trim() === '' || line.startsWith('#')) return;
      const row = [...line.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(?:,|$)/g)]
        .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? (plain ?? '').trim())
        .slice(0, -1);
      // A line that ends without a comma has one match more, the empty one at its end.
      const columns = line.trimEnd().endsWith(',') ? [...row, ''] : row;
      if (columns.length < columnsMin) {
        throw new ClusterOptionsError(
          `${option}: line ${index + 1} of ${path} has ${columns.length} columns; it takes at least ${columnsMin}`,
        );
      }
      rows.push(columns);
    });
  return rows;
}

/** `a,b` of a column of groups. */
export function groupsOf(column: string | undefined): string[] {
  return (column ?? '')
    .split(',')
    .map((group) => group.trim())
    .filter((group) => group !== '');
}

/** A Go duration such as `5m0s` or `300ms`, in milliseconds. */
export function durationMs(option: string, text: string | undefined, fallback: number): number {
  if (text === undefined || text === '') return fallback;
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|us|m|s)/g)];
  if (text === '0') return 0;
  if (parts.map(([whole]) => whole).join('') !== text) {
    throw new ClusterOptionsError(`${option}: ${JSON.stringify(text)} is no duration such as 5m or 30s`);
  }
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (units[unit as string] as number), 0);
}
