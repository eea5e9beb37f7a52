/**
 * Events, in the stored form of the core group. What comes by `events.k8s.io` is held to stricter rules than what comes by the core group.
 * @see pkg/apis/core/validation/events.go
 */
import { fieldPath } from '../field-errors.ts';
import type { Event } from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import type { StrategyContext } from '../kinds/types.ts';
import { validateDnsSubdomain } from '../names.ts';
import { type Check, collect, immutableField } from './check.ts';
import { internalForm } from './internal-form.ts';

/** Of the reporting instance, action and reason. */
const textMax = 128;
const messageMax = 1024;
const needsUnset = 'needs to be unset';

const isStrict = ({ requestGroup }: StrategyContext): boolean => requestGroup === 'events.k8s.io';

/** What holds for events of both groups. */
function checkLegacy(check: Check, event: Event, strict: boolean): void {
  const namespace = event.metadata?.namespace ?? '';
  const involved = event.involvedObject?.namespace ?? '';
  const fits = event.eventTime
    ? involved !== '' || namespace === 'default' || namespace === 'kube-system'
    : involved === ''
      ? namespace === '' || namespace === 'default'
      : involved === namespace;
  if (!fits) check.invalid(fieldPath('involvedObject'), 'namespace', involved, 'does not match event.namespace');
  if (event.eventTime) checkReport(check, event, strict ? 'reportingController' : 'reportingComponent');
  check.all(undefined, 'namespace', namespace, validateDnsSubdomain(namespace));
}

/** What events say that have a time of their own. */
function checkReport(check: Check, event: Event, controllerField: string): void {
  const controller = event.reportingComponent ?? '';
  check.present(undefined, controllerField, controller);
  check.qualifiedName(undefined, controllerField, controller);
  for (const field of ['reportingInstance', 'action', 'reason'] as const) {
    const text = event[field] ?? '';
    check.present(undefined, field, text);
    checkLength(check, field, text, textMax);
  }
  checkLength(check, 'message', event.message ?? '', messageMax);
}

function checkLength(check: Check, field: string, text: string, bytesMax: number): void {
  if (Buffer.byteLength(text) > bytesMax)
    check.invalid(undefined, field, '', `can have at most ${bytesMax} characters`);
}

function checkSeries(check: Check, { series }: Event): void {
  if (!series) return;
  if ((series.count ?? 0) < 2) check.invalid(undefined, 'series.count', '', 'should be at least 2');
  if (!series.lastObservedTime) check.required(undefined, 'series.lastObservedTime');
}

function checkNew(check: Check, event: Event): void {
  checkSeries(check, event);
  if (!event.eventTime) check.required(undefined, 'eventTime');
  if (event.type !== 'Normal' && event.type !== 'Warning')
    check.invalid(undefined, 'type', '', `has invalid value: ${event.type ?? ''}`);
  for (const field of ['firstTimestamp', 'lastTimestamp', 'count'] as const)
    if (event[field]) check.invalid(undefined, field, '', needsUnset);
  if (event.source?.component || event.source?.host) check.invalid(undefined, 'source', '', needsUnset);
}

/** Only the series of a reported event goes on. */
const kept = [
  'involvedObject',
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  'reason',
  'type',
  'eventTime',
  'action',
  'related',
  'reportingComponent',
  'reportingInstance',
] as const;
const forms: Readonly<Record<string, string>> = {
  involvedObject: 'ObjectReference',
  related: 'ObjectReference',
  source: 'EventSource',
};
const zeros: Readonly<Record<string, unknown>> = {
  count: 0,
  firstTimestamp: null,
  lastTimestamp: null,
  eventTime: null,
};

function checkKept(check: Check, event: Event, previous: Event): void {
  if (!semanticEqual(event.series, previous.series)) checkSeries(check, event);
  for (const field of kept) {
    if (semanticEqual(event[field], previous[field])) continue;
    const form = forms[field];
    const value = event[field] ?? (field in zeros ? zeros[field] : '');
    const name = field === 'reportingComponent' ? 'reportingController' : field;
    check.invalid(undefined, name, form === undefined ? value : internalForm(form, event[field]), immutableField);
  }
}

export const eventValidation = strategyOf<Event>({
  validate: (event: Event, context: StrategyContext) =>
    collect((check) => {
      checkLegacy(check, event, isStrict(context));
      if (isStrict(context)) checkNew(check, event);
    }),
  validateUpdate: (event: Event, previous: Event, context: StrategyContext) =>
    collect((check) => {
      checkLegacy(check, event, isStrict(context));
      if (isStrict(context)) checkKept(check, event, previous);
    }),
});
