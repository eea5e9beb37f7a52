/**
 * The audit log: which requests came, from whom, and how they ended. Off unless there are a policy and somewhere to write to;
 * then the server has no auditor at all and requests pay one comparison. @see staging/src/k8s.io/apiserver/pkg/endpoints/filters/audit.go
 */
import type { ApiObject, KindDefinition, StatusError } from '../../../src/api/index.ts';
import type { ActorContext, Counter } from '../../../src/runtime/index.ts';
import { ANONYMOUS } from '../authentication/types.ts';
import type { Entry } from '../cache/entry.ts';
import { type Answer, type Call, type Credentials, type Identity, scopeOf } from '../call.ts';
import { apiVersionOf } from '../kinds.ts';
import { listKindOf } from '../verbs/list.ts';
import {
  type AuditBackend,
  type AuditLogOption,
  type AuditWebhookOption,
  createLogBackend,
  createWebhookBackend,
} from './backends.ts';
import { type AuditEvent, type AuditRecord, auditUser, microTime } from './event.ts';
import { type AuditAttributes, type AuditPolicy, type AuditStage, createAuditPolicy } from './policy.ts';

export type { AuditLogOption, AuditWebhookOption } from './backends.ts';
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
  /** The call's answer begins: only told of streams. */
  started(record: AuditRecord, code: number): void;
  /** The request is over. */
  completed(record: AuditRecord, code: number, outcome: { answer?: Answer; call?: Call; error?: StatusError }): void;
  /** Somebody came with a credential that does not do. */
  unauthenticated(call: Call): void;
  close(): Promise<void>;
}

export interface PathRequest {
  readonly auditId: string;
  readonly credentials: Extract<Credentials, { type: 'http' }>;
  readonly user: Identity;
  readonly method: string;
  readonly path: string;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

export function createAuditor(options: AuditOptions, context: ActorContext): Auditor | undefined {
  const { clock, log, metrics, random } = context;
  const failed = (error: unknown, count: number) =>
    log.error('audit events could not be written', {
      count,
      error: error instanceof Error ? error.message : String(error),
    });
  const backends: AuditBackend[] = [
    ...(options.log === undefined ? [] : [createLogBackend(options.log, clock, failed)]),
    ...(options.webhook === undefined ? [] : [createWebhookBackend(options.webhook, clock, failed)]),
  ];
  if (backends.length === 0) return undefined;
  const verdictOf = createAuditPolicy(options.policy);
  const total = metrics.counter(
    'apiserver_audit_event_total',
    'Counter of audit events generated and sent to the audit backend.',
  );
  const dropped: readonly Counter[] = backends.map(({ name }) =>
    metrics.counter(
      'apiserver_audit_error_total',
      'Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the error.',
      { plugin: name },
    ),
  );

  function tell(record: AuditRecord, stage: AuditStage, more: Partial<AuditEvent> = {}): void {
    if (record.verdict.omitStages.includes(stage)) return;
    const { impersonatedUser, objectRef, annotations, sourceIps, requestObject } = record;
    const event: AuditEvent = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: record.verdict.level,
      auditID: record.auditId,
      stage,
      requestURI: record.requestUri,
      verb: record.verb,
      user: auditUser(record.user),
      ...(impersonatedUser === undefined ? {} : { impersonatedUser: auditUser(impersonatedUser) }),
      ...(sourceIps.length === 0 ? {} : { sourceIPs: sourceIps }),
      userAgent: record.userAgent,
      ...(objectRef === undefined ? {} : { objectRef }),
      ...(requestObject === undefined || record.verdict.level === 'Metadata' ? {} : { requestObject }),
      ...more,
      requestReceivedTimestamp: microTime(record.receivedMs),
      stageTimestamp: microTime(clock.now()),
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
    };
    total.add(1);
    backends.forEach((backend, index) => {
      if (!backend.write(event)) dropped[index]?.add(1);
    });
  }

  function beginWith(
    attributes: AuditAttributes,
    make: (receivedMs: number) => Omit<AuditRecord, 'verdict' | 'receivedMs'>,
  ): AuditRecord | undefined {
    const verdict = verdictOf(attributes);
    if (verdict.level === 'None') return undefined;
    const receivedMs = clock.now();
    const record: AuditRecord = { verdict, receivedMs, ...make(receivedMs) };
    tell(record, 'RequestReceived');
    return record;
  }

  function begin(call: Call, user = call.user): AuditRecord | undefined {
    return beginWith(attributesOf(call, user), () => ({
      auditId: call.auditId === '' ? random.uuid() : call.auditId,
      requestUri: call.credentials.type === 'http' ? call.credentials.uri : busUri(call),
      verb: call.verb,
      user,
      sourceIps: sourcesOf(call.credentials),
      userAgent: call.userAgent,
      objectRef: referenceOf(call),
      ...annotated(call.annotations),
    }));
  }

