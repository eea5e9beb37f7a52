/**
 * Reports what a component did as Event objects, in upstream's two forms: v1 Events with counts (controllers, kubelets) and
 * events.k8s.io Events with series (the scheduler). Never blocks and never throws: writes happen behind it in an EventSink.
 *
 * @see client-go/tools/record/event.go
 * @see client-go/tools/events/event_recorder.go
 */
import { type EventsV1Event, formatMicroTime, formatTime, isNotFound, type ObjectReference } from '../api/index.ts';
import type { ActorContext, Random } from '../runtime/index.ts';
import { EventCorrelator, type EventObject, remember } from './event-correlator.ts';
import { EventSink, type EventSinkOptions, type EventWrite } from './event-sink.ts';
import { coreEvents, events } from './resources.ts';
import type { Client, KubernetesObject } from './types.ts';

export interface EventExtras {
  /** Such as `spec.containers{web}`: which part of the object the event is about. */
  readonly fieldPath?: string;
  readonly related?: KubernetesObject | ObjectReference;
  /** What was done, for events.k8s.io; default the reason. */
  readonly action?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Writes a v1 Event so much later (its timestamps stay): for news that people expect to read after that of others. */
  readonly delayMs?: number;
}

export interface EventRecorder {
  /** `regarding` is an object with apiVersion, kind and metadata, or a reference to one. */
  event(
    regarding: KubernetesObject | ObjectReference,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    extras?: EventExtras,
  ): void;
}

export interface EventRecorderOptions extends EventSinkOptions {
  /** Such as `deployment-controller`; stands in source.component and reportingComponent. */
  readonly component: string;
  /** Host name, for kubelets: source.host and reportingInstance. */
  readonly host?: string;
  /** Writes them, together with those of other recorders; default: a sink of its own. */
  readonly sink?: EventSink;
}

/** v1 Events: deduplicated by count, combined and rate-limited per object. */
export function createEventRecorder(
  client: Client,
  context: ActorContext,
  options: EventRecorderOptions,
): EventRecorder {
  const sink = options.sink ?? new EventSink(context, options);
  const correlator = new EventCorrelator();
  const stampOf = risingNanoseconds(context.random);
  const inOrder = oneAtATime();
  const { component, host } = options;
  return {
    event(regarding, type, reason, message, extras = {}) {
      const nowMs = context.clock.now();
      const time = formatTime(nowMs);
      const reference = referenceTo(regarding, extras.fieldPath);
      const namespace = reference.namespace || 'default';
      const event: EventObject = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: eventName(reference.name ?? '', stampOf(nowMs)), namespace },
        involvedObject: reference,
        reason,
        message,
        source: host === undefined ? { component } : { component, host },
        firstTimestamp: time,
        lastTimestamp: time,
        count: 1,
        type,
        reportingComponent: component,
        reportingInstance: host ?? '',
      };
      // Not spread: that would cost more than all of the above, and hardly an event has any of these.
      if (extras.annotations !== undefined) event.metadata.annotations = { ...extras.annotations };
      if (extras.related !== undefined) event.related = referenceTo(extras.related);
      if (extras.action !== undefined) event.action = extras.action;
      const verdict = correlator.correlate(event, nowMs);
      if (verdict === 'drop') return;
      const write = () =>
        inOrder(event.metadata.name, () =>
          verdict === 'create' ? client.create(coreEvents, event, { quiet: true }) : raiseCount(client, event),
        );
      if (extras.delayMs === undefined) sink.push(write);
      else context.clock.after(extras.delayMs, () => sink.push(write));
    },
  };
}

/** Writes of one event follow each other: a count that is raised before its event is written would be lost. */
function oneAtATime(): (name: string, write: EventWrite) => Promise<unknown> {
  const latest = new Map<string, Promise<unknown>>();
  return (name, write) => {
    const before = latest.get(name);
    const written = before === undefined ? write() : before.then(write, write);
    latest.set(name, written);
    const forget = () => {
      if (latest.get(name) === written) latest.delete(name);
    };
    written.then(forget, forget);
    return written;
  };
}

async function raiseCount(client: Client, event: EventObject): Promise<void> {
  const { count, lastTimestamp, message } = event;
  const { namespace, name } = event.metadata;
  const key = { namespace, name };
  try {
    await client.patch(coreEvents, key, 'strategic', { count, lastTimestamp, message }, { quiet: true });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await client.create(coreEvents, event, { quiet: true });
  }
}

interface Series {
  readonly key: { readonly namespace: string; readonly name: string };
  /** As it was written first. */
  readonly event: EventsV1Event;
  count: number;
  lastMs: number;
  writtenCount: number;
}

/** An event that has expired in the meantime is written anew. */
async function continueSeries(client: Client, { key, event }: Series, patch: Pick<EventsV1Event, 'series'>) {
  try {
    await client.patch(events, key, 'strategic', patch, { quiet: true });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await client.create(events, { ...event, ...patch }, { quiet: true });
  }
}

