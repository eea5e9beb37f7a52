/**
 * Rules for names, labels and the like. Each returns upstream's messages, none when the text is fine; validation puts them
 * behind a field's path.
 *
 * @see k8s.io/apimachinery/pkg/util/validation
 */

const lengthMessage = (lengthMax: number): string => `must be no more than ${lengthMax} characters`;

/** A rule's sentence with its examples and expression. */
function patternMessage(sentence: string, pattern: string, ...examples: readonly string[]): string {
  if (examples.length === 0) return `${sentence} (regex used for validation is '${pattern}')`;
  const listed = examples.map((example) => `'${example}', `).join(' or ');
  return `${sentence} (e.g. ${listed}regex used for validation is '${pattern}')`;
}

interface NameRule {
  readonly expression: RegExp;
  readonly message: string;
  readonly lengthMax?: number;
}

function rule(sentence: string, pattern: string, examples: readonly string[], lengthMax?: number): NameRule {
  const message = patternMessage(sentence, pattern, ...examples);
  return { expression: new RegExp(`^(?:${pattern})$`), message, ...(lengthMax === undefined ? {} : { lengthMax }) };
}

function check({ expression, message, lengthMax }: NameRule, text: string): string[] {
  const messages: string[] = [];
  if (lengthMax !== undefined && text.length > lengthMax) messages.push(lengthMessage(lengthMax));
  if (!expression.test(text)) messages.push(message);
  return messages;
}

const labelPattern = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomainPattern = `${labelPattern}(\\.${labelPattern})*`;
const qualifiedPattern = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';

const dnsLabel = rule(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  labelPattern,
  ['my-name', '123-abc'],
  63,
);
const dnsSubdomain = rule(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  subdomainPattern,
  ['example.com'],
  253,
);
const dns1035Label = rule(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  '[a-z]([-a-z0-9]*[a-z0-9])?',
  ['my-name', 'abc-123'],
  63,
);
const wildcardSubdomain = rule(
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  `\\*\\.${subdomainPattern}`,
  ['*.example.com'],
  253,
);
const cIdentifier = rule(
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
  '[A-Za-z_][A-Za-z0-9_]*',
  ['my_name', 'MY_NAME', 'MyName'],
);
const configMapKey = rule(
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  '[-._a-zA-Z0-9]+',
  ['key.name', 'KEY_NAME', 'key-name'],
  253,
);
const httpHeader = rule("a valid HTTP header must consist of alphanumeric characters or '-'", '[-A-Za-z0-9]+', [
  'X-Header-Name',
]);
const percent = rule("a valid percent string must be a numeric string followed by an ending '%'", '[0-9]+%', [
  '1%',
  '93%',
]);
const strictEnvironmentName = rule(
  "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
  '[-._a-zA-Z][-._a-zA-Z0-9]*',
  ['my.env-name', 'MY_ENV.NAME', 'MyEnvName1'],
);

const qualifiedSentence =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const qualifiedExamples = ['MyName', 'my.name', '123-abc'];
const qualifiedExpression = new RegExp(`^(?:${qualifiedPattern})$`);
const qualifiedMessage = patternMessage(qualifiedSentence, qualifiedPattern, ...qualifiedExamples);
const prefixHint = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";

const labelValueExpression = new RegExp(`^(?:(${qualifiedPattern})?)$`);
const labelValueMessage = patternMessage(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  `(${qualifiedPattern})?`,
  'MyValue',
  'my_value',
  '12345',
);

/** DNS-1123 label, at most 63 characters. */
export function validateDnsLabel(text: string): string[] {
  if (dnsLabel.expression.test(text) || !dnsSubdomain.expression.test(text)) return check(dnsLabel, text);
  // A name that would do with its dots allowed is told so, which is shorter than the rule.
  return [...(text.length > 63 ? [lengthMessage(63)] : []), 'must not contain dots'];
}
/** DNS-1123 subdomain, at most 253 characters: the rule for most object names. */
export const validateDnsSubdomain = (text: string): string[] => check(dnsSubdomain, text);
/** DNS-1035 label: begins with a letter. */
export const validateDns1035Label = (text: string): string[] => check(dns1035Label, text);
/** `*.` and a subdomain. */
export const validateWildcardSubdomain = (text: string): string[] => check(wildcardSubdomain, text);
export const validateCIdentifier = (text: string): string[] => check(cIdentifier, text);
export const validateHttpHeaderName = (text: string): string[] => check(httpHeader, text);
export const validatePercent = (text: string): string[] => check(percent, text);