  return {
    begin,
    beginPath({ auditId, credentials, user, method, path, annotations }) {
      const verb = method.toLowerCase();
      const attributes = { user, verb, path, group: '', resource: '', subresource: '', namespace: '', name: '' };
      return beginWith(attributes, () => ({
        auditId,
        requestUri: credentials.uri,
        verb,
        user,
        sourceIps: sourcesOf(credentials),
        userAgent: String(credentials.headers['user-agent'] ?? ''),
        objectRef: undefined,
        ...annotated(annotations),
      }));
    },
    started: (record, code) => tell(record, 'ResponseStarted', { responseStatus: { metadata: {}, code } }),
    completed(record, code, { answer, call, error }) {
      if (record.completed) return;
      record.completed = true;
      const { verdict } = record;
      if (
        call !== undefined &&
        call.object !== undefined &&
        (verdict.level === 'Request' || verdict.level === 'RequestResponse')
      ) {
        record.requestObject = requestObjectOf(call, verdict.omitManagedFields);
      }
      if (record.objectRef !== undefined && record.objectRef['name'] === undefined && call?.name !== undefined) {
        record.objectRef = { ...record.objectRef, name: call.name };
      }
      const whole = verdict.level === 'RequestResponse' && answer !== undefined;
      const responseObject = whole ? responseObjectOf(answer, verdict.omitManagedFields) : error?.toStatus();
      tell(record, 'ResponseComplete', {
        responseStatus: error === undefined ? { metadata: {}, code } : statusOf(error),
        ...(responseObject === undefined || verdict.level !== 'RequestResponse' ? {} : { responseObject }),
      });
    },
    unauthenticated(call) {
      const record = begin(call, { ...ANONYMOUS, user: '', groups: [] });
      if (record === undefined) return;
      const { credentials } = call;
      const authorization = credentials.type === 'http' ? credentials.authorization : undefined;
      const attempted = /^bearer /i.test(authorization ?? '')
        ? 'bearer'
        : /^basic /i.test(authorization ?? '')
          ? 'basic'
          : 'x509';
      tell(record, 'ResponseStarted', {
        responseStatus: { metadata: {}, message: `Authentication failed, attempted: ${attempted}`, code: 401 },
      });
    },
    async close() {
      await Promise.all(backends.map((backend) => backend.close()));
    },
  };
}

/** The record goes on to be annotated: it gets annotations of its own. */
function annotated(annotations: Readonly<Record<string, string>> | undefined): Pick<AuditRecord, 'annotations'> {
  return annotations === undefined ? {} : { annotations: { ...annotations } };
}

function attributesOf(call: Call, user: Identity): AuditAttributes {
  return { user, ...scopeOf(call), name: call.name ?? '' };
}

function referenceOf({ kind, namespace, name, subresource }: Call): Record<string, string> {
  return {
    resource: kind.plural,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(kind.group === '' ? {} : { apiGroup: kind.group }),
    apiVersion: kind.version,
    ...(subresource === undefined ? {} : { subresource: subresource.name }),
  };
}

/** The path that a request over the bus would have had over HTTP. */
function busUri({ kind, namespace, name, subresource, verb, query }: Call): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const place = namespace === undefined ? '' : `/namespaces/${namespace}`;
  const object = name === undefined || (verb === 'create' && subresource === undefined) ? '' : `/${name}`;
  const part = subresource === undefined ? '' : `/${subresource.name}`;
  const parameters = new URLSearchParams({ ...query, ...(verb === 'watch' ? { watch: 'true' } : {}) }).toString();
  return `${root}${place}/${kind.plural}${object}${part}${parameters === '' ? '' : `?${parameters}`}`;
}

function sourcesOf(credentials: Credentials): string[] {
  if (credentials.type === 'bus') return [];
  const forwarded = credentials.headers['x-forwarded-for'];
  const real = credentials.headers['x-real-ip'];
  const listed = typeof forwarded === 'string' ? forwarded.split(',').map((text) => text.trim()) : [];
  const peer = credentials.socket.remoteAddress;
  return [...new Set([...listed, ...(typeof real === 'string' ? [real] : []), ...(peer === undefined ? [] : [peer])])];
}

function statusOf(error: StatusError): object {
  const { status, message, reason, details, code } = error.toStatus();
  return { metadata: {}, status, message, reason, details, code };
}

function withoutOwners(object: ApiObject): ApiObject {
  const { managedFields: _owners, ...metadata } = object.metadata ?? {};
  return { ...object, metadata } as ApiObject;
}

function requestObjectOf(call: Call, omitManagedFields: boolean): ApiObject {
  // Copied as it is now: later stages of later attempts change objects in place.
  const object = call.part ?? (call.object as ApiObject);
  return JSON.parse(JSON.stringify(omitManagedFields ? withoutOwners(object) : object)) as ApiObject;
}

function responseObjectOf(answer: Answer, omitManagedFields: boolean): unknown {
  const shown = (entry: Entry, kind: KindDefinition) => {
    const view = entry.view(kind);
    return omitManagedFields ? view.object : view.whole;
  };
  switch (answer.type) {
    case 'entry':
      return shown(answer.entry, answer.kind);
    case 'object':
      return answer.object;
    case 'list':
      return {
        kind: listKindOf(answer.kind),
        apiVersion: apiVersionOf(answer.kind),
        metadata: { resourceVersion: String(answer.revision) },
        items: answer.entries.map((entry) => shown(entry, answer.kind)),
      };
    default:
      return undefined;
  }
}
