/**
 * Validation of how a CustomResourceDefinition converts between its versions.
 * @see apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go validateCustomResourceConversion
 */
import { type FieldError, type FieldPath, fieldErrors } from '../field-errors.ts';

export interface DefinitionConversion {
  readonly strategy?: string;
  readonly webhook?: {
    readonly clientConfig?: {
      readonly url?: string;
      readonly service?: { readonly name?: string; readonly namespace?: string };
    };
    readonly conversionReviewVersions?: readonly string[];
  };
}

/** `path` is `spec.conversion`. */
export function conversionErrors({ strategy, webhook }: DefinitionConversion, path: FieldPath): FieldError[] {
  const config = path.child('webhookClientConfig');
  const reviews = path.child('conversionReviewVersions');
  if (!strategy) return [fieldErrors.required(path.child('strategy'))];
  const errors: FieldError[] = [];
  if (strategy !== 'None' && strategy !== 'Webhook')
    errors.push(fieldErrors.notSupported(path.child('strategy'), strategy, ['None', 'Webhook']));
  if (strategy !== 'Webhook') {
    const forbidden = 'should not be set when strategy is not set to Webhook';
    if (webhook?.clientConfig !== undefined) errors.push(fieldErrors.forbidden(config, forbidden));
    if (webhook?.conversionReviewVersions?.length) errors.push(fieldErrors.forbidden(reviews, forbidden));
    return errors;
  }
  const client = webhook?.clientConfig;
  if (client === undefined) errors.push(fieldErrors.required(config, 'required when strategy is set to Webhook'));
  else if ((client.url === undefined) === (client.service === undefined))
    errors.push(fieldErrors.required(config, 'exactly one of url or service is required'));
  else if (client.service !== undefined) {
    const { name, namespace } = client.service;
    if (!name) errors.push(fieldErrors.required(config.child('service', 'name'), 'service name is required'));
    if (!namespace)
      errors.push(fieldErrors.required(config.child('service', 'namespace'), 'service namespace is required'));
  }
  if (!webhook?.conversionReviewVersions?.length) errors.push(fieldErrors.required(reviews));
  return errors;
}