/** A series without a new event for this long is over. */
const seriesEndMs = 360_000;

/**
 * events.k8s.io Events: an event that repeats becomes a series; its second occurrence is written at once, later ones when
 * the series ends or after half an hour.
 */
export function createSeriesRecorder(
  client: Client,
  context: ActorContext,
  options: EventRecorderOptions,
): EventRecorder {
  const sink = options.sink ?? new EventSink(context, options);
  const { clock, random } = context;
  const { component, host } = options;
  const inOrder = oneAtATime();
  const seriesByKey = new Map<string, Series>();
  const stampOf = risingNanoseconds(random);
  const writeSeries = (series: Series) => {
    series.writtenCount = series.count;
    const patch = { series: { count: series.count, lastObservedTime: formatMicroTime(series.lastMs) } };
    sink.push(() => inOrder(series.key.name, () => continueSeries(client, series, patch)));
  };
  const sweep = () => {
    const nowMs = clock.now();
    for (const [key, series] of seriesByKey) {
      const over = nowMs - series.lastMs > seriesEndMs;
      if (over) seriesByKey.delete(key);
      if (series.count > 1 && series.writtenCount !== series.count && over) writeSeries(series);
    }
  };
  const timers = [clock.every(seriesEndMs, sweep, { background: true })];
  const refresh = () => {
    for (const series of seriesByKey.values()) if (series.writtenCount !== series.count) writeSeries(series);
  };
  timers.push(clock.every(1_800_000, refresh, { background: true }));
  const stop = () => {
    for (const timer of timers) timer.cancel();
  };
  context.signal.addEventListener('abort', stop, { once: true });
  return {
    event(regarding, type, reason, message, extras = {}) {
      const nowMs = clock.now();
      const reference = referenceTo(regarding, extras.fieldPath);
      const related = extras.related === undefined ? undefined : referenceTo(extras.related);
      const action = extras.action ?? reason;
      // As upstream, what is said of an object that has changed since is a new event. So is another note: it goes into the
      // object's status as well, and comes sooner here than that write comes back.
      const { kind, namespace: place, name: object, uid, fieldPath, resourceVersion } = reference;
      const about = [kind, place, object, uid, fieldPath, resourceVersion, message];
      const key = [type, action, reason, ...about, related?.kind, related?.namespace, related?.name].join('\u0000');
      const series = seriesByKey.get(key);
      if (series !== undefined && nowMs - series.lastMs < seriesEndMs) {
        series.count++;
        series.lastMs = nowMs;
        if (series.count === 2) writeSeries(series);
        return;
      }
      const namespace = reference.namespace || 'default';
      const name = eventName(reference.name ?? '', stampOf(nowMs));
      const event: EventsV1Event = {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name, namespace },
        eventTime: formatMicroTime(nowMs),
        reportingController: component,
        reportingInstance: `${component}-${host ?? 'kubehive'}`,
        action,
        reason,
        regarding: reference,
        note: message,
        type,
      };
      if (related !== undefined) event.related = related;
      remember(seriesByKey, key, { key: { namespace, name }, event, count: 1, lastMs: nowMs, writtenCount: 1 });
      sink.push(() => inOrder(name, () => client.create(events, event, { quiet: true })));
    },
  };
}

/** The reference that upstream makes of an object: kind, names, uid, apiVersion and resourceVersion. */
export function referenceTo(regarding: KubernetesObject | ObjectReference, fieldPath?: string): ObjectReference {
  const reference: ObjectReference = {};
  if ('metadata' in regarding) {
    const { kind, apiVersion } = regarding;
    const { namespace, name, uid, resourceVersion } = regarding.metadata ?? {};
    if (isSaid(kind)) reference.kind = kind;
    if (isSaid(namespace)) reference.namespace = namespace;
    if (isSaid(name)) reference.name = name;
    if (isSaid(uid)) reference.uid = uid;
    if (isSaid(apiVersion)) reference.apiVersion = apiVersion;
    if (isSaid(resourceVersion)) reference.resourceVersion = resourceVersion;
  } else Object.assign(reference, regarding);
  if (isSaid(fieldPath)) reference.fieldPath = fieldPath;
  return reference;
}

const isSaid = (text: string | undefined): text is string => text !== undefined && text !== '';

/** `<object>.<hexadecimal nanoseconds>`. */
function eventName(object: string, nanoseconds: bigint): string {
  return `${object}.${nanoseconds.toString(16)}`;
}

/** Times in nanoseconds that never repeat and never go back: events of one millisecond keep their order by name. */
function risingNanoseconds(random: Random): (nowMs: number) => bigint {
  let last = 0n;
  return (nowMs) => {
    const now = BigInt(Math.trunc(nowMs)) * 1_000_000n;
    last = (now > last ? now : last) + BigInt(1 + random.integer(10_000));
    return last;
  };
}
