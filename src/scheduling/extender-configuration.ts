/** The `extenders` of a configuration: programs that are asked over HTTP. @see kubernetes/pkg/scheduler/apis/config */
import { readFileSync } from 'node:fs';
import {
  ConfigurationError,
  type Data,
  expectData,
  expectDurationMs,
  expectFlag,
  expectInteger,
  expectList,
  expectText,
  refuseUnknown,
} from './configuration-fields.ts';

export interface ExtenderConfiguration {
  readonly urlPrefix: string;
  /** Paths below the prefix; undefined: not asked. */
  readonly filterVerb: string | undefined;
  readonly preemptVerb: string | undefined;
  readonly prioritizeVerb: string | undefined;
  readonly bindVerb: string | undefined;
  readonly weight: number;
  readonly timeoutMs: number;
  /** Knows the nodes itself: is sent names instead of objects. */
  readonly nodeCacheCapable: boolean;
  /** Scheduling goes on without it when it does not answer. */
  readonly ignorable: boolean;
  /** Asked only about pods that request one of these; empty: about all. */
  readonly managedResources: readonly { readonly name: string; readonly ignoredByScheduler: boolean }[];
  /** How it is reached over HTTPS; undefined: as any server. */
  readonly tls: ExtenderTls | undefined;
}

export interface ExtenderTls {
  /** Its certificate is not checked. */
  readonly insecure: boolean;
  /** The name that its certificate must have, where that is not the one in the URL. */
  readonly serverName: string | undefined;
  readonly caPem: string | undefined;
  /** What the scheduler shows; both or none. */
  readonly certPem: string | undefined;
  readonly keyPem: string | undefined;
}

const tlsFields = ['insecure', 'serverName', 'certFile', 'keyFile', 'caFile', 'certData', 'keyData', 'caData'];

const fields = [
  'urlPrefix',
  'filterVerb',
  'preemptVerb',
  'prioritizeVerb',
  'weight',
  'bindVerb',
  'enableHTTPS',
  'tlsConfig',
  'httpTimeout',
  'nodeCacheCapable',
  'managedResources',
  'ignorable',
];
const timeoutDefaultMs = 5000;
const weightMax = 2 ** 31 - 1;

/** PEM that stands in the configuration as base64, or in a file that it names. */
function pemOf(data: Data, name: 'cert' | 'key' | 'ca', path: string): string | undefined {
  const inline = expectText(data[`${name}Data`], `${path}.${name}Data`);
  if (inline) return Buffer.from(inline, 'base64').toString('utf8');
  const file = expectText(data[`${name}File`], `${path}.${name}File`);
  if (!file) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigurationError(
      `${path}.${name}File: Invalid value: ${JSON.stringify(file)}: ${(error as Error).message}`,
    );
  }
}

function parseTls(extender: Data, path: string): ExtenderTls | undefined {
  const at = `${path}.tlsConfig`;
  const isHttps = expectFlag(extender['enableHTTPS'], `${path}.enableHTTPS`);
  if (extender['tlsConfig'] === undefined && !isHttps) return undefined;
  const data = expectData(extender['tlsConfig'], at);
  refuseUnknown(data, tlsFields, at);
  const insecure = expectFlag(data['insecure'], `${at}.insecure`);
  const caPem = pemOf(data, 'ca', at);
  const certPem = pemOf(data, 'cert', at);
  const keyPem = pemOf(data, 'key', at);
  if (insecure && caPem !== undefined) {
    throw new ConfigurationError(
      `${at}: Invalid value: specifying a root certificates file with the insecure flag is not allowed`,
    );
  }
  if ((certPem === undefined) !== (keyPem === undefined)) {
    throw new ConfigurationError(`${at}: Invalid value: a certificate and its key go together`);
  }
  return {
    // As upstream: HTTPS that is asked for without authorities to check against is not checked.
    insecure: insecure || (isHttps && caPem === undefined),
    serverName: expectText(data['serverName'], `${at}.serverName`) || undefined,
    caPem,
    certPem,
    keyPem,
  };
}

function parseExtender(value: unknown, path: string): ExtenderConfiguration {
  const data = expectData(value, path);
  refuseUnknown(data, fields, path);
  const verb = (name: string) => expectText(data[name], `${path}.${name}`) || undefined;
  const prioritizeVerb = verb('prioritizeVerb');
  const weight = expectInteger(data['weight'], `${path}.weight`, -weightMax, weightMax) ?? 0;
  if (prioritizeVerb !== undefined && weight <= 0) {
    throw new ConfigurationError(`${path}.weight: Invalid value: ${weight}: must have a positive weight applied to it`);
  }
  const urlPrefix = expectText(data['urlPrefix'], `${path}.urlPrefix`) ?? '';
  if (!URL.canParse(urlPrefix)) {
    throw new ConfigurationError(`${path}.urlPrefix: Invalid value: ${JSON.stringify(urlPrefix)}: must be a URL`);
  }
  return {
    urlPrefix: urlPrefix.replace(/\/+$/, ''),
    filterVerb: verb('filterVerb'),
    preemptVerb: verb('preemptVerb'),
    prioritizeVerb,
    bindVerb: verb('bindVerb'),
    weight,
    timeoutMs: expectDurationMs(data['httpTimeout'], `${path}.httpTimeout`) || timeoutDefaultMs,
    nodeCacheCapable: expectFlag(data['nodeCacheCapable'], `${path}.nodeCacheCapable`),
    ignorable: expectFlag(data['ignorable'], `${path}.ignorable`),
    managedResources: expectList(data['managedResources'], `${path}.managedResources`).map((item, i) => {
      const at = `${path}.managedResources[${i}]`;
      const entry = expectData(item, at);
      refuseUnknown(entry, ['name', 'ignoredByScheduler'], at);
      const name = expectText(entry['name'], `${at}.name`) ?? '';
      if (!/^[^/]+\/[^/]+$/.test(name)) {
        throw new ConfigurationError(
          `${at}.name: Invalid value: ${JSON.stringify(name)}: name is an invalid extended resource name`,
        );
      }
      return { name, ignoredByScheduler: expectFlag(entry['ignoredByScheduler'], `${at}.ignoredByScheduler`) };
    }),
    tls: parseTls(data, path),
  };
}

/** @throws ConfigurationError */
export function parseExtenders(value: unknown): ExtenderConfiguration[] {
  const extenders = expectList(value, 'extenders').map((item, i) => parseExtender(item, `extenders[${i}]`));
  const binders = extenders.filter(({ bindVerb }) => bindVerb !== undefined).length;
  if (binders > 1) {
    throw new ConfigurationError(
      `extenders: Invalid value: "found ${binders} extenders implementing bind": only one extender can implement bind`,
    );
  }
  const names = new Set<string>();
  for (const [i, { managedResources }] of extenders.entries()) {
    for (const [j, { name }] of managedResources.entries()) {
      if (names.has(name)) {
        throw new ConfigurationError(
          `extenders[${i}].managedResources[${j}].name: Invalid value: ${JSON.stringify(name)}: duplicate extender managed resource name`,
        );
      }
      names.add(name);
    }
  }
  return extenders;
}

/** A plugin's arguments; resources that an extender looks after are none of the Fit plugin's business. */
export function withIgnored(
  plugin: string,
  args: Readonly<Record<string, unknown>>,
  ignored: readonly string[],
): Readonly<Record<string, unknown>> {
  if (plugin !== 'NodeResourcesFit' || ignored.length === 0) return args;
  return { ...args, ignoredResources: [...((args['ignoredResources'] as string[] | undefined) ?? []), ...ignored] };
}
