/**
 * Priority and fairness: each request from outside belongs to a flow of a FlowSchema and takes a seat of its priority level for as
 * long as it runs. What the schemas and levels say is followed as it changes. Requests over the bus are not asked here: the
 * links' windows bound them. @see staging/src/k8s.io/apiserver/pkg/util/flowcontrol/apf_controller.go
 */
import { type ApiObject, StatusError } from '../../../src/api/index.ts';
import type { Clock, Counter, Gauge, Histogram, Metrics } from '../../../src/runtime/index.ts';
import type { Caches } from '../cache/caches.ts';
import type { Identity } from '../call.ts';
import { compileSchemas, type FlowRequest, type Schema } from './classify.ts';
import { dumpOf, type TakenRequest, type Tally } from './dump.ts';
import {
  ESTIMATED_SECONDS,
  hashOf,
  Level,
  type LevelRequest,
  type LevelSpec,
  type Refusal,
  type SeatPool,
} from './level.ts';
import { Refusals } from './refusals.ts';

export type { FlowRequest } from './classify.ts';

/** How long a request waits in a queue at most. */
const WAIT_MS = 15_000;
const READS: ReadonlySet<string> = new Set(['get', 'list']);
const CATCH_ALL = 'catch-all';
/** Questions of a user whose schema is remembered; beyond it all of the user's are forgotten. */
const REMEMBERED_MAX = 1000;
const SEAT_BUCKETS = [1, 2, 4, 10];
const LENGTH_BUCKETS = [0, 10, 25, 50, 100, 250, 500, 1000];
const WATCHER_BUCKETS = [0, 1, 10, 100, 1000, 10_000];
const WAIT_BUCKETS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];

/** Answered with 429, as text: clients wait for `retryAfterSeconds` and try again. */
export class TooManyRequests extends StatusError {}

/** What a request asks for. */
export interface Work {
  /** Seats that it takes; a level may give it fewer. */
  readonly seats: number;
  /** Watches that a write will be told to. */
  readonly watchers?: number;
}

/** A request's place: told to the client, and given back when the request is over. */
export interface Seat {
  readonly schemaUid: string;
  readonly levelUid: string;
  release(): void;
}

/** Who waits for the answer, such as Node's response; tells when it has gone. */
export interface Client {
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
  off(event: 'close', listener: () => void): unknown;
}

export interface Fairness {
  /**
   * A seat, at once where there is one. A client that goes while its request waits takes the request out of its queue.
   * Rejects with TooManyRequests, a moment later than it could.
   */
  enter(request: FlowRequest, work: Work, client?: Client): Seat | Promise<Seat> | undefined;
  /** A text about levels, queues or requests; undefined for paths of others. */
  dump(path: string, details: boolean): string | undefined;
}

interface Cells {
  readonly dispatched: Counter;
  readonly executing: Gauge;
  readonly executingSeats: Gauge;
  readonly waiting: Gauge;
  readonly waitingSeats: Gauge;
  readonly waited: Histogram;
  readonly ran: Histogram;
  readonly seats: Histogram;
  readonly queueLength: Histogram;
  readonly watchers: Histogram;
}

/** Where requests of a schema go. */
interface Route {
  readonly schema: Schema;
  /** Undefined for exempt levels. */
  readonly level: Level<TakenSeat> | undefined;
  readonly levelUid: string;
  readonly cells: Cells;
  readonly tally: Tally;
}

/** What is remembered of a user's questions. */
interface Remembered {
  readonly routes: Map<string, Route>;
  /** The one asked last: most are asked over and over. */
  request: FlowRequest;
  route: Route;
}

interface LevelConfiguration {
  readonly type?: string;
  readonly limited?: Limits;
  readonly exempt?: Limits;
}

interface Limits {
  readonly nominalConcurrencyShares?: number;
  readonly lendablePercent?: number;
  readonly borrowingLimitPercent?: number | null;
  readonly limitResponse?: {
    readonly type?: string;
    readonly queuing?: { readonly queues?: number; readonly handSize?: number; readonly queueLengthLimit?: number };
  };
}

