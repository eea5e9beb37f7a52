/**
 * The audit log: which requests came, from whom, and how they ended. Off unless there are a policy and somewhere to write to;
 * then the server has no auditor at all and requests pay one comparison. @see staging/src/k8s.io/apiserver/pkg/endpoints/filters/audit.go
 */
import { isIP } from 'node:net';
import type { ApiObject, FailureStatus, KindDefinition, StatusError } from '../../../src/api/index.ts';
import { type ActorContext, type Counter, unpack } from '../../../src/runtime/index.ts';
import { presentedBy } from '../authentication/certificates.ts';
import type { ResourceReference } from '../authorization/types.ts';
import type { Entry } from '../cache/entry.ts';
import { type Answer, type Call, type Credentials, type Identity, namespaceOf } from '../call.ts';
import { goJsonText } from '../http/text.ts';
import { apiVersionOf } from '../kinds.ts';
import { listKindOf } from '../verbs/list.ts';
import {
  type AuditBackend,
  type AuditLogOption,
  type AuditWebhookOption,
  createLogBackend,
  createWebhookBackend,
} from './backends.ts';
import { type AuditRecord, annotate, type ObjectReference, type Outcome, snapshotOf } from './event.ts';
import { auditErrors, createAuditLines } from './lines.ts';
import { type AuditPolicy, type AuditStage, createAuditPolicy, LEVELS, type Verdict } from './policy.ts';

export {
  AUDIT_MODES,
  type AuditBatching,
  type AuditFormat,
  type AuditLogOption,
  type AuditMode,
  type AuditTruncation,
  type AuditWebhookOption,
} from './backends.ts';
export { type AuditRecord, annotate } from './event.ts';
export { type AuditPolicy, LEVELS, STAGES } from './policy.ts';

export interface AuditOptions {
  readonly policy: AuditPolicy;
  readonly log?: AuditLogOption;
  readonly webhook?: AuditWebhookOption;
}

export interface Auditor {
  /** Begins the record of a call whose user is known; undefined when the policy does not want it. */
  begin(call: Call): AuditRecord | undefined;
  /** The same for a path that is no resource. */
  beginPath(request: PathRequest): AuditRecord | undefined;
  /** What the client sent is known: its name, and what the policy wants of it. */
  decoded(record: AuditRecord, call: Call): void;
  /** The call's answer begins: only told of streams. */
  started(record: AuditRecord, code: number): void;
  /** The request is over. */
  completed(record: AuditRecord, code: number, outcome: { answer?: Answer; call?: Call; error?: StatusError }): void;
  /** Somebody came with a credential that does not do. */
  unauthenticated(call: Call): void;
  /**
   * Resolves when what was told of the request so far is written; undefined when it need not wait.
   * @throws AuditRefused when the request must not go on, since it could not be recorded
   */
  settled(record: AuditRecord): Promise<void> | undefined;
  /** Whether answers wait for their records. */
  readonly isBlocking: boolean;
  close(): Promise<void>;
}

/** A request that could not be recorded where it must be. Its answer is a plain text, as upstream's. */
export class AuditRefused extends Error {
  override readonly name = 'AuditRefused';
}

export interface PathRequest {
  readonly auditId: string;
  readonly credentials: Extract<Credentials, { type: 'http' }>;
  readonly user: Identity;
  readonly method: string;
  readonly path: string;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** What it would be about, for the path of a resource that is not here. */
  readonly resource?: ResourceReference | undefined;
}

/** A request that takes longer says in its record for how long it took. */
const SLOW_MS = 500;

