/**
 * Kubernetes' own functions: URLs, regular expressions, quantities, named formats, semantic versions, and keys of JSON patches.
 * @see k8s.io/apiserver/pkg/cel/library
 */
import {
  validateDns1035Label,
  validateDnsLabel,
  validateDnsSubdomain,
  validateLabelValue,
  validateQualifiedName,
} from '../names.ts';
import { formatQuantity, type ParsedQuantity, parseQuantity, QuantityError } from '../quantity.ts';
import { type Row, row } from './functions.ts';
import { patternOf } from './regex.ts';
import { parseTimestamp } from './time-values.ts';
import { CelError, Opaque, Optional, ValueList, ValueMap } from './values.ts';

class UrlValue extends Opaque {
  override readonly typeName = 'kubernetes.URL';
  readonly text: string;
  readonly url: URL;
  readonly absolute: boolean;

  constructor(text: string, url: URL, absolute: boolean) {
    super();
    this.text = text;
    this.url = url;
    this.absolute = absolute;
  }

  override equals(other: unknown): boolean {
    return other instanceof UrlValue && other.text === this.text;
  }

  override toString(): string {
    return this.text;
  }

  get host(): string {
    return this.absolute ? (/^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#]*)/i.exec(this.text)?.[1] ?? '') : '';
  }
}

const URL_PROBLEM = 'URL parse error during conversion from string: ';

/** Absolute URLs and absolute paths, as a request line has them. @throws CelError */
function parseUrl(text: string): UrlValue {
  const absolute = /^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text);
  const fails = (what: string): never => {
    throw new CelError(`${URL_PROBLEM}parse ${JSON.stringify(text)}: ${what}`);
  };
  if (text === '') return fails('empty url');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Go refuses them
  if (/[\0-\x1f\x7f]/.test(text)) return fails('net/url: invalid control character in URL');
  if (!absolute && !text.startsWith('/')) return fails('invalid URI for request');
  if (/\s/.test(/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/([^/?#]*)/.exec(text)?.[1] ?? ''))
    return fails('invalid character " " in host name');
  try {
    return new UrlValue(text, new URL(text, 'http://localhost'), absolute);
  } catch {
    return fails('invalid URI for request');
  }
}

function queryOf({ url }: UrlValue): ValueMap {
  const entries = new Map<unknown, [unknown, unknown]>();
  for (const name of new Set(url.searchParams.keys()))
    entries.set(name, [name, new ValueList(url.searchParams.getAll(name))]);
  return new ValueMap(entries);
}

const holds = (read: (text: string) => unknown) => (text: string) => {
  try {
    read(text);
    return true;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
};

const urls: readonly Row[] = [
  row('url(string): URL', parseUrl),
  row('isURL(string): bool', holds(parseUrl)),
  row('URL->getScheme(): string', ({ url, absolute }: UrlValue) => (absolute ? url.protocol.slice(0, -1) : '')),
  row('URL->getHost(): string', (value: UrlValue) => value.host),
  row('URL->getHostname(): string', (value: UrlValue) => value.host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1')),
  row('URL->getPort(): string', (value: UrlValue) => /:(\d*)$/.exec(value.host)?.[1] ?? ''),
  row('URL->getEscapedPath(): string', ({ text }: UrlValue) =>
    text.replace(/^[a-z][a-z0-9+.-]*:(?:\/\/[^/?#]*)?/i, '').replace(/[?#].*$/s, ''),
  ),
  row('URL->getQuery(): map(string, list(string))', queryOf),
];

const regexes: readonly Row[] = [
  row('string->find(string): string', (text: string, pattern: string) => patternOf(pattern).find(text, 1)[0] ?? ''),
  row(
    'string->findAll(string): list(string)',
    (text: string, pattern: string) => new ValueList(patternOf(pattern).find(text, -1)),
  ),
  row(
    'string->findAll(string, int): list(string)',
    (text: string, pattern: string, count: bigint) => new ValueList(patternOf(pattern).find(text, Number(count))),
  ),
];

class QuantityValue extends Opaque {
  override readonly typeName = 'kubernetes.Quantity';
  readonly amount: ParsedQuantity;

  constructor(amount: ParsedQuantity) {
    super();
    this.amount = amount;
  }

  override equals(other: unknown): boolean {
    return other instanceof QuantityValue && other.amount.nanos === this.amount.nanos;
  }

  override toString(): string {
    return formatQuantity(this.amount);
  }
}

const NANO = 1_000_000_000n;
const INT_MAX = 2n ** 63n - 1n;

/** @throws CelError */
function quantity(text: string): QuantityValue {
  try {
    return new QuantityValue(parseQuantity(text));
  } catch (error) {
    if (error instanceof QuantityError) throw new CelError(error.message);
    throw error;
  }
}

/** The value of a quantity that stands in an object, such as a device's capacity. */
export const quantityValueOf = quantity;

const isInteger = ({ amount: { nanos } }: QuantityValue): boolean =>
  nanos % NANO === 0n && nanos / NANO <= INT_MAX && nanos / NANO >= -INT_MAX - 1n;

const compare = (a: QuantityValue, b: QuantityValue): bigint =>
  a.amount.nanos < b.amount.nanos ? -1n : a.amount.nanos > b.amount.nanos ? 1n : 0n;

const plus = ({ amount }: QuantityValue, nanos: bigint): QuantityValue =>
  new QuantityValue({ nanos: amount.nanos + nanos, format: amount.format });

const quantities: readonly Row[] = [
  row('quantity(string): Quantity', quantity),
  row('isQuantity(string): bool', holds(quantity)),
  row('Quantity->isInteger(): bool', isInteger),
  row('Quantity->asInteger(): int', (value: QuantityValue) => {
    if (!isInteger(value)) throw new CelError('cannot convert value to integer');
    return value.amount.nanos / NANO;
  }),
  row('Quantity->asApproximateFloat(): double', ({ amount: { nanos } }: QuantityValue) => Number(nanos) / 1e9),
  row('Quantity->sign(): int', ({ amount: { nanos } }: QuantityValue) => (nanos < 0n ? -1n : nanos > 0n ? 1n : 0n)),
  row('Quantity->compareTo(Quantity): int', compare),
  row('Quantity->isGreaterThan(Quantity): bool', (a: QuantityValue, b: QuantityValue) => compare(a, b) === 1n),
  row('Quantity->isLessThan(Quantity): bool', (a: QuantityValue, b: QuantityValue) => compare(a, b) === -1n),
  row('Quantity->add(Quantity): Quantity', (a: QuantityValue, b: QuantityValue) => plus(a, b.amount.nanos)),
  row('Quantity->add(int): Quantity', (a: QuantityValue, b: bigint) => plus(a, b * NANO)),
  row('Quantity->sub(Quantity): Quantity', (a: QuantityValue, b: QuantityValue) => plus(a, -b.amount.nanos)),
  row('Quantity->sub(int): Quantity', (a: QuantityValue, b: bigint) => plus(a, -b * NANO)),
];

type Check = (text: string) => readonly string[];

class FormatValue extends Opaque {
  override readonly typeName = 'kubernetes.NamedFormat';
  readonly name: string;
  readonly check: Check;

  constructor(name: string, check: Check) {
    super();
    this.name = name;
    this.check = check;
  }

  override equals(other: unknown): boolean {
    return other instanceof FormatValue && other.name === this.name;
  }
}

const unless = (good: boolean, message: string): readonly string[] => (good ? [] : [message]);

const readable =
  (read: (text: string) => unknown, message: string): Check =>
  (text) =>
    unless(holds(read)(text), message);

const prefixed =
  (check: Check): Check =>
  (text) =>
    check(text.endsWith('-') ? `${text.slice(0, -1)}a` : text);

const named: Readonly<Record<string, Check>> = {
  dns1123Label: validateDnsLabel,
  dns1123Subdomain: validateDnsSubdomain,
  dns1035Label: validateDns1035Label,
  dns1123LabelPrefix: prefixed(validateDnsLabel),
  dns1123SubdomainPrefix: prefixed(validateDnsSubdomain),
  dns1035LabelPrefix: prefixed(validateDns1035Label),
  qualifiedName: validateQualifiedName,
  labelValue: validateLabelValue,
  uri(text) {
    try {
      parseUrl(text);
      return [];
    } catch (error) {
      if (error instanceof CelError) return [error.message.slice(URL_PROBLEM.length)];
      throw error;
    }
  },
  uuid: (text) =>
    unless(/^[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$/.test(text), 'does not match the UUID format'),
  byte: (text) =>
    unless(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text), 'invalid base64'),
  date: readable((text) => parseTimestamp(`${text}T00:00:00Z`), 'invalid date'),
  datetime: readable(parseTimestamp, 'invalid datetime'),
};

/** Kept, so that two mentions of a format are the same value. */
const formats = new Map(Object.entries(named).map(([name, check]) => [name, new FormatValue(name, check)]));

const formatRows: readonly Row[] = [
  ...Object.keys(named).map((name) => row(`format.${name}(): Format`, () => formats.get(name))),
  row('format.named(string): optional(Format)', (name: string) => {
    const format = formats.get(name);
    return format === undefined ? Optional.none : new Optional(format);
  }),
  row('Format->validate(string): optional(list(string))', (format: FormatValue, text: string) => {
    const problems = format.check(text);
    return problems.length === 0 ? Optional.none : new Optional(new ValueList(problems));
  }),
];

class SemverValue extends Opaque {
  override readonly typeName = 'kubernetes.Semver';
  readonly parts: readonly bigint[];
  readonly prerelease: readonly string[];

  constructor(parts: readonly bigint[], prerelease: readonly string[]) {
    super();
    this.parts = parts;
    this.prerelease = prerelease;
  }

  override equals(other: unknown): boolean {
    return other instanceof SemverValue && compareVersions(this, other) === 0n;
  }

  override toString(): string {
    return this.parts.join('.') + (this.prerelease.length === 0 ? '' : `-${this.prerelease.join('.')}`);
  }
}

const refuseVersion = (why: string): never => {
  throw new CelError(why);
};

/** A numeric part of a version. `what` begins with a capital letter. */
function versionNumber(text: string, what: string): bigint {
  const shown = JSON.stringify(text);
  if (!/^\d*$/.test(text)) refuseVersion(`Invalid character(s) found in ${what.toLowerCase()} number ${shown}`);
  if (/^0\d/.test(text)) refuseVersion(`${what} number must not contain leading zeroes ${shown}`);
  return parsedNumber(text);
}

function parsedNumber(text: string): bigint {
  if (text === '') return refuseVersion('strconv.ParseUint: parsing "": invalid syntax');
  const value = BigInt(text);
  return value < 2n ** 64n ? value : refuseVersion(`strconv.ParseUint: parsing "${text}": value out of range`);
}

function checkPrerelease(text: string): void {
  if (text === '') refuseVersion('Prerelease is empty');
  const shown = JSON.stringify(text);
  if (!/^[0-9A-Za-z-]+$/.test(text)) refuseVersion(`Invalid character(s) found in prerelease ${shown}`);
  if (/^0\d+$/.test(text)) refuseVersion(`Numeric PreRelease version must not contain leading zeroes ${shown}`);
}

function checkBuild(text: string): void {
  if (text === '') refuseVersion('Build meta data is empty');
  if (!/^[0-9A-Za-z-]+$/.test(text)) {
    refuseVersion(`Invalid character(s) found in build meta data ${JSON.stringify(text)}`);
  }
}

/** In at most three parts: the last one is all the rest. */
function versionParts(text: string): string[] {
  const [major = '', minor, ...rest] = text.split('.');
  if (minor === undefined) return [major];
  return rest.length === 0 ? [major, minor] : [major, minor, rest.join('.')];
}

/** What `text` stands for when a leading `v` is dropped, missing parts are zero, and so are leading zeros. */
function normalizedVersion(text: string): string {
  const parts = versionParts(text.replace(/^v/, '')).map((part) => {
    if (part.length < 2) return part;
    const bare = part.replace(/^0+/, '');
    return /^\d/.test(bare) ? bare : `0${bare}`;
  });
  if (parts.length < 3 && /[+-]/.test(parts.at(-1) ?? '')) {
    refuseVersion('short version cannot contain PreRelease/Build meta data');
  }
  while (parts.length < 3) parts.push('0');
  return parts.join('.');
}

/** @see github.com/blang/semver Parse, k8s.io/apiserver/pkg/cel/library/semverlib.go */
function semver(given: string, normalize = false): SemverValue {
  const text = normalize ? normalizedVersion(given) : given;
  if (text === '') refuseVersion('Version string empty');
  const parts = versionParts(text);
  if (parts.length < 3) refuseVersion('No Major.Minor.Patch elements found');
  const [first = '', second = '', rest = ''] = parts;
  const [major, minor] = [versionNumber(first, 'Major'), versionNumber(second, 'Minor')];
  const plus = rest.indexOf('+');
  const [bare, build] = plus < 0 ? [rest, undefined] : [rest.slice(0, plus), rest.slice(plus + 1).split('.')];
  const dash = bare.indexOf('-');
  const patch = versionNumber(dash < 0 ? bare : bare.slice(0, dash), 'Patch');
  const prerelease = dash < 0 ? [] : bare.slice(dash + 1).split('.');
  for (const part of prerelease) checkPrerelease(part);
  for (const part of build ?? []) checkBuild(part);
  return new SemverValue([major, minor, patch], prerelease);
}

function compareVersions(a: SemverValue, b: SemverValue): bigint {
  for (const [at, part] of a.parts.entries()) {
    const other = b.parts[at] as bigint;
    if (part !== other) return part < other ? -1n : 1n;
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0) {
    return BigInt(Math.sign(b.prerelease.length - a.prerelease.length));
  }
  for (const [at, part] of a.prerelease.entries()) {
    const other = b.prerelease[at];
    if (other === undefined) return 1n;
    if (part === other) continue;
    const [left, right] = [/^\d+$/.test(part), /^\d+$/.test(other)];
    if (left && right) return BigInt(part) < BigInt(other) ? -1n : 1n;
    if (left !== right) return left ? -1n : 1n;
    return part < other ? -1n : 1n;
  }
  return a.prerelease.length < b.prerelease.length ? -1n : 0n;
}

/** The value of a version that stands in an object, such as a device's attribute. */
export const semverValueOf = semver;

const versions: readonly Row[] = [
  row('semver(string): Semver', semver),
  row('semver(string, bool): Semver', semver),
  row('isSemver(string): bool', holds(semver)),
  row('isSemver(string, bool): bool', (text: string, normalize: boolean) =>
    holds((given) => semver(given, normalize))(text),
  ),
  row('Semver->major(): int', ({ parts }: SemverValue) => parts[0]),
  row('Semver->minor(): int', ({ parts }: SemverValue) => parts[1]),
  row('Semver->patch(): int', ({ parts }: SemverValue) => parts[2]),
  row('Semver->compareTo(Semver): int', compareVersions),
  row('Semver->isGreaterThan(Semver): bool', (a: SemverValue, b: SemverValue) => compareVersions(a, b) === 1n),
  row('Semver->isLessThan(Semver): bool', (a: SemverValue, b: SemverValue) => compareVersions(a, b) === -1n),
];

const patches: readonly Row[] = [
  row('jsonpatch.escapeKey(string): string', (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1')),
];

export const kubernetesLibrary: readonly Row[] = [
  ...urls,
  ...regexes,
  ...quantities,
  ...formatRows,
  ...versions,
  ...patches,
];
