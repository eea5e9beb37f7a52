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
import { hashOf, Level, type LevelSpec, type Refusal, type SeatPool } from './level.ts';

export type { FlowRequest } from './classify.ts';

/** How long a request waits in a queue at most. */
const WAIT_MS = 15_000;
/** Questions of a user whose schema is remembered; beyond it all of the user's are forgotten. */
const REMEMBERED_MAX = 1000;
const WAIT_BUCKETS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];

/** Answered with 429, as text: clients wait for `retryAfterSeconds` and try again. */
export class TooManyRequests extends StatusError {}

/** A request's place: told to the client, and given back when the request is over. */
export interface Seat {
  readonly schemaUid: string;
  readonly levelUid: string;
  release(): void;
}

export interface Fairness {
  /** A seat, at once where there is one. `width`: seats that the request takes. @throws TooManyRequests */
  enter(request: FlowRequest, width: number): Seat | Promise<Seat> | undefined;
}

interface Cells {
  readonly dispatched: Counter;
  readonly executing: Gauge;
  readonly waited: Histogram;
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

export function createFairness(seats: number, caches: Caches, clock: Clock, metrics: Metrics): Fairness {
  const schemaCache = caches.cacheOf(`${GROUP}flowschemas`, false);
  const levelCache = caches.cacheOf(`${GROUP}prioritylevelconfigurations`, false);
  const pool: SeatPool = { seats, taken: 0, waiting: 0 };
  const levels = new Map<string, Level>();
  const exempt = new Map<string, string>();
  let schemas: readonly Schema[] = [];
  /** By identity, which is the same object for many requests of a user. */
  let remembered = new WeakMap<Identity, Map<string, Schema>>();
  let stale = true;
  const cells = new Map<Schema, Cells>();
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
      if (level === undefined) levels.set(spec.name, new Level(spec, pool, (callback) => clock.turn(callback)));
      else level.configure(spec);
      metrics
        .gauge(
          'apiserver_flowcontrol_nominal_limit_seats',
          'Nominal number of execution seats configured for each priority level',
          { priority_level: spec.name },
        )
        .set(spec.seats);
    }
    for (const name of levels.keys()) if (!specs.some((spec) => spec.name === name)) levels.delete(name);
    schemas = compileSchemas(schemaCache.list().map((entry) => entry.object)).filter(
      ({ level }) => levels.has(level) || exempt.has(level),
    );
    remembered = new WeakMap();
    cells.clear();
  }

  function schemaOf(request: FlowRequest): Schema | undefined {
    const { user, verb, group, resource, subresource, namespace, path = '' } = request;
    let known = remembered.get(user);
    if (known === undefined) {
      known = new Map();
      remembered.set(user, known);
    }
    const question = `${verb} ${group}/${resource}/${subresource} ${namespace} ${path}`;
    let schema = known.get(question);
    if (schema === undefined) {
      schema = schemas.find((candidate) => candidate.matches(request));
      if (schema === undefined) return undefined;
      if (known.size >= REMEMBERED_MAX) known.clear();
      known.set(question, schema);
    }
    return schema;
  }

  function cellsOf(schema: Schema): Cells {
    let found = cells.get(schema);
    if (found === undefined) {
      const labels = { priority_level: schema.level, flow_schema: schema.name };
      found = {
        dispatched: metrics.counter(
          'apiserver_flowcontrol_dispatched_requests_total',
          'Number of requests executed by API Priority and Fairness subsystem',
          labels,
        ),
        executing: metrics.gauge(
          'apiserver_flowcontrol_current_executing_requests',
          'Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in the API Priority and Fairness subsystem',
          labels,
        ),
        waited: metrics.histogram(
          'apiserver_flowcontrol_request_wait_duration_seconds',
          'Length of time a request spent waiting in its queue',
          WAIT_BUCKETS,
          { ...labels, execute: 'true' },
        ),
      };
      cells.set(schema, found);
    }
    return found;
  }

  function refused(schema: Schema, reason: Refusal): TooManyRequests {
    metrics
      .counter(
        'apiserver_flowcontrol_rejected_requests_total',
        'Number of requests rejected by API Priority and Fairness subsystem',
        { priority_level: schema.level, flow_schema: schema.name, reason },
      )
      .add(1);
    return tooManyRequests();
  }

  function seated(schema: Schema, levelUid: string, leave: () => void, waitedSeconds: number): Seat {
    const { dispatched, executing, waited } = cellsOf(schema);
    dispatched.add(1);
    executing.add(1);
    waited.observe(waitedSeconds);
    let released = false;
    return {
      schemaUid: schema.uid,
      levelUid,
      release() {
        if (released) return;
        released = true;
        executing.add(-1);
        leave();
        if (pool.waiting > 0) for (const level of levels.values()) level.dispatch();
      },
    };
  }

  return {
    enter(request, width) {
      if (stale) refresh();
      const schema = schemaOf(request);
      if (schema === undefined) return undefined;
      const exemptUid = exempt.get(schema.level);
      if (exemptUid !== undefined) return seated(schema, exemptUid, nothing, 0);
      const level = levels.get(schema.level) as Level;
      const flow =
        schema.distinguisher === 'ByUser'
          ? request.user.user
          : schema.distinguisher === 'ByNamespace'
            ? request.namespace
            : '';
      const hash = () => hashOf(`${schema.name}\n${flow}`);
      const taken = Math.min(width, level.spec.seats);
      let settle: (refusal: Refusal | undefined) => void = nothing;
      const place = level.enter(hash, taken, (refusal) => settle(refusal));
      if (place.refusal !== undefined) throw refused(schema, place.refusal);
      const { queued } = place;
      if (queued === undefined) return seated(schema, level.spec.uid, place.leave, 0);
      const startedMs = clock.monotonic();
      return new Promise<Seat>((resolve, reject) => {
        const timer = clock.after(
          WAIT_MS,
          () => {
            if (level.abandon(queued)) reject(refused(schema, 'time-out'));
          },
          { background: true },
        );
        settle = () => {
          timer.cancel();
          resolve(seated(schema, level.spec.uid, place.leave, (clock.monotonic() - startedMs) / 1000));
        };
      });
    },
  };
}

const nothing = (): void => undefined;

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
    return {
      name: object.metadata.name ?? '',
      uid: String(object.metadata['uid'] ?? ''),
      seats: own,
      seatsKept: own - lendable,
      seatsBorrowedMax: limit,
      ...(limitResponse?.type === 'Queue' ? { queuing: { queues, handSize, queueLengthLimit } } : {}),
    };
  });
}