export function createAuditor(options: AuditOptions, context: ActorContext): Auditor | undefined {
  const { clock, log, metrics, random } = context;
  const errorsOf = (plugin: string): Counter => auditErrors(metrics, plugin);
  const failedIn = (plugin: string) => {
    const errors = errorsOf(plugin);
    return (error: unknown, count: number) => {
      errors.add(count);
      const text = error instanceof Error ? error.message : String(error);
      log.error('audit events could not be written', { plugin, count, error: text });
    };
  };
  const backends: AuditBackend[] = [
    ...(options.log === undefined ? [] : [createLogBackend(options.log, clock, failedIn('log'))]),
    ...(options.webhook === undefined ? [] : [createWebhookBackend(options.webhook, clock, failedIn('webhook'))]),
  ];
  if (backends.length === 0) return undefined;
  const policyOf = createAuditPolicy(options.policy);
  const lines = createAuditLines(backends, clock, metrics);
  const isBlocking = backends.some((backend) => backend.isBlocking);
  const levels = new Map(
    LEVELS.map((level) => [
      level,
      metrics.counter('apiserver_audit_level_total', 'Counter of policy levels for audit events (1 per request).', {
        level,
      }),
    ]),
  );
  const verdictOf: typeof policyOf = (attributes) => {
    const verdict = policyOf(attributes);
    levels.get(verdict.level)?.add(1);
    return verdict;
  };

  /** `isLast`: nothing of the record changes any more. */
  function tell(record: AuditRecord, stage: AuditStage, nowMs: number, outcome?: Outcome, isLast = false): void {
    if (record.verdict.omitStages.includes(stage)) return;
    if (!isBlocking) {
      lines.write({ record: isLast ? record : snapshotOf(record), stage, nowMs, outcome });
      return;
    }
    lines.writeNow({ record, stage, nowMs, outcome }, (taken, isStrict) => {
      const isFirst = isStrict && stage === 'RequestReceived';
      const written = isFirst ? taken.then((isWritten) => refuseUnless(isWritten, record)) : taken;
      record.pending = record.pending === undefined ? written : Promise.all([record.pending, written]);
    });
  }

  function refuseUnless(isWritten: boolean, record: AuditRecord): void {
    if (isWritten || record.isRefused) return;
    record.isRefused = true;
    // Nothing more is told of it.
    record.completed = true;
    metrics
      .counter(
        'apiserver_audit_requests_rejected_total',
        'Counter of apiserver requests rejected due to an error in audit logging backend.',
      )
      .add(1);
  }

  function begun(verdict: Verdict, request: RecordedRequest): AuditRecord {
    const record: AuditRecord = {
      verdict,
      auditId: request.auditId === '' ? random.uuid() : request.auditId,
      requestUri: request.requestUri,
      verb: request.verb,
      user: request.user,
      sources: sourcesOf(request.credentials),
      userAgent: request.userAgent,
      objectRef: request.objectRef,
      receivedMs: clock.now(),
      impersonatedUser: undefined,
      impersonationConstraint: undefined,
      requestObject: undefined,
      completed: false,
      pending: undefined,
      isRefused: false,
      decision: '',
      // The record goes on to be annotated: it gets annotations of its own.
      annotations: request.annotations === undefined ? undefined : { ...request.annotations },
    };
    return record;
  }

  function beginCall(call: Call, user: Identity): AuditRecord | undefined {
    const { credentials, annotations, verb, kind, name = '' } = call;
    const objectRef = referenceOf(call);
    const { namespace, subresource } = objectRef;
    const { group, plural: resource } = kind;
    const verdict = verdictOf({ user, verb, group, resource, subresource, namespace, name });
    if (verdict.level === 'None') return undefined;
    return begun(verdict, {
      auditId: call.auditId,
      requestUri: credentials.type === 'http' ? credentials.uri : busUri(call),
      verb,
      user,
      credentials,
      userAgent: call.userAgent,
      objectRef,
      annotations,
    });
  }

  return {
    begin(call) {
      const record = beginCall(call, call.user);
      if (record !== undefined) tell(record, 'RequestReceived', record.receivedMs);
      return record;
    },
    beginPath({ auditId, credentials, user, method, path, annotations, resource }) {
      const verb = resource?.verb ?? method.toLowerCase();
      const verdict = verdictOf(resource === undefined ? { ...NOWHERE, user, verb, path } : { ...resource, user });
      if (verdict.level === 'None') return undefined;
      const record = begun(verdict, {
        auditId,
        requestUri: credentials.uri,
        verb,
        user,
        credentials,
        userAgent: String(credentials.headers['user-agent'] ?? ''),
        objectRef: resource === undefined ? undefined : placeOf(resource),
        annotations,
      });
      tell(record, 'RequestReceived', record.receivedMs);
      return record;
    },
    decoded(record, call) {
      const object = call.part ?? call.object;
      if (object === undefined) return;
      const { objectRef, verdict } = record;
      if (objectRef !== undefined) {
        const { name, uid, resourceVersion } = object.metadata ?? {};
        if (objectRef.name === '' && typeof name === 'string') objectRef.name = name;
        if (typeof uid === 'string') objectRef.uid = uid;
        if (typeof resourceVersion === 'string') objectRef.resourceVersion = resourceVersion;
      }
      if (!holdsRequests(verdict)) return;
      record.requestObject = goJsonText(verdict.omitManagedFields ? withoutOwners(object) : object);
    },
    started: (record, code) => tell(record, 'ResponseStarted', clock.now(), codeOutcome(code)),
    completed(record, code, { answer, call, error }) {
      if (record.completed) return;
      record.completed = true;
      const { verdict } = record;
      const nowMs = clock.now();
      const tookMs = nowMs - record.receivedMs;
      // Streams take as long as they are wanted.
      if (tookMs > SLOW_MS && answer?.type !== 'watch' && answer?.type !== 'stream')
        annotate(record, 'apiserver.latency.k8s.io/total', goDuration(tookMs));
      if (call !== undefined && holdsRequests(verdict)) record.requestObject ??= bodyText(call);
      const whole = verdict.level === 'RequestResponse';
      if (error !== undefined) {
        const responseObject = whole ? goJsonText(error.toStatus()) : undefined;
        tell(record, 'ResponseComplete', nowMs, { responseStatus: statusText(error.toStatus()), responseObject }, true);
        return;
      }
      const told = answer?.type === 'object' && answer.object['kind'] === 'Status';
      if (!told && !whole) {
        tell(record, 'ResponseComplete', nowMs, codeOutcome(code), true);
        return;
      }
      const responseStatus = told ? statusText({ ...answer.object, code }) : codeText(code);
      const responseObject =
        whole && answer !== undefined ? responseText(answer, verdict.omitManagedFields) : undefined;
      tell(record, 'ResponseComplete', nowMs, { responseStatus, responseObject }, true);
    },
    unauthenticated(call) {
      const record = beginCall(call, NOBODY);
      if (record === undefined) return;
      const message = attemptedBy(call.credentials);
      const responseStatus = JSON.stringify({ metadata: {}, message, code: 401 });
      tell(record, 'ResponseStarted', clock.now(), { responseStatus }, true);
    },
    isBlocking,
    settled(record) {
      const { pending } = record;
      if (pending === undefined) return undefined;
      record.pending = undefined;
      return pending.then(() => {
        if (record.isRefused) throw new AuditRefused('failed to store audit event');
      });
    },
    async close() {
      lines.flush();
      await Promise.all(backends.map((backend) => backend.close()));
    },
  };
}