const GROUP = '/registry/';
/** A write takes a further seat for so many watches once it is done, for as long as each event is taken to cost. */
const WATCHERS_PER_SEAT = 10;
const EVENT_SECONDS = 0.005;
/** What part of a level's seats one request may take at most, in percent. */
const WIDTH_PERCENT_MAX = 15;

export function createFairness(seats: number, caches: Caches, clock: Clock, metrics: Metrics): Fairness {
  const schemaCache = caches.cacheOf(`${GROUP}flowschemas`, false);
  const levelCache = caches.cacheOf(`${GROUP}prioritylevelconfigurations`, false);
  const pool: SeatPool = { seats, taken: 0, waiting: 0 };
  const levels = new Map<string, Level<TakenSeat>>();
  const exempt = new Map<string, string>();
  let schemas: readonly Schema[] = [];
  /** By identity, which is the same object for many requests of a user. */
  let remembered = new WeakMap<Identity, Remembered>();
  let stale = true;
  const routes = new Map<Schema, Route>();
  const running: TakenSeat[] = [];
  const tallies = new Map<string, Tally>();
  const refusals = new Refusals(clock);
  for (const cache of [schemaCache, levelCache]) {
    caches.onChange(cache.prefix.slice(0, -1), () => {
      stale = true;
    });
  }

  function refresh(): void {
    stale = false;
    const configured = levelCache.list().map((entry) => entry.object);
    exempt.clear();
    const specs = levelSpecs(configured, seats);
    for (const object of configured) {
      const { type } = (object['spec'] ?? {}) as LevelConfiguration;
      if (type === 'Exempt') exempt.set(object.metadata.name ?? '', String(object.metadata['uid']));
    }
    for (const spec of specs) {
      const level = levels.get(spec.name);
      if (level === undefined) levels.set(spec.name, new Level(spec, pool, (callback) => clock.afterInput(callback)));
      else level.configure(spec);
      tellLimits(spec, metrics);
    }
    for (const name of levels.keys()) if (!specs.some((spec) => spec.name === name)) levels.delete(name);
    schemas = compileSchemas(schemaCache.list().map((entry) => entry.object)).filter(
      ({ level }) => levels.has(level) || exempt.has(level),
    );
    remembered = new WeakMap();
    routes.clear();
  }

  /** Everybody is somebody; the last resort is for identities without upstream's two groups. */
  function schemaOf(request: FlowRequest): Schema | undefined {
    return schemas.find((candidate) => candidate.matches(request)) ?? schemas.find(({ name }) => name === CATCH_ALL);
  }

  function routeOf(request: FlowRequest): Route | undefined {
    let known = remembered.get(request.user);
    if (known !== undefined && sameQuestion(known.request, request)) return known.route;
    const question = questionOf(request);
    let route = known?.routes.get(question);
    if (route === undefined) {
      const schema = schemaOf(request);
      if (schema === undefined) return undefined;
      route = routes.get(schema) ?? newRoute(schema);
    }
    if (known === undefined) {
      known = { routes: new Map(), request, route };
      remembered.set(request.user, known);
    }
    if (known.routes.size >= REMEMBERED_MAX) known.routes.clear();
    known.routes.set(question, route);
    known.request = request;
    known.route = route;
    return route;
  }

  function newRoute(schema: Schema): Route {
    const level = levels.get(schema.level);
    const route: Route = {
      schema,
      level,
      levelUid: level?.spec.uid ?? exempt.get(schema.level) ?? '',
      cells: createCells({ priority_level: schema.level, flow_schema: schema.name }, metrics),
      tally: tallyOf(schema.level),
    };
    routes.set(schema, route);
    return route;
  }

  function tallyOf(level: string): Tally {
    let tally = tallies.get(level);
    if (tally === undefined) {
      tally = { dispatched: 0, rejected: 0, timedOut: 0, cancelled: 0 };
      tallies.set(level, tally);
    }
    return tally;
  }

  function refused(schema: Schema, reason: Refusal): TooManyRequests {
    const tally = tallyOf(schema.level);
    tally.rejected++;
    if (reason === 'time-out') tally.timedOut++;
    if (reason === 'cancelled') tally.cancelled++;
    metrics
      .counter(
        'apiserver_flowcontrol_rejected_requests_total',
        'Number of requests rejected by API Priority and Fairness subsystem',
        { priority_level: schema.level, flow_schema: schema.name, reason },
      )
      .add(1);
    return tooManyRequests();
  }

  /** The request runs from now on. */
  function begin(taken: TakenSeat, startedMs: number, waitedSeconds: number): Seat {
    const { width } = taken;
    const { cells: told, tally } = taken.route;
    tally.dispatched++;
    told.dispatched.add(1);
    told.executing.add(1);
    told.executingSeats.add(width);
    told.waited.observe(waitedSeconds);
    taken.startedMs = startedMs;
    taken.place = running.push(taken) - 1;
    return taken;
  }

  function end(taken: TakenSeat): void {
    if (taken.place < 0) return;
    leaveRunning(taken);
    const { width, startedMs = 0, request } = taken;
    const { cells: told, level } = taken.route;
    told.executing.add(-1);
    told.executingSeats.add(-width);
    const ranMs = Math.max(0, clock.monotonic() - startedMs);
    told.ran.observe(ranMs / 1000);
    // A read keeps the thread until it is done; a write mostly waits, for its body and for the store.
    level?.leave(taken, ranMs, READS.has(request.verb) ? ranMs : 0);
    if (pool.waiting > 0) for (const other of levels.values()) other.dispatch();
  }

  /** The last one takes its place. */
  function leaveRunning(taken: TakenSeat): void {
    const last = running.pop() as TakenSeat;
    if (last !== taken) {
      running[taken.place] = last;
      last.place = taken.place;
    }
    taken.place = -1;
  }

  /** The request waits for its seat. Rejects when it waited for too long, or its client went. */
  function queued(taken: TakenSeat, level: Level<TakenSeat>, client: Client | undefined): Promise<Seat> {
    const { width } = taken;
    const { cells: told, schema } = taken.route;
    told.queueLength.observe(taken.queue?.waiting.length ?? 0);
    told.waiting.add(1);
    told.waitingSeats.add(width);
    return new Promise<Seat>((resolve, reject) => {
      const left = () => giveUp('cancelled');
      const timer = clock.after(WAIT_MS, () => giveUp('time-out'), { background: true });
      const decided = () => {
        timer.cancel();
        client?.off('close', left);
        told.waiting.add(-1);
        told.waitingSeats.add(-width);
      };
      const giveUp = (reason: Refusal) => {
        if (!level.abandon(taken)) return;
        decided();
        reject(refused(schema, reason));
      };
      client?.once('close', left);
      taken.seated = () => {
        decided();
        const nowMs = clock.monotonic();
        resolve(begin(taken, nowMs, (nowMs - taken.arrivedMs) / 1000));
      };
    });
  }

  return {
    enter(request, { seats: wanted, watchers = 0 }, client) {
      if (stale) refresh();
      const route = routeOf(request);
      if (route === undefined) return undefined;
      const { level, cells: told } = route;
      const arrivedMs = clock.monotonic();
      const taken = new TakenSeat(request, route, arrivedMs, end);
      if (watchers > 0) {
        told.watchers.observe(watchers);
        if (watchers >= WATCHERS_PER_SEAT) taken.finalSeats = Math.ceil(watchers / WATCHERS_PER_SEAT);
      }
      if (level === undefined) {
        taken.width = wanted;
        told.seats.observe(wanted);
        return begin(taken, arrivedMs, 0);
      }
      taken.width = Math.min(wanted, level.spec.widthMax);
      told.seats.observe(Math.max(taken.width, taken.finalSeats));
      const place = level.enter(taken);
      if (place === 'begun') return begin(taken, arrivedMs, 0);
      if (place === 'queued') return queued(taken, level, client);
      return refusals.later(refused(route.schema, place));
    },
    dump(path, details) {
      if (stale) refresh();
      return dumpOf(path, details, {
        levels,
        exempt: exempt.keys(),
        running,
        tallyOf,
        epochMs: clock.now() - clock.monotonic(),
      });
    },
  };
}

