/**
 * One request as the audit log tells of it: filled in as the request goes on, and written as one line of JSON at each stage that
 * the policy wants. Lines are put together from pieces, most of which (users, sources, decisions) are the same for many requests
 * and kept as texts: a record costs the request little more than its line.
 */
import type { Identity } from '../call.ts';
import type { AuditStage, Verdict } from './policy.ts';

export interface AuditUser {
  readonly username: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** audit.k8s.io/v1 Event, as it is read back from a log. */
export interface AuditEvent {
  readonly kind: 'Event';
  readonly apiVersion: 'audit.k8s.io/v1';
  readonly level: string;
  readonly auditID: string;
  readonly stage: AuditStage;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: AuditUser;
  readonly impersonatedUser?: AuditUser;
  readonly authenticationMetadata?: { readonly impersonationConstraint: string };
  readonly sourceIPs?: readonly string[];
  readonly userAgent?: string;
  readonly objectRef?: ObjectReference;
  readonly responseStatus?: object;
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What a request is about; empty members are left out. */
export interface ObjectReference {
  readonly resource: string;
  readonly namespace: string;
  name: string;
  uid: string;
  readonly apiGroup: string;
  readonly apiVersion: string;
  resourceVersion: string;
  readonly subresource: string;
}

/** A request that is being recorded. */
export interface AuditRecord {
  readonly verdict: Verdict;
  readonly auditId: string;
  readonly requestUri: string;
  readonly verb: string;
  readonly user: Identity;
  /** JSON of the addresses that it came from; empty for none. */
  readonly sources: string;
  readonly userAgent: string;
  readonly objectRef: ObjectReference | undefined;
  readonly receivedMs: number;
  impersonatedUser: Identity | undefined;
  /** The narrow right by which somebody is impersonated. */
  impersonationConstraint: string | undefined;
  /** JSON of what was sent, where the policy wants it. */
  requestObject: string | undefined;
  /** Set once it is told at this stage, so that nothing is told twice. */
  completed: boolean;
  /** Of back ends that requests wait for: resolves when what was told of this one is written, or failed. */
  pending: Promise<unknown> | undefined;
  /** Its first event could not be written where that is wanted. */
  isRefused: boolean;
  /** What authorization said, as members of the annotations. */
  decision: string;
  annotations: Record<string, string> | undefined;
}

/** What an event says of the outcome, each as JSON. */
export interface Outcome {
  readonly responseStatus: string;
  readonly responseObject?: string | undefined;
}

/** The first value of an annotation stays, as upstream. */
export function annotate(record: AuditRecord, key: string, value: string): void {
  record.annotations ??= {};
  record.annotations[key] ??= value;
}

const DECISIONS_KEPT_MAX = 4096;
const allowances = new Map<string, string>();

/** What authorization said. */
export function noteDecision(record: AuditRecord, allowed: boolean, reason: string): void {
  let text = allowed ? allowances.get(reason) : undefined;
  if (text === undefined) {
    const word = allowed ? 'allow' : 'forbid';
    text = `"authorization.k8s.io/decision":"${word}","authorization.k8s.io/reason":${JSON.stringify(reason)}`;
    if (allowances.size >= DECISIONS_KEPT_MAX) allowances.clear();
    if (allowed) allowances.set(reason, text);
  }
  record.decision = text;
}

let lastSecond = Number.NaN;
let secondText = '';

/** Microseconds, of which a clock of milliseconds knows only the first three digits. */
function microTime(nowMs: number): string {
  const second = Math.floor(nowMs / 1000);
  if (second !== lastSecond) {
    lastSecond = second;
    secondText = new Date(second * 1000).toISOString().slice(0, -4);
  }
  const ms = Math.floor(nowMs) - second * 1000;
  return `${secondText}${ms < 10 ? '00' : ms < 100 ? '0' : ''}${ms}000Z`;
}

const userTexts = new WeakMap<Identity, string>();

/** Identities are never changed, and the same object for many requests of a user. */
function userText(identity: Identity): string {
  let text = userTexts.get(identity);
  if (text === undefined) {
    const { user, uid, groups, extra } = identity;
    text = JSON.stringify({
      ...(user === '' ? {} : { username: user }),
      ...(uid === undefined || uid === '' ? {} : { uid }),
      ...(groups.length === 0 ? {} : { groups }),
      ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
    });
    userTexts.set(identity, text);
  }
  return text;
}

/** Who sent a user's last request, from where and with what: the same for most of them. */
interface Sender {
  readonly sources: string;
  readonly userAgent: string;
  readonly text: string;
}

const senders = new WeakMap<Identity, Sender>();

function senderText({ user, sources, userAgent, impersonatedUser, impersonationConstraint }: AuditRecord): string {
  const known = senders.get(user);
  const isPlain = impersonatedUser === undefined && impersonationConstraint === undefined;
  if (isPlain && known?.sources === sources && known.userAgent === userAgent) return known.text;
  const agent = userAgent.length > USER_AGENT_MAX ? `${userAgent.slice(0, USER_AGENT_MAX)}...TRUNCATED` : userAgent;
  let text = `,"user":${userText(user)}`;
  if (impersonatedUser !== undefined) text += `,"impersonatedUser":${userText(impersonatedUser)}`;
  if (impersonationConstraint !== undefined)
    text += `,"authenticationMetadata":{"impersonationConstraint":${quoted(impersonationConstraint)}}`;
  if (sources !== '') text += `,"sourceIPs":${sources}`;
  if (agent !== '') text += `,"userAgent":${quoted(agent)}`;
  if (isPlain) senders.set(user, { sources, userAgent, text });
  return text;
}

/** Names of objects, kinds and users hardly ever need escapes. */
const quoted = (text: string): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));
const PLAIN = /^[\w .:/?&=%()+,;-]*$/;