const NOWHERE = { group: '', resource: '', subresource: '', namespace: '', name: '' };

function placeOf({ group, version, resource, subresource, namespace, name }: ResourceReference): ObjectReference {
  return { resource, namespace, name, uid: '', apiGroup: group, apiVersion: version, resourceVersion: '', subresource };
}

/** As Go writes a duration: `1.5s`, `2m3s`. */
function goDuration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = `${(ms - minutes * 60_000) / 1000}s`;
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

const NOBODY: Identity = { user: '', groups: [] };

/** What a record is begun with. */
interface RecordedRequest {
  /** Empty: it gets one here. */
  readonly auditId: string;
  readonly requestUri: string;
  readonly verb: string;
  readonly user: Identity;
  readonly credentials: Credentials;
  readonly userAgent: string;
  readonly objectRef: ObjectReference | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

const holdsRequests = ({ level }: Verdict): boolean => level === 'Request' || level === 'RequestResponse';

/** With which credentials somebody tried. @see staging/src/k8s.io/apiserver/pkg/endpoints/filters/audit.go getAuthMethods */
function attemptedBy(credentials: Credentials): string {
  if (credentials.type === 'bus') return 'Authentication failed, no credentials provided';
  const { authorization = '', uri, secure } = credentials;
  const methods = [
    ...(/^basic /i.test(authorization) ? ['basic'] : []),
    ...(/^bearer /i.test(authorization) ? ['bearer'] : []),
    ...(/[?&]access_token=[^&]/.test(uri) ? ['access_token'] : []),
    ...(secure && presentedBy(credentials) !== undefined ? ['x509'] : []),
  ];
  return `Authentication failed, ${methods.length === 0 ? 'no credentials provided' : `attempted: ${methods.join(', ')}`}`;
}

function referenceOf(call: Call): ObjectReference {
  const { kind, name, subresource } = call;
  return {
    resource: kind.plural,
    namespace: namespaceOf(call),
    name: name ?? '',
    uid: '',
    apiGroup: kind.group,
    apiVersion: kind.version,
    resourceVersion: '',
    subresource: subresource?.name ?? '',
  };
}

/** The path that a request over the bus would have had over HTTP. */
function busUri({ kind, namespace, name, subresource, verb, query }: Call): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const place = namespace === undefined ? '' : `/namespaces/${namespace}`;
  const object = name === undefined || (verb === 'create' && subresource === undefined) ? '' : `/${name}`;
  const part = subresource === undefined ? '' : `/${subresource.name}`;
  let parameters = '';
  for (const _name in query) {
    parameters = new URLSearchParams({ ...query }).toString();
    break;
  }
  if (verb === 'watch') parameters += parameters === '' ? 'watch=true' : '&watch=true';
  return `${root}${place}/${kind.plural}${object}${part}${parameters === '' ? '' : `?${parameters}`}`;
}

