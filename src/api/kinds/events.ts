/** Event as `events.k8s.io/v1` shows it. It shares its storage with the core group's Event, whose fields have other names. */
import { throughStored } from '../tables/columns.ts';
import { eventTable } from '../tables/core.ts';
import { rowsOf } from './row.ts';
import { eventConversion, eventStrategy, eventsGroupSelectableFields } from './strategies/events.ts';
import type { KindDefinition } from './types.ts';

const events = rowsOf('events.k8s.io', 'v1', 'io.k8s.api.events.v1');

/** All resources of events.k8s.io/v1. */
export const eventsKinds: readonly KindDefinition[] = [
  events('Event', {
    plural: 'events',
    shortNames: ['ev'],
    strategy: eventStrategy,
    conversion: eventConversion,
    selectableFields: eventsGroupSelectableFields,
    table: throughStored(eventTable, eventConversion),
  }),
];
