/**
 * CertificateSigningRequests: what is asked for, how it was decided, and the certificate. Each of these is written through an endpoint of
 * its own, and no endpoint may do what another is for.
 * @see pkg/apis/certificates/validation/validation.go
 */
import { X509Certificate } from 'node:crypto';
import { type FieldError, fieldPath } from '../field-errors.ts';
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../generated/types.ts';
import { quote } from '../go-text.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { at, type Check, collect } from './check.ts';
import { internalForm } from './internal-form.ts';
import { unifiedDiff } from './unified-diff.ts';
import { checkSignerName } from './volumes.ts';

const specPath = fieldPath('spec');
const conditionsPath = fieldPath('status', 'conditions');
const secondsMin = 600;
const legacySigner = 'kubernetes.io/legacy-unknown';
const decisions = ['Approved', 'Denied'];
const finalConditions = [...decisions, 'Failed'];
const usages: readonly string[] = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

type Conditions = readonly CertificateSigningRequestCondition[];
const conditionsOf = (request: CertificateSigningRequest | undefined): Conditions => request?.status?.conditions ?? [];
const ofType = (conditions: Conditions, type: string): Conditions => conditions.filter((one) => one.type === type);
const hasRepeated = (values: readonly unknown[]): boolean => new Set(values).size < values.length;

/** What is stored already is tolerated: the rules apply only to what a stored request keeps. */
function checkRequest(
  check: Check,
  request: CertificateSigningRequest,
  previous: CertificateSigningRequest | undefined,
): void {
  const { request: encoded = '', signerName, expirationSeconds } = request.spec ?? {};
  const given = request.spec?.usages ?? [];
  const before = previous?.spec?.usages ?? [];
  const pem = Buffer.from(encoded ?? '', 'base64').toString();
  if (!/-----BEGIN CERTIFICATE REQUEST-----[\s\S]*-----END CERTIFICATE REQUEST-----/.test(pem))
    check.invalid(specPath, 'request', encoded, 'PEM block type must be CERTIFICATE REQUEST');
  if (given.length === 0) check.required(specPath, 'usages');
  const place = at(specPath, 'usages');
  if (before.every((usage) => usages.includes(usage)))
    given.forEach((usage, index) => {
      check.oneOf(place, index, usage, usages);
    });
  if (!hasRepeated(before))
    given.forEach((usage, index) => {
      if (given.indexOf(usage) < index) check.duplicate(place, index, usage);
    });
  if (signerName === legacySigner && previous?.spec?.signerName !== legacySigner)
    check.invalid(specPath, 'signerName', signerName, 'the legacy signerName is not allowed via this API version');
  else checkSignerName(check, specPath, signerName ?? '');
  if (expirationSeconds !== undefined && expirationSeconds < secondsMin)
    check.invalid(
      specPath,
      'expirationSeconds',
      expirationSeconds,
      `may not specify a duration less than ${secondsMin} seconds (10 minutes)`,
    );
  checkConditions(check, conditionsOf(request), conditionsOf(previous));
  checkCertificate(check, request, previous);
}

function checkConditions(check: Check, conditions: Conditions, before: Conditions): void {
  const wasBoth = decisions.every((type) => ofType(before, type).length > 0);
  const wasRepeated = hasRepeated(before.map(({ type }) => type));
  const wasUntyped = before.some(({ type }) => !type);
  const seen = new Set<string>();
  conditions.forEach(({ type = '', status = '' }, index) => {
    const place = at(conditionsPath, index);
    if (type === '' && !wasUntyped) check.required(place, 'type');
    check.requiredOneOf(
      place,
      'status',
      status,
      finalConditions.includes(type) ? ['True'] : ['False', 'True', 'Unknown'],
    );
    const other = decisions.find((decision) => decision !== type);
    if (!wasBoth && decisions.includes(type) && other !== undefined && seen.has(other))
      check.invalid(conditionsPath, '', type, 'Approved and Denied conditions are mutually exclusive');
    if (!wasRepeated && seen.has(type)) check.duplicate(place, 'type', type);
    seen.add(type);
  });
}

