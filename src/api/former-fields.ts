/**
 * Annotations that were fields before apps/v1. Internally they still are: what is no number cannot be converted, and so not be
 * decoded. Decoding calls this for every object of a kind; only two kinds have such an annotation.
 *
 * @see pkg/apis/apps/v1/conversion.go
 */
import { parseInt64 } from './integers.ts';

export const rollbackAnnotation = 'deprecated.deployment.rollback.to';
export const templateGenerationAnnotation = 'deprecated.daemonset.template.generation';

/** Why an object of apps/v1 cannot be converted, if it cannot. */
export function conversionError(kind: string, object: object): string | undefined {
  const name =
    kind === 'Deployment' ? rollbackAnnotation : kind === 'DaemonSet' ? templateGenerationAnnotation : undefined;
  if (name === undefined) return undefined;
  const { metadata } = object as { metadata?: { annotations?: Readonly<Record<string, string>> } };
  const text = metadata?.annotations?.[name];
  if (text === undefined || (text === '' && name === rollbackAnnotation)) return undefined;
  const parsed = parseInt64(text);
  if (!('error' in parsed)) return undefined;
  return name === rollbackAnnotation
    ? `failed to parse annotation[${name}]=${text} as int64: ${parsed.error}`
    : parsed.error;
}
