/**
 * Validation of how a CustomResourceDefinition converts between its versions.
 * @see apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go validateCustomResourceConversion
 */
import { X509Certificate } from 'node:crypto';
import { type FieldError, type FieldPath, fieldErrors } from '../field-errors.ts';
import { validateDns1035Label } from '../names.ts';
import { collect } from '../validation/check.ts';
import { checkServiceReference, checkWebhookUrl } from '../validation/service-references.ts';

export interface DefinitionConversion {
  readonly strategy?: string;
  readonly webhook?: {
    readonly clientConfig?: {
      readonly url?: string;
      readonly service?: {
        readonly name?: string;
        readonly namespace?: string;
        readonly path?: string;
        readonly port?: number;
      };
      readonly caBundle?: string;
    };
    readonly conversionReviewVersions?: readonly string[] | null;
  };
}

/** What an update is held against. */
export interface ConversionBefore {
  readonly conversion: DefinitionConversion | undefined;
  readonly isEstablished: boolean;
}

const known = ['v1', 'v1beta1'];

/** `path` is `spec.conversion`; `before` is missing on create. */
export function conversionErrors(
  { strategy, webhook }: DefinitionConversion,
  path: FieldPath,
  before?: ConversionBefore,
): FieldError[] {
  const config = path.child('webhookClientConfig');
  const reviews = path.child('conversionReviewVersions');
  const errors: FieldError[] = [];
  if (!strategy) errors.push(fieldErrors.required(path.child('strategy')));
  else if (strategy !== 'None' && strategy !== 'Webhook')
    errors.push(fieldErrors.notSupported(path.child('strategy'), strategy, ['None', 'Webhook']));
  if (strategy !== 'Webhook') {
    const forbidden = 'should not be set when strategy is not set to Webhook';
    if (webhook?.clientConfig !== undefined) errors.push(fieldErrors.forbidden(config, forbidden));
    if (webhook?.conversionReviewVersions?.length) errors.push(fieldErrors.forbidden(reviews, forbidden));
    return errors;
  }
  const client = webhook?.clientConfig;
  if (client === undefined) errors.push(fieldErrors.required(config, 'required when strategy is set to Webhook'));
  else {
    const { url, service, caBundle } = client;
    if ((url === undefined) === (service === undefined))
      errors.push(fieldErrors.required(config, 'exactly one of url or service is required'));
    else if (url !== undefined) errors.push(...collect((check) => checkWebhookUrl(check, config.child('url'), url)));
    else errors.push(...collect((check) => checkServiceReference(check, config.child('service'), service ?? {})));
    const problem = caBundle && mustHaveCertificates(before) ? bundleProblem(caBundle) : undefined;
    if (problem !== undefined) errors.push(fieldErrors.invalid(config.child('caBundle'), caBundle, problem));
  }
  const versions = webhook?.conversionReviewVersions ?? [];
  const had = before?.conversion?.webhook?.conversionReviewVersions ?? [];
  const recognized = before === undefined || had.length === 0 || had.some((version) => known.includes(version));
  return [...errors, ...reviewVersionErrors(versions, recognized, reviews)];
}

function reviewVersionErrors(versions: readonly string[], recognized: boolean, path: FieldPath): FieldError[] {
  if (versions.length === 0) return [fieldErrors.required(path)];
  const errors: FieldError[] = [];
  for (const [index, version] of versions.entries()) {
    if (versions.indexOf(version) < index)
      errors.push(fieldErrors.invalid(path.index(index), version, 'duplicate version'));
    else
      for (const text of validateDns1035Label(version))
        errors.push(fieldErrors.invalid(path.index(index), version, text));
  }
  if (recognized && !versions.some((version) => known.includes(version)))
    errors.push(fieldErrors.invalid(path, versions, `must include at least one of ${known.join(', ')}`));
  return errors;
}

/** A definition that is in use keeps certificates that can be read, unless they never could. */
function mustHaveCertificates(before: ConversionBefore | undefined): boolean {
  if (before === undefined || !before.isEstablished) return false;
  const had = before.conversion?.webhook?.clientConfig?.caBundle;
  return !had || bundleProblem(had) === undefined;
}

function bundleProblem(bundle: string): string | undefined {
  const text = Buffer.from(bundle, 'base64').toString('latin1');
  const blocks = text.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [];
  try {
    for (const block of blocks) new X509Certificate(block);
  } catch {
    return 'x509: malformed certificate';
  }
  return blocks.length === 0 ? 'data does not contain any valid RSA or ECDSA certificates' : undefined;
}