const questionOf = ({ verb, group, resource, subresource, namespace, path = '' }: FlowRequest): string =>
  `${verb} ${group}/${resource}/${subresource} ${namespace} ${path}`;

/** Of the same user. */
function sameQuestion(one: FlowRequest, other: FlowRequest): boolean {
  return (
    one.resource === other.resource &&
    one.verb === other.verb &&
    one.namespace === other.namespace &&
    one.subresource === other.subresource &&
    one.group === other.group &&
    one.path === other.path
  );
}

/** A request from its arrival on. Made for each of them: one object, and no more. */
class TakenSeat implements Seat, TakenRequest, LevelRequest {
  readonly request: FlowRequest;
  readonly route: Route;
  readonly arrivedMs: number;
  width = 1;
  finalSeats = 0;
  /** Its index among those that run; negative while it does not. */
  place = -1;
  queue: LevelRequest['queue'] = undefined;
  startedMs: number | undefined = undefined;
  /** What to do when it gets its seat; it has none before it has waited. */
  seated: (() => void) | undefined = undefined;
  readonly #end: (taken: TakenSeat) => void;

  constructor(request: FlowRequest, route: Route, arrivedMs: number, end: (taken: TakenSeat) => void) {
    this.request = request;
    this.route = route;
    this.arrivedMs = arrivedMs;
    this.#end = end;
  }

