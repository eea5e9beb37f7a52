/**
 * Events in their two forms. The core group's is stored; `events.k8s.io` names the same fields differently. Nothing is defaulted.
 * @see pkg/apis/events/v1/conversion.go, pkg/registry/core/event/strategy.go
 */
import type { Event as CoreEvent, EventsV1Event } from '../../generated/types.ts';
import { selectableFieldsOf } from '../strategy-of.ts';
import type { ApiObject, Conversion, Strategy } from '../types.ts';

export const eventStrategy: Strategy = { allowCreateOnUpdate: true };

/** Between events.k8s.io/v1 and the stored core/v1. */
export const eventConversion: Conversion = {
  storedGroup: '',
  storedVersion: 'v1',

  toStored(object: ApiObject): ApiObject {
    const {
      regarding,
      note,
      deprecatedSource,
      deprecatedFirstTimestamp,
      deprecatedLastTimestamp,
      deprecatedCount,
      reportingController,
      ...rest
    } = object as ApiObject & EventsV1Event;
    const renamed = {
      apiVersion: 'v1',
      involvedObject: regarding ?? {},
      message: note,
      source: deprecatedSource ?? {},
      firstTimestamp: deprecatedFirstTimestamp ?? null,
      lastTimestamp: deprecatedLastTimestamp ?? null,
      count: deprecatedCount,
      reportingComponent: reportingController ?? '',
      reportingInstance: rest.reportingInstance ?? '',
    };
    return withoutUndefined(Object.assign(rest, renamed));
  },

  fromStored(object: ApiObject): ApiObject {
    const {
      involvedObject,
      message,
      source,
      firstTimestamp,
      lastTimestamp,
      count,
      reportingComponent,
      reportingInstance,
      ...rest
    } = object as ApiObject & CoreEvent;
    const renamed = {
      apiVersion: 'events.k8s.io/v1',
      regarding: involvedObject ?? {},
      note: message,
      deprecatedSource: source ?? {},
      deprecatedFirstTimestamp: firstTimestamp ?? null,
      deprecatedLastTimestamp: lastTimestamp ?? null,
      deprecatedCount: count,
      reportingController: reportingComponent || undefined,
      reportingInstance: reportingInstance || undefined,
    };
    return withoutUndefined(Object.assign(rest, renamed));
  },
};

/** A copy, since objects that something was deleted from are slow from then on. */
function withoutUndefined(object: Record<string, unknown>): ApiObject {
  const kept: Record<string, unknown> = {};
  for (const key in object) if (object[key] !== undefined) kept[key] = object[key];
  return kept as unknown as ApiObject;
}

/** Field labels of the core group's events. */
export const eventSelectableFields = selectableFieldsOf<CoreEvent>({
  'involvedObject.kind': (event: CoreEvent) => event.involvedObject?.kind ?? '',
  'involvedObject.namespace': (event: CoreEvent) => event.involvedObject?.namespace ?? '',
  'involvedObject.name': (event: CoreEvent) => event.involvedObject?.name ?? '',
  'involvedObject.uid': (event: CoreEvent) => event.involvedObject?.uid ?? '',
  'involvedObject.apiVersion': (event: CoreEvent) => event.involvedObject?.apiVersion ?? '',
  'involvedObject.resourceVersion': (event: CoreEvent) => event.involvedObject?.resourceVersion ?? '',
  'involvedObject.fieldPath': (event: CoreEvent) => event.involvedObject?.fieldPath ?? '',
  reason: (event: CoreEvent) => event.reason ?? '',
  reportingComponent: (event: CoreEvent) => event.reportingComponent ?? '',
  source: (event: CoreEvent) => event.source?.component || (event.reportingComponent ?? ''),
  type: (event: CoreEvent) => event.type ?? '',
});

/** The same labels under the names that `events.k8s.io` gives them. */
export const eventsGroupSelectableFields = selectableFieldsOf<EventsV1Event>({
  'regarding.kind': (event) => event.regarding?.kind ?? '',
  'regarding.namespace': (event) => event.regarding?.namespace ?? '',
  'regarding.name': (event) => event.regarding?.name ?? '',
  'regarding.uid': (event) => event.regarding?.uid ?? '',
  'regarding.apiVersion': (event) => event.regarding?.apiVersion ?? '',
  'regarding.resourceVersion': (event) => event.regarding?.resourceVersion ?? '',
  'regarding.fieldPath': (event) => event.regarding?.fieldPath ?? '',
  reason: (event) => event.reason ?? '',
  reportingController: (event) => event.reportingController ?? '',
  type: (event) => event.type ?? '',
});
