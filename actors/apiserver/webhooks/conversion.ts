/**
 * Converts custom objects between their versions where their definition names a webhook for it. The stages see objects in the
 * version of the request; what is stored is in the storage version, and each is converted once for each version that is asked for.
 * @see staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go
 */
import { type ApiObject, type Conversion, type KindDefinition, takeManagedFields } from '../../../src/api/index.ts';
import { copyOf, type Entry } from '../cache/entry.ts';
import type { WatchEventType } from '../cache/watch-router.ts';
import type { Answer, Call, WatchSink } from '../call.ts';
import { messageOf, plainError } from '../failures.ts';
import { apiVersionOf } from '../kinds.ts';
import type { Server } from '../server.ts';
import { reviewConversion } from './conversion-review.ts';

/** Objects in one review. */
const BATCH_MAX = 200;

/** Events that may wait for a webhook before their watch is given up. */
const WAITING_EVENTS_MAX = 20_000;

/** The object in the version of `kind`. @throws StatusError 500 when the webhook cannot convert it */
export async function convertObject(object: ApiObject, kind: KindDefinition, server: Server): Promise<ApiObject> {
  const [converted] = await convertAll([object], apiVersionOf(kind), kind, server);
  return settled(converted as ApiObject, kind);
}

/** What is to be written: the object in the storage version. A promise only where a webhook converts. */
export function storedForm(object: ApiObject, kind: KindDefinition, server: Server): ApiObject | Promise<ApiObject> {
  const { conversion } = kind;
  return conversion?.webhook === undefined ? object : convertToStored(object, kind, conversion, server);
}

async function convertToStored(
  object: ApiObject,
  kind: KindDefinition,
  conversion: Conversion,
  server: Server,
): Promise<ApiObject> {
  const [stored] = await convertAll([object], `${kind.group}/${conversion.storedVersion}`, kind, server);
  return stored as ApiObject;
}

/** Before an object is changed: the current one, in the version of the request. */
export function showCurrent(call: Call, server: Server): void | Promise<void> {
  if (call.kind.conversion?.webhook !== undefined) return showPrevious(call, server);
}

async function showPrevious(call: Call, server: Server): Promise<void> {
  const cache = server.cacheOf(call.kind);
  const entry = cache.get(cache.keyOf(call.namespace, call.name as string));
  call.previous = entry === undefined ? undefined : (await showEntries([entry], call.kind, server))[0];
}

/** The answer with its objects in the version of the request. */
export async function showAnswer(call: Call, server: Server): Promise<Answer> {
  const answer = call.answer as Answer;
  if (answer.type === 'entry') {
    const [entry] = await showEntries([answer.entry], answer.kind, server);
    return { ...answer, entry: entry as Entry };
  }
  if (answer.type === 'list') return { ...answer, entries: await showEntries(answer.entries, answer.kind, server) };
  if (answer.type !== 'watch') return answer;
  return { ...answer, open: (sink: WatchSink) => openConverted(sink, answer, server) };
}

async function showEntries(entries: readonly Entry[], kind: KindDefinition, server: Server): Promise<Entry[]> {
  const due = entries.filter((entry) => !entry.hasView(kind));
  for (let from = 0; from < due.length; from += BATCH_MAX) {
    const batch = due.slice(from, from + BATCH_MAX);
    const converted = await convertAll(
      batch.map((entry) => copyOf(entry.whole)),
      apiVersionOf(kind),
      kind,
      server,
    );
    for (const [index, entry] of batch.entries()) {
      const object = settled(converted[index] as ApiObject, kind);
      takeManagedFields(object);
      entry.keepView(kind, object);
    }
  }
  return entries.map((entry) => entry.view(kind));
}

/** The version that an object is in; old ones may not say. */
function versionOf({ apiVersion }: ApiObject, { group, conversion }: KindDefinition): string {
  return apiVersion ?? `${group}/${conversion?.storedVersion}`;
}

async function convertAll(
  objects: readonly ApiObject[],
  wanted: string,
  kind: KindDefinition,
  server: Server,
): Promise<ApiObject[]> {
  const due = objects.filter((object) => versionOf(object, kind) !== wanted);
  const webhook = kind.conversion?.webhook;
  if (due.length === 0 || webhook === undefined) return [...objects];
  const sent = due.map((object) => ({ ...object, kind: kind.kind, apiVersion: versionOf(object, kind) }) as ApiObject);
  const converted = await reviewConversion(sent, wanted, kind, webhook, server);
  let next = 0;
  return objects.map((object) => (versionOf(object, kind) === wanted ? object : (converted[next++] as ApiObject)));
}

/** What a webhook answers with is cut to the version's schema and gets its defaults, like what is read from the store. */
function settled(object: ApiObject, kind: KindDefinition): ApiObject {
  const { metadata } = object;
  const value = (kind.custom?.conform(object).value ?? object) as ApiObject;
  value.metadata = metadata;
  kind.strategy?.defaults?.(value);
  return value;
}

type Step =
  | { readonly type: 'event'; readonly event: WatchEventType; readonly entry: Entry }
  | { readonly type: 'bookmark'; readonly revision: number; readonly endsInitial: boolean }
  | { readonly type: 'flush' }
  | { readonly type: 'end'; readonly status: ApiObject | undefined };

/** Opens a watch whose events go to the sink converted and in their order; what comes while a webhook works waits for it. */
function openConverted(sink: WatchSink, answer: Extract<Answer, { type: 'watch' }>, server: Server): () => void {
  let waiting: Step[] = [];
  let working = false;
  let ended = false;
  const end = (status: ApiObject | undefined) => {
    if (ended) return;
    ended = true;
    waiting = [];
    sink.end(status);
  };
  const work = async () => {
    working = true;
    try {
      while (waiting.length > 0 && !ended) {
        const steps = waiting;
        waiting = [];
        const entries = steps.flatMap((step) => (step.type === 'event' ? [step.entry] : []));
        const shown = await showEntries(entries, answer.kind, server);
        let next = 0;
        for (const step of steps) {
          if (ended) return;
          if (step.type === 'event') sink.event(step.event, shown[next++] as Entry);
          else if (step.type === 'bookmark') sink.bookmark(step.revision, step.endsInitial);
          else if (step.type === 'flush') sink.flush();
          else end(step.status);
        }
      }
    } catch (error) {
      end(plainError(messageOf(error)).toStatus() as unknown as ApiObject);
    } finally {
      working = false;
    }
  };
  const add = (step: Step) => {
    if (ended) return;
    waiting.push(step);
    if (waiting.length > WAITING_EVENTS_MAX)
      end(plainError('too many events wait for conversion').toStatus() as unknown as ApiObject);
    else if (!working) void work();
  };
  const close = answer.open({
    event: (event, entry) => add({ type: 'event', event, entry }),
    bookmark: (revision, endsInitial) => add({ type: 'bookmark', revision, endsInitial }),
    flush: () => add({ type: 'flush' }),
    end: (status) => add({ type: 'end', status }),
  });
  return () => {
    ended = true;
    close();
  };
}
