/**
 * What the paths below `/debug/api_priority_and_fairness/` tell: the levels, their queues, and the requests that wait or run, as
 * aligned columns. @see staging/src/k8s.io/apiserver/pkg/util/flowcontrol/apf_controller_debug.go
 */
import type { FlowRequest } from './classify.ts';
import type { Level, LevelRequest } from './level.ts';

/** A request that waits or runs. */
export interface TakenRequest {
  readonly request: FlowRequest;
  readonly level: string;
  readonly schema: string;
  /** What tells its flow from others of the schema. */
  readonly flow: string;
  readonly width: number;
  /** Seats for what is left to do when it has ended. */
  readonly finalSeats: number;
  /** By the monotonic clock, as is the next. */
  readonly arrivedMs: number;
  /** Undefined while it waits. */
  readonly startedMs: number | undefined;
}

export interface Tally {
  dispatched: number;
  rejected: number;
  timedOut: number;
  /** Of clients that went while they waited. */
  cancelled: number;
}

/** What there is to tell of. */
export interface Sources {
  readonly levels: ReadonlyMap<string, Level<LevelRequest & TakenRequest>>;
  readonly exempt: Iterable<string>;
  readonly running: Iterable<TakenRequest>;
  /** The time of day at which the monotonic clock was at zero. */
  readonly epochMs: number;
  tallyOf(level: string): Tally;
}

const PREFIX = '/debug/api_priority_and_fairness/';
const NONE = '-1';

/** The text of a dump; undefined for other paths. `details`: also what the requests ask for. */
export function dumpOf(path: string, details: boolean, sources: Sources): string | undefined {
  switch (path.startsWith(PREFIX) ? path.slice(PREFIX.length) : '') {
    case 'dump_priority_levels':
      return columns(levelRows(sources));
    case 'dump_queues':
      return columns(queueRows(sources));
    case 'dump_requests':
      return columns(requestRows(sources, details));
    default:
      return undefined;
  }
}

function levelRows({ levels, exempt, running, tallyOf }: Sources): string[][] {
  const executing = new Map<string, number>();
  for (const { level } of running) executing.set(level, (executing.get(level) ?? 0) + 1);
  const names = [...levels.keys(), ...exempt].sort();
  const rows = names.map((name) => {
    const level = levels.get(name);
    const waiting = level?.waiting ?? 0;
    const active = level?.queues.filter((queue) => queue.waiting.length > 0).length ?? 0;
    const { dispatched, rejected, timedOut, cancelled } = tallyOf(name);
    const count = executing.get(name) ?? 0;
    const numbers = [waiting, count, dispatched, rejected, timedOut, cancelled];
    return [name, active, waiting + count === 0, false, ...numbers].map(String);
  });
  return [
    [
      ...['PriorityLevelName', 'ActiveQueues', 'IsIdle', 'IsQuiescing', 'WaitingRequests', 'ExecutingRequests'],
      ...['DispatchedRequests', 'RejectedRequests', 'TimedoutRequests', 'CancelledRequests'],
    ],
    ...rows,
  ];
}

const seatSeconds = (amount: number): string => `${amount.toFixed(8)}ss`;

function queueRows({ levels }: Sources): string[][] {
  const rows = [...levels].flatMap(([name, { queues }]) =>
    queues.map(({ waiting, running, executing, served }, index) => {
      const seats = waiting.reduce((sum, { width }) => sum + width, 0);
      const work = waiting.reduce((sum, request) => sum + request.work, 0);
      const numbers = [index, waiting.length, running, executing].map(String);
      return [name, ...numbers, seatSeconds(served), `${seats}`, `${seats}`, seatSeconds(work)];
    }),
  );
  return [
    [
      ...['PriorityLevelName', 'Index', 'PendingRequests', 'ExecutingRequests', 'SeatsInUse', 'NextDispatchR'],
      ...['InitialSeatsSum', 'MaxSeatsSum', 'TotalWorkSum'],
    ],
    ...rows,
  ];
}

function requestRows({ levels, running, epochMs }: Sources, details: boolean): string[][] {
  const waiting = [...levels.values()].flatMap(({ queues }) =>
    queues.flatMap((queue, at) =>
      queue.waiting.map((taken, index) => rowOf(taken, details, epochMs, `${at}`, `${index}`)),
    ),
  );
  const head = [
    ...['PriorityLevelName', 'FlowSchemaName', 'QueueIndex', 'RequestIndexInQueue', 'FlowDistingsher', 'ArriveTime'],
    ...['InitialSeats', 'FinalSeats', 'AdditionalLatency', 'StartTime'],
    ...(details ? ['UserName', 'Verb', 'APIPath', 'Namespace', 'Name', 'APIVersion', 'Resource', 'SubResource'] : []),
  ];
  return [head, ...[...running].map((taken) => rowOf(taken, details, epochMs, NONE, NONE)), ...waiting];
}

const timeText = (ms: number | undefined, epochMs: number): string =>
  ms === undefined ? '0001-01-01T00:00:00Z' : new Date(epochMs + ms).toISOString();

function rowOf(taken: TakenRequest, details: boolean, epochMs: number, queue: string, index: string): string[] {
  const { level, schema, flow, width, finalSeats, arrivedMs, startedMs, request } = taken;
  const times = [timeText(arrivedMs, epochMs), timeText(startedMs, epochMs)] as const;
  const work = [`${width}`, `${finalSeats}`, finalSeats > 0 ? '5ms' : '0s'];
  const row = [level, schema, queue, index, flow, times[0], ...work, times[1]];
  if (!details) return row;
  const { user, verb, path = '', namespace, name = '', group, version = '', resource, subresource } = request;
  const apiVersion = group === '' ? version : `${group}/${version}`;
  return [...row, user.user, verb, path, namespace, name, apiVersion, resource, subresource];
}

/** Cells are followed by a comma and filled up to their column's width, but for the last of a row. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(8, ...rows.map((row) => (row[at] ?? '').length + 2)));
  return rows
    .map((row) => {
      const last = row.length - 1;
      return `${row.map((cell, at) => (at === last ? cell : `${cell},`.padEnd(widths[at] ?? 0))).join('')}\n`;
    })
    .join('');
}
