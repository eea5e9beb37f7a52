/** ConversionReviews: what a conversion webhook is sent, and what it may answer. */
import {
  type ApiObject,
  type ConversionWebhook,
  fieldErrorText,
  goTypeName,
  type KindDefinition,
  validateMetadata,
} from '../../../src/api/index.ts';
import { plainError } from '../failures.ts';
import type { Server } from '../server.ts';
import { sameValue } from '../stages/defaulting.ts';
import { WebhookCallError } from './https-client.ts';
import { targetOf } from './targets.ts';

const GROUP = 'apiextensions.k8s.io';
const KNOWN_VERSIONS = ['v1', 'v1beta1'];
const TIMEOUT_MS = 30_000;

interface Response {
  readonly uid?: string;
  readonly result?: { readonly status?: string; readonly message?: string };
  readonly convertedObjects?: readonly unknown[];
}

/** The objects in the wanted version. Their metadata stays as it was, but for labels and annotations. @throws StatusError 500 */
export async function reviewConversion(
  objects: readonly ApiObject[],
  desiredAPIVersion: string,
  kind: KindDefinition,
  webhook: ConversionWebhook,
  server: Server,
): Promise<ApiObject[]> {
  const { clientConfig, conversionReviewVersions } = webhook;
  const version = conversionReviewVersions.find((each) => KNOWN_VERSIONS.includes(each));
  if (version === undefined) throw plainError('no supported conversion review versions');
  const [{ apiVersion }] = objects as [ApiObject];
  const about = `conversion webhook for ${apiVersion}, Kind=${kind.kind}`;
  const uid = server.context.random.uuid();
  let converted: readonly unknown[];
  try {
    const review = {
      kind: 'ConversionReview',
      apiVersion: `${GROUP}/${version}`,
      request: { uid, desiredAPIVersion, objects },
    };
    const answer = await server.webhooks.post(targetOf(clientConfig, undefined, server), review, TIMEOUT_MS);
    converted = convertedObjects(answer, version, uid);
  } catch (error) {
    throw error instanceof WebhookCallError ? plainError(`${about} failed: ${error.message}`) : error;
  }
  if (converted.length !== objects.length) {
    throw plainError(`${about} returned ${converted.length} objects, expected ${objects.length}`);
  }
  return objects.map((original, index) => checked(original, converted[index], desiredAPIVersion, about));
}

function convertedObjects(answer: Readonly<Record<string, unknown>>, version: string, uid: string): readonly unknown[] {
  const response = answer['response'] as Response | null | undefined;
  const expected = `${GROUP}/${version}`;
  // Reviews of the older version were never held to say what they are.
  if (version === 'v1' && (answer['apiVersion'] !== expected || answer['kind'] !== 'ConversionReview')) {
    const found = String(answer['apiVersion'] ?? '/');
    const text = `${found}, Kind=${String(answer['kind'] ?? '')}`;
    throw new WebhookCallError(`expected webhook response of ${expected}, Kind=ConversionReview, got ${text}`);
  }
  if (response === undefined || response === null) throw new WebhookCallError('no response provided');
  if (version === 'v1' && response.uid !== uid) {
    throw new WebhookCallError(
      `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`,
    );
  }
  const { status = '', message = '' } = response.result ?? {};
  if (status !== 'Success') {
    throw new WebhookCallError(message === '' ? `response.result.status was '${status}', not 'Success'` : message);
  }
  return response.convertedObjects ?? [];
}

/** @throws StatusError 500 for what is no conversion of the original */
function checked(original: ApiObject, value: unknown, wanted: string, about: string): ApiObject {
  const refuse = (why: string) => plainError(`${about} returned invalid object: ${why}`);
  const at = (why: string) => plainError(`${about} returned invalid object at index 0: ${why}`);
  if (typeof value !== 'object' || value === null) throw at('it is no object');
  const converted = value as ApiObject;
  if (!converted.kind) throw plainError(`Object 'Kind' is missing in '${JSON.stringify(value)}'`);
  if (converted.apiVersion !== wanted) {
    throw at(`invalid groupVersion (expected ${wanted}, received ${converted.apiVersion ?? ''})`);
  }
  if (converted.kind !== original.kind) {
    throw at(`invalid kind (expected ${original.kind}, received ${converted.kind ?? ''})`);
  }
  const metadata: unknown = converted.metadata;
  const same = ['name', 'namespace', 'uid'] as const;
  for (const field of same) {
    const [before, now] = [original.metadata[field] ?? '', textOf((metadata as Loose | undefined)?.[field])];
    const shown = field === 'uid' ? 'UID' : field;
    if (!sameValue(before, now)) throw refuse(`must have the same ${shown}: ${before} != ${now}`);
  }
  return { ...converted, metadata: restored(original, converted, about) };
}

type Loose = Readonly<Record<string, unknown>>;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The original's metadata with the labels and annotations of the converted object. */
function restored(original: ApiObject, converted: ApiObject, about: string): ApiObject['metadata'] {
  const refuse = (why: string) => plainError(`${about} returned invalid metadata: ${why}`);
  const metadata: ApiObject['metadata'] = { ...original.metadata };
  for (const field of ['labels', 'annotations'] as const) {
    const given: unknown = converted.metadata[field];
    if (given === undefined || given === null) {
      metadata[field] = undefined as never;
      continue;
    }
    if (typeof given !== 'object' || Array.isArray(given))
      throw refuse(`invalid metadata.${field} of type ${goTypeName(given)} in converted object`);
    const bad = Object.entries(given).find(([, value]) => typeof value !== 'string');
    if (bad !== undefined)
      throw refuse(`metadata.${field}[${bad[0]}] must be a string, but is ${goTypeName(bad[1])} in converted object`);
    if (!sameValue(given, metadata[field])) {
      const errors = validateMetadata({ [field]: given }, false);
      // Upstream's path of annotations is in the singular here.
      const texts = [...new Set(errors.map(fieldErrorText))].map((text) =>
        text.replace(/^metadata\.annotations/, 'metadata.annotation'),
      );
      if (texts.length > 0) throw refuse(texts.length === 1 ? (texts[0] as string) : `[${texts.join(', ')}]`);
    }
    metadata[field] = given as never;
  }
  return metadata;
}