  get schema(): string {
    return this.route.schema.name;
  }

  get level(): string {
    return this.route.schema.level;
  }

  get schemaUid(): string {
    return this.route.schema.uid;
  }

  get levelUid(): string {
    return this.route.levelUid;
  }

  /** What tells its flow from others of the schema. */
  get flow(): string {
    const { distinguisher } = this.route.schema;
    const { user, namespace } = this.request;
    return distinguisher === 'ByUser' ? user.user : distinguisher === 'ByNamespace' ? namespace : '';
  }

  get work(): number {
    return this.width * ESTIMATED_SECONDS + this.finalSeats * EVENT_SECONDS;
  }

  hash(): number {
    return hashOf(`${this.schema}\n${this.flow}`);
  }

  settle(): void {
    this.seated?.();
  }

  release(): void {
    this.#end(this);
  }
}

function createCells(
  labels: { readonly priority_level: string; readonly flow_schema: string },
  metrics: Metrics,
): Cells {
  const counter = (name: string, help: string) => metrics.counter(`apiserver_flowcontrol_${name}`, help, labels);
  const gauge = (name: string, help: string) => metrics.gauge(`apiserver_flowcontrol_${name}`, help, labels);
  const histogram = (name: string, help: string, more: Record<string, string>) =>
    metrics.histogram(`apiserver_flowcontrol_${name}`, help, WAIT_BUCKETS, { ...labels, ...more });
  return {
    dispatched: counter(
      'dispatched_requests_total',
      'Number of requests executed by API Priority and Fairness subsystem',
    ),
    executing: gauge(
      'current_executing_requests',
      'Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in the API Priority and Fairness subsystem',
    ),
    executingSeats: gauge(
      'current_executing_seats',
      'Concurrency (number of seats) occupied by the currently executing (initial stage for a WATCH, any stage otherwise) requests in the API Priority and Fairness subsystem',
    ),
    waiting: gauge(
      'current_inqueue_requests',
      'Number of requests currently pending in queues of the API Priority and Fairness subsystem',
    ),
    waitingSeats: gauge(
      'current_inqueue_seats',
      'Number of seats currently pending in queues of the API Priority and Fairness subsystem',
    ),
    waited: histogram('request_wait_duration_seconds', 'Length of time a request spent waiting in its queue', {
      execute: 'true',
    }),
    ran: histogram(
      'request_execution_seconds',
      'Duration of initial stage (for a WATCH) or any (for a non-WATCH) stage of request execution in the API Priority and Fairness subsystem',
      { type: 'regular' },
    ),
    seats: metrics.histogram(
      'apiserver_flowcontrol_work_estimated_seats',
      'Number of estimated seats (maximum of initial and final seats) associated with requests in API Priority and Fairness',
      SEAT_BUCKETS,
      labels,
    ),
    queueLength: metrics.histogram(
      'apiserver_flowcontrol_request_queue_length_after_enqueue',
      'Length of queue in the API Priority and Fairness subsystem, as seen by each request after it is enqueued',
      LENGTH_BUCKETS,
      labels,
    ),
    watchers: metrics.histogram(
      'apiserver_flowcontrol_watch_count_samples',
      'count of watchers for mutating requests in API Priority and Fairness',
      WATCHER_BUCKETS,
      labels,
    ),
  };
}