/** `name` or `prefix/name`, as label keys, annotation keys and resource names are. */
export function validateQualifiedName(text: string): string[] {
  if (text.length <= 63 && qualifiedExpression.test(text)) return [];
  const parts = text.split('/');
  if (parts.length > 2) return [`a qualified name ${qualifiedMessage}${prefixHint}`];
  const messages: string[] = [];
  const name = parts.at(-1) ?? '';
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') messages.push('prefix part must be non-empty');
    else messages.push(...validateDnsSubdomain(prefix).map((message) => `prefix part ${message}`));
  }
  if (name === '') messages.push('name part must be non-empty');
  else if (name.length > 63) messages.push(`name part ${lengthMessage(63)}`);
  if (!qualifiedExpression.test(name)) messages.push(`name part ${qualifiedMessage}`);
  return messages;
}

/** Label keys as selectors check them; the same rule as {@link validateQualifiedName} in other words. */
export function validateSelectorKey(text: string): string[] {
  const messages = validateQualifiedName(text);
  if (text.split('/').length > 2) return [`a valid label key ${qualifiedMessage}${prefixHint}`];
  return messages.map((message) =>
    message.replace('characters', 'bytes').replace(/^name part must be no/, 'name part must be no'),
  );
}

/** Label values: empty, or at most 63 characters that begin and end with a letter or digit. */
export function validateLabelValue(text: string): string[] {
  const messages: string[] = [];
  if (text.length > 63) messages.push('must be no more than 63 bytes');
  if (!labelValueExpression.test(text)) messages.push(labelValueMessage);
  return messages;
}

/** Keys of ConfigMaps and Secrets, which become file names. */
export function validateConfigMapKey(text: string): string[] {
  const messages = check(configMapKey, text);
  return [...messages, ...directoryMessages(text)];
}

/** Names of environment variables: printable ASCII but `=`. */
export function validateEnvironmentName(text: string): string[] {
  const sentence = "a valid environment variable name must consist only of printable ASCII characters other than '='";
  if (text === '') return ['environment variable name must be non-empty'];
  return /^[ -<>-~]+$/.test(text) ? [] : [sentence];
}

/** The older, stricter rule for names of environment variables, for which kinds warn. */
export const validateStrictEnvironmentName = (text: string): string[] => [
  ...check(strictEnvironmentName, text),
  ...directoryMessages(text),
];

/** Texts that would leave a directory when they name a file. */
function directoryMessages(text: string): string[] {
  if (text === '.') return ["must not be '.'"];
  if (text === '..') return ["must not be '..'"];
  return text.startsWith('..') ? ["must not start with '..'"] : [];
}

/** Names of ports: at most 15 lower-case letters, digits and single hyphens, with a letter among them. */
export function validatePortName(text: string): string[] {
  const messages: string[] = [];
  if (text.length > 15) messages.push(lengthMessage(15));
  if (!/^[-a-z0-9]+$/.test(text))
    messages.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(text)) messages.push('must contain at least one letter (a-z)');
  if (text.includes('--')) messages.push('must not contain consecutive hyphens');
  if (text.startsWith('-') || text.endsWith('-')) messages.push('must not begin or end with a hyphen');
  return messages;
}

export function validatePortNumber(port: number): string[] {
  return port >= 1 && port <= 65535 ? [] : ['must be between 1 and 65535, inclusive'];
}

/** Names that stand in a URL path: the rule for RBAC kinds. */
export function validatePathSegmentName(text: string): string[] {
  if (text === '.' || text === '..') return [`may not be '${text}'`];
  return ['/', '%'].filter((part) => text.includes(part)).map((part) => `may not contain '${part}'`);
}

/** A generateName's prefix may end in a dash: what follows will make it whole. */
export function maskTrailingDash(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -2)}a` : prefix;
}