function checkCertificate(
  check: Check,
  request: CertificateSigningRequest,
  previous: CertificateSigningRequest | undefined,
): void {
  const certificate = request.status?.certificate ?? '';
  const before = previous?.status?.certificate ?? '';
  if (previous !== undefined && (certificate === before || certificateRefusal(before) !== undefined)) return;
  const refusal = certificateRefusal(certificate);
  if (refusal !== undefined) check.invalid(fieldPath('status'), 'certificate', '<certificate data>', refusal);
}

const block = /-----BEGIN ([^-\n]+)-----\r?\n([\s\S]*?)-----END \1-----/g;

/** Why that is no chain of certificates in PEM (itself in base64); undefined when it is one, or nothing. */
function certificateRefusal(encoded: string): string | undefined {
  if (encoded === '') return undefined;
  let blocks = 0;
  for (const [whole, type = '', body = ''] of Buffer.from(encoded, 'base64').toString().matchAll(block)) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${quote(type)}`;
    if (/^[^\n]*:/.test(body)) return 'no PEM block headers are permitted';
    blocks += 1;
    try {
      new X509Certificate(whole);
    } catch {
      return 'x509: malformed certificate';
    }
  }
  return blocks === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined;
}

/** What each endpoint may change. */
interface Allowed {
  readonly decision?: boolean;
  readonly certificate?: boolean;
}

function updateOf({ decision = false, certificate = false }: Allowed) {
  return (request: CertificateSigningRequest, previous: CertificateSigningRequest): FieldError[] =>
    collect((check) => {
      checkRequest(check, request, previous);
      for (const type of finalConditions)
        if (ofType(conditionsOf(request), type).length < ofType(conditionsOf(previous), type).length)
          check.forbidden(conditionsPath, '', `updates may not remove a condition of type ${quote(type)}`);
      if (!decision) for (const type of decisions) checkUndecided(check, request, previous, type);
      const before = previous.status?.certificate ?? '';
      if ((request.status?.certificate ?? '') === before) return;
      if (!certificate) check.forbidden(fieldPath('status'), 'certificate', 'updates may not set certificate content');
      else if (before !== '')
        check.forbidden(fieldPath('status'), 'certificate', 'updates may not modify existing certificate content');
    });
}

function checkUndecided(
  check: Check,
  request: CertificateSigningRequest,
  previous: CertificateSigningRequest,
  type: string,
): void {
  const before = ofType(conditionsOf(previous), type);
  const now = ofType(conditionsOf(request), type);
  if (now.length > before.length)
    check.forbidden(conditionsPath, '', `updates may not add a condition of type ${quote(type)}`);
  else if (now.length === before.length && !semanticEqual(now, before))
    check.forbidden(
      conditionsPath,
      '',
      `updates may not modify a condition of type ${quote(type)}\n${differenceOf(before, now)}`,
    );
}

/** Lines of both lists, as {@link unifiedDiff} compares them. */
function differenceOf(before: Conditions, now: Conditions): string {
  const lines = (conditions: Conditions): string[] => {
    const form = conditions.map((condition) => internalForm('CertificateCondition', condition));
    return JSON.stringify(form, null, 1).split('\n');
  };
  return unifiedDiff(lines(before), lines(now));
}

export const certificateSigningRequestValidation = strategyOf<CertificateSigningRequest>({
  // Any name that can stand in a path: the rule of this kind asks for nothing.
  validateName: () => [],
  validate: (request: CertificateSigningRequest) => collect((check) => checkRequest(check, request, undefined)),
  validateUpdate: updateOf({}),
  status: { validateUpdate: updateOf({ certificate: true }) },
  subresources: { approval: { validateUpdate: updateOf({ decision: true }) } },
});