/** Seats of a level: what it has by its shares, and between which bounds lending and borrowing move it. */
function tellLimits({ name, seats, seatsKept, seatsBorrowedMax }: LevelSpec, metrics: Metrics): void {
  const tell = (metric: string, help: string, value: number) =>
    metrics.gauge(`apiserver_flowcontrol_${metric}`, help, { priority_level: name }).set(value);
  tell('nominal_limit_seats', 'Nominal number of execution seats configured for each priority level', seats);
  tell(
    'lower_limit_seats',
    'Configured lower bound on number of execution seats available to each priority level',
    seatsKept,
  );
  tell(
    'upper_limit_seats',
    'Configured upper bound on number of execution seats available to each priority level',
    seats + seatsBorrowedMax,
  );
  tell('current_limit_seats', 'current derived number of execution seats available to each priority level', seats);
}

function tooManyRequests(): TooManyRequests {
  const message = 'Too many requests, please try again later.';
  return new TooManyRequests(StatusError.tooManyRequests(message, 1).toStatus());
}

/** Seats of the limited levels, by their shares of all. */
export function levelSpecs(objects: readonly ApiObject[], seats: number): LevelSpec[] {
  const limited = objects.flatMap((object) => {
    const { type, limited: limits } = (object['spec'] ?? {}) as LevelConfiguration;
    return type === 'Limited' ? [{ object, limits: limits ?? {} }] : [];
  });
  const sharesOf = ({ nominalConcurrencyShares = 30 }: Limits) => nominalConcurrencyShares;
  const allShares = limited.reduce((sum, { limits }) => sum + sharesOf(limits), 0);
  const parts = limited.map(({ object, limits }) => {
    const own = Math.ceil((seats * sharesOf(limits)) / Math.max(1, allShares));
    return { object, limits, own, lendable: Math.round((own * (limits.lendablePercent ?? 0)) / 100) };
  });
  const allLendable = parts.reduce((sum, { lendable }) => sum + lendable, 0);
  return parts.map(({ object, limits, own, lendable }) => {
    const { borrowingLimitPercent, limitResponse } = limits;
    const others = allLendable - lendable;
    const limit =
      borrowingLimitPercent === undefined || borrowingLimitPercent === null
        ? others
        : Math.min(others, Math.round((own * borrowingLimitPercent) / 100));
    const { queues = 64, handSize = 8, queueLengthLimit = 50 } = limitResponse?.queuing ?? {};
    const queued = limitResponse?.type === 'Queue';
    const part = Math.ceil((own * WIDTH_PERCENT_MAX) / 100);
    return {
      name: object.metadata.name ?? '',
      uid: String(object.metadata['uid'] ?? ''),
      seats: own,
      // A wide list may fill no more of the level than leaves room for a hand of them.
      widthMax: Math.max(1, queued ? Math.min(part, Math.floor(own / handSize)) : part),
      seatsKept: own - lendable,
      seatsBorrowedMax: limit,
      ...(queued ? { queuing: { queues, handSize, queueLengthLimit } } : {}),
    };
  });
}
