/**
 * AdmissionReviews: what a webhook is sent, and what it may answer.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/request/admissionreview.go
 */
import type { ApiObject, KindDefinition } from '../../../src/api/index.ts';
import type { Attributes, Operation } from '../admission/plugin.ts';
import { connectionKind } from './connections.ts';
import type { MatchedHook } from './hooks.ts';
import { WebhookCallError } from './https-client.ts';

const GROUP = 'admission.k8s.io';
const KNOWN_VERSIONS = ['v1', 'v1beta1'];

/** The objects as the webhook sees them. */
export interface VersionedObjects {
  readonly object: ApiObject | undefined;
  readonly previous: ApiObject | undefined;
}

/** An answer that was found to be one. */
export interface Verdict {
  readonly allowed: boolean;
  readonly status: Record<string, unknown> | undefined;
  /** Decoded operations of a JSON patch; undefined when there is none. */
  readonly patch: string | undefined;
  readonly auditAnnotations: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

/** The first version of the hook's that is known here. @throws WebhookCallError when there is none */
export function reviewVersionOf({ hook }: MatchedHook): string {
  const version = hook.reviewVersions.find((each) => KNOWN_VERSIONS.includes(each));
  if (version !== undefined) return version;
  throw new WebhookCallError('webhook does not accept known AdmissionReview versions (v1, v1beta1)', 400);
}

export function reviewOf(
  attributes: Attributes,
  matched: Pick<MatchedHook, 'kind'>,
  { object, previous }: VersionedObjects,
  version: string,
  uid: string,
): Record<string, unknown> {
  const { options, dryRun, ...request } = requestOf(attributes, matched);
  return {
    kind: 'AdmissionReview',
    apiVersion: `${GROUP}/${version}`,
    request: { uid, ...request, object: object ?? null, oldObject: previous ?? null, dryRun, options },
  };
}

/** The request as webhooks and expressions see it, without its objects. */
export function requestOf(attributes: Attributes, matched: Pick<MatchedHook, 'kind'>) {
  const { call, kind, subresource, operation } = attributes;
  const { user, uid, groups, extra } = call.user;
  const names = (of: KindDefinition) => ({
    kind: bodyKind(of, subresource, operation),
    resource: { group: of.group, version: of.version, resource: of.plural },
  });
  const [seen, requested] = [names(matched.kind), names(kind)];
  const namespace = namespaceOf(attributes);
  return {
    kind: seen.kind,
    resource: seen.resource,
    ...(subresource === '' ? {} : { subResource: subresource }),
    requestKind: requested.kind,
    requestResource: requested.resource,
    ...(subresource === '' ? {} : { requestSubResource: subresource }),
    ...(attributes.name === '' ? {} : { name: attributes.name }),
    ...(namespace === '' ? {} : { namespace }),
    operation,
    userInfo: {
      ...(user === '' ? {} : { username: user }),
      ...(uid === undefined || uid === '' ? {} : { uid }),
      ...(groups.length === 0 ? {} : { groups }),
      ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
    },
    dryRun: call.dryRun,
    options: optionsOf(attributes),
  };
}

/** The kind of what is sent, which for some subresources is not that of the resource. */
function bodyKind(kind: KindDefinition, subresource: string, operation: Operation) {
  if (operation === 'CONNECT') return connectionKind(kind, subresource);
  const part = subresource === '' ? undefined : kind.subresources?.find(({ name }) => name === subresource);
  return {
    group: part?.kind === undefined ? kind.group : (part.group ?? kind.group),
    version: part?.kind === undefined ? kind.version : (part.version ?? kind.version),
    kind: part?.kind ?? kind.kind,
  };
}

/** Requests for a namespace are, for webhooks, about that namespace. */
export function namespaceOf({ kind, namespace, name }: Attributes): string {
  return kind.group === '' && kind.plural === 'namespaces' ? name : (namespace ?? '');
}

function optionsOf({ operation, call }: Attributes): Record<string, unknown> | null {
  const apiVersion = 'meta.k8s.io/v1';
  const { query } = call;
  const dryRun = call.dryRun ? { dryRun: ['All'] } : {};
  const written = {
    ...dryRun,
    ...(query['fieldManager'] ? { fieldManager: query['fieldManager'] } : {}),
    ...(query['fieldValidation'] ? { fieldValidation: query['fieldValidation'] } : {}),
  };
  if (operation === 'CREATE') return { kind: 'CreateOptions', apiVersion, ...written };
  if (operation === 'UPDATE') return { kind: 'UpdateOptions', apiVersion, ...written };
  if (operation === 'CONNECT') return null;
  const given = Object.entries(call.deleteOptions ?? {}).filter(([, value]) => value !== undefined);
  return { kind: 'DeleteOptions', apiVersion, ...Object.fromEntries(given), ...dryRun };
}

interface Response {
  readonly uid?: unknown;
  readonly allowed?: unknown;
  readonly status?: Record<string, unknown>;
  readonly patch?: unknown;
  readonly patchType?: unknown;
  readonly auditAnnotations?: Readonly<Record<string, string>>;
  readonly warnings?: readonly string[];
}

/** Checks an answer by the rules of its version. @throws WebhookCallError that says what is wrong with it */
export function verdictOf(
  answer: Readonly<Record<string, unknown>>,
  version: string,
  uid: string,
  mutates: boolean,
): Verdict {
  const refuse = (why: string) => new WebhookCallError(why);
  const response = answer['response'] as Response | null | undefined;
  if (response === undefined || response === null) throw refuse('webhook response was absent');
  if (typeof response !== 'object')
    throw refuse('json: cannot unmarshal response into Go struct field AdmissionReview');
  const expected = `${GROUP}/${version}, Kind=AdmissionReview`;
  const found = gvkText(answer);
  const isUnnamed = version === 'v1beta1' && found === '/, Kind=';
  if (version === 'v1' && response.uid !== uid) {
    throw refuse(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`);
  }
  if (found !== expected && !isUnnamed) throw refuse(`expected webhook response of ${expected}, got ${found}`);
  return {
    allowed: response.allowed === true,
    status: response.status,
    patch: patchOf(response, version, mutates),
    auditAnnotations: response.auditAnnotations ?? {},
    warnings: Array.isArray(response.warnings) ? response.warnings.map(String) : [],
  };
}

function gvkText({ apiVersion, kind }: Readonly<Record<string, unknown>>): string {
  const text = typeof apiVersion === 'string' ? apiVersion : '';
  return `${text.includes('/') ? text : `/${text}`}, Kind=${typeof kind === 'string' ? kind : ''}`;
}

function patchOf({ patch, patchType }: Response, version: string, mutates: boolean): string | undefined {
  const hasPatch = typeof patch === 'string' && patch !== '';
  const hasType = patchType !== undefined && patchType !== null;
  if (!mutates) {
    if (version === 'v1' && hasPatch) throw new WebhookCallError('validating webhook may not return response.patch');
    if (version === 'v1' && hasType) throw new WebhookCallError('validating webhook may not return response.patchType');
    return undefined;
  }
  if (version === 'v1') {
    if (hasPatch && !hasType) throw new WebhookCallError('webhook returned response.patch but not response.patchType');
    if (!hasPatch && hasType) throw new WebhookCallError('webhook returned response.patchType but not response.patch');
    if (hasType && patchType === '') throw new WebhookCallError('webhook returned invalid response.patchType of ""');
  }
  if (!hasPatch) return undefined;
  if (hasType && patchType !== 'JSONPatch') {
    throw new WebhookCallError(`unsupported patch type ${JSON.stringify(patchType)}`);
  }
  return Buffer.from(patch, 'base64').toString('utf8');
}