/** By connection: the address of its other end, as a list. */
const peers = new WeakMap<object, string>();

/** Where a request came from, as JSON: the proxies that it names, then the other end. @see k8s.io/apimachinery/pkg/util/net SourceIPs */
function sourcesOf(credentials: Credentials): string {
  if (credentials.type === 'bus') return '';
  const { headers, socket } = credentials;
  const forwarded = headers['x-forwarded-for'];
  const real = headers['x-real-ip'];
  if (forwarded === undefined && real === undefined) {
    let text = peers.get(socket);
    if (text === undefined) {
      text = listText(addressesOf(socket.remoteAddress));
      peers.set(socket, text);
    }
    return text;
  }
  const sources = addressesOf(...String(forwarded ?? '').split(','));
  for (const address of addressesOf(String(real ?? ''))) if (!sources.includes(address)) sources.push(address);
  for (const address of addressesOf(socket.remoteAddress)) if (sources.at(-1) !== address) sources.push(address);
  return listText(sources);
}

const listText = (items: readonly string[]): string => (items.length === 0 ? '' : JSON.stringify(items));

/** What of it is an address; those of IPv4 as such. */
function addressesOf(...texts: readonly (string | undefined)[]): string[] {
  return texts.flatMap((text) => {
    const address = (text ?? '').trim().replace(/^::ffff:(?=\d+\.)/i, '');
    return isIP(address) === 0 ? [] : [address];
  });
}

const codeText = (code: number): string => `{"metadata":{},"code":${code}}`;
const codeOutcomes = new Map<number, Outcome>();

/** The same object for all requests that ended so. */
function codeOutcome(code: number): Outcome {
  let outcome = codeOutcomes.get(code);
  if (outcome === undefined) {
    outcome = { responseStatus: codeText(code) };
    codeOutcomes.set(code, outcome);
  }
  return outcome;
}

/** The bounded members of a Status. */
function statusText(whole: object): string {
  const { status, message, reason, details, code } = whole as Partial<FailureStatus>;
  return goJsonText({ metadata: {}, status, message, reason, details, code });
}

function withoutOwners(object: ApiObject): ApiObject {
  const { managedFields: _owners, ...metadata } = object.metadata ?? {};
  return { ...object, metadata } as ApiObject;
}

/** Patches and the options of deletions are told of as they came. */
function bodyText({ verb, body }: Call): string | undefined {
  if (body === undefined || !(verb === 'patch' || verb === 'delete' || verb === 'deletecollection')) return undefined;
  const sent = body.form === 'packed' ? unpack(body.bytes) : body.form === 'json' ? jsonOf(body.bytes) : undefined;
  if (sent === undefined) return undefined;
  return goJsonText(
    verb === 'patch' ? sent : { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', ...(sent as object) },
  );
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    // The request was refused for it.
    return undefined;
  }
}

function responseText(answer: Answer, omitManagedFields: boolean): string | undefined {
  const shown = (entry: Entry, kind: KindDefinition) => {
    const view = entry.view(kind);
    return omitManagedFields ? view.object : view.whole;
  };
  switch (answer.type) {
    case 'entry':
      return goJsonText(shown(answer.entry, answer.kind));
    case 'object':
      return goJsonText(answer.object);
    case 'list':
      return goJsonText({
        kind: listKindOf(answer.kind),
        apiVersion: apiVersionOf(answer.kind),
        metadata: { resourceVersion: String(answer.revision) },
        items: answer.entries.map((entry) => shown(entry, answer.kind)),
      });
    default:
      return undefined;
  }
}