function referenceText(reference: ObjectReference): string {
  const { resource, namespace, name, uid, apiGroup, apiVersion, resourceVersion, subresource } = reference;
  let text = `{"resource":${quoted(resource)}`;
  if (namespace !== '') text += `,"namespace":${quoted(namespace)}`;
  if (name !== '') text += `,"name":${quoted(name)}`;
  if (uid !== '') text += `,"uid":${quoted(uid)}`;
  if (apiGroup !== '') text += `,"apiGroup":${quoted(apiGroup)}`;
  if (apiVersion !== '') text += `,"apiVersion":${quoted(apiVersion)}`;
  if (resourceVersion !== '') text += `,"resourceVersion":${quoted(resourceVersion)}`;
  if (subresource !== '') text += `,"subresource":${quoted(subresource)}`;
  return `${text}}`;
}

/** All annotations by their keys' order, as Go writes a map. */
function annotationsText({ decision, annotations }: AuditRecord): string {
  if (annotations === undefined) return decision;
  const all = { ...annotations, ...(JSON.parse(`{${decision}}`) as Record<string, string>) };
  return Object.keys(all)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${JSON.stringify(all[key])}`)
    .join();
}

const USER_AGENT_MAX = 1024;

/** The record as it is now: it goes on to change. */
export function snapshotOf(record: AuditRecord): AuditRecord {
  const { objectRef, annotations } = record;
  return { ...record, objectRef: objectRef && { ...objectRef }, annotations: annotations && { ...annotations } };
}

/** The same record without what was sent, and with a note of that. */
export function truncated(record: AuditRecord): AuditRecord {
  const annotations = { ...record.annotations, 'audit.k8s.io/truncated': 'true' };
  return { ...record, requestObject: undefined, annotations };
}

/** The event of a stage as a line of text. @see staging/src/k8s.io/apiserver/pkg/audit/format.go EventString */
export function legacyLine(record: AuditRecord, stage: AuditStage, outcome: Outcome | undefined): string {
  const { user, impersonatedUser, objectRef, sources, userAgent } = record;
  const listed = (groups: readonly string[]) => groups.map((group) => JSON.stringify(group)).join();
  const addresses = sources === '' ? [] : (JSON.parse(sources) as string[]);
  const status = outcome === undefined ? undefined : (JSON.parse(outcome.responseStatus) as { code?: number });
  const members = {
    id: record.auditId,
    stage,
    ip: addresses[0] ?? '<unknown>',
    method: record.verb,
    user: user.user === '' ? '<none>' : user.user,
    groups: user.user === '' || user.groups.length === 0 ? '<none>' : listed(user.groups),
    as: impersonatedUser?.user ?? '<self>',
    asgroups: impersonatedUser === undefined ? '<lookup>' : listed(impersonatedUser.groups),
    'user-agent': userAgent,
    namespace: objectRef?.namespace || '<none>',
    uri: record.requestUri,
    response: status === undefined ? '<deferred>' : String(status.code ?? 0),
  };
  const texts = Object.entries(members).map(([name, text]) => `${name}=${JSON.stringify(text)}`);
  return `${new Date(record.receivedMs).toISOString()} AUDIT: ${texts.join(' ')}\n`;
}

/** The event of a stage as a line of JSON with its end, its members in upstream's order. */
export function eventLine(record: AuditRecord, stage: AuditStage, nowMs: number, outcome: Outcome | undefined): string {
  const { verdict, objectRef, requestObject } = record;
  let text = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"${verdict.level}","auditID":${quoted(record.auditId)}`;
  text += `,"stage":"${stage}","requestURI":${quoted(record.requestUri)},"verb":${quoted(record.verb)}${senderText(record)}`;
  if (objectRef !== undefined) text += `,"objectRef":${referenceText(objectRef)}`;
  if (outcome !== undefined) text += `,"responseStatus":${outcome.responseStatus}`;
  if (requestObject !== undefined) text += `,"requestObject":${requestObject}`;
  if (outcome?.responseObject !== undefined) text += `,"responseObject":${outcome.responseObject}`;
  text += `,"requestReceivedTimestamp":"${microTime(record.receivedMs)}","stageTimestamp":"${microTime(nowMs)}"`;
  const annotations = annotationsText(record);
  return annotations === '' ? `${text}}\n` : `${text},"annotations":{${annotations}}}\n`;
}
