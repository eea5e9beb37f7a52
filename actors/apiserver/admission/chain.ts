/** Runs the admission plugins over a call. Which plugins care about which requests is worked out once and remembered. */
import type { KindDefinition } from '../../../src/api/index.ts';
import type { Entry } from '../cache/entry.ts';
import type { KindCache } from '../cache/kind-cache.ts';
import type { Call, Verb } from '../call.ts';
import type { Server } from '../server.ts';
import { subresourceHandlerOf } from '../subresources/index.ts';
import type { Durations } from './admission-metrics.ts';
import {
  AdmissionConfigurationError,
  type AdmissionPlugin,
  type Attributes,
  type Operation,
  type Reinvocation,
} from './plugin.ts';

export interface AdmissionChain {
  mutate(call: Call, server: Server): void | Promise<void>;
  validate(call: Call, server: Server): void | Promise<void>;
  /** Both halves for a connection: a command, an attachment, forwarded ports, a proxied request. */
  connect(call: Call, server: Server): void | Promise<void>;
  /** Both halves for one object of a collection that is deleted. */
  admitDeletion(call: Call, entry: Entry, server: Server): void | Promise<void>;
}

/** Which plugins run, and with what. */
export interface AdmissionChoice {
  /** Switched on although they are off by default. */
  readonly enabled: readonly string[];
  readonly disabled: readonly string[];
  /** Configurations by plugin name. */
  readonly configuration: Readonly<Record<string, unknown>>;
}

type Half = 'mutate' | 'validate';

interface Route {
  readonly mutate: Step;
  readonly validate: Step;
}

/** One half of the chain for one kind of request, and where its run is measured. */
interface Step {
  readonly members: readonly Member[];
  readonly whole: Durations;
  /** How often it ran. */
  runs: number;
}

/** One half of a plugin. */
interface Member {
  readonly run: NonNullable<AdmissionPlugin[Half]>;
  /** While one of them is empty the plugin is idle. */
  readonly needs: readonly KindCache[];
  readonly durations: Durations;
}

function isIdle({ needs }: Member): boolean {
  for (let index = 0; index < needs.length; index++) if (needs[index]?.size === 0) return true;
  return false;
}

/**
 * Plugins that answer at once are measured in one run of so many: a look at the clock costs as much as most of them do. Those
 * that wait and those that refuse always are, the former from the last one measured on: what lies between is microseconds.
 */
const MEASURED_ONE_IN = 10;

interface Times {
  /** When the last plugin that was measured ended, or the run began. */
  startedMs: number;
  /** Whether all plugins of this run are measured. */
  readonly isWhole: boolean;
}

const OPERATIONS: Partial<Record<Verb, Operation>> = {
  create: 'CREATE',
  update: 'UPDATE',
  patch: 'UPDATE',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};

/** @throws AdmissionConfigurationError for names that no plugin has and for configurations that cannot be */
export function createAdmissionChain(plugins: readonly AdmissionPlugin[], choice: AdmissionChoice): AdmissionChain {
  const enabled = chosenPlugins(plugins, choice);
  const routes = new WeakMap<KindDefinition, Readonly<Record<Operation, Map<string, Route>>>>();

  function routeOf(kind: KindDefinition, operation: Operation, subresource: string, server: Server): Route {
    let ofKind = routes.get(kind);
    if (ofKind === undefined) {
      ofKind = { CREATE: new Map(), UPDATE: new Map(), DELETE: new Map(), CONNECT: new Map() };
      routes.set(kind, ofKind);
    }
    let route = ofKind[operation].get(subresource);
    if (route === undefined) {
      const interested = enabled.filter((plugin) => plugin.handles(kind, operation, subresource));
      route = {
        mutate: stepOf('mutate', interested, operation, server),
        validate: stepOf('validate', interested, operation, server),
      };
      ofKind[operation].set(subresource, route);
    }
    return route;
  }

  function run(call: Call, server: Server, half: Half): void | Promise<void> {
    // A connection is admitted when it is made, whatever its verb.
    if (isConnection(call)) return;
    // A collection is admitted object by object, and what is not there is not found.
    if (call.verb === 'deletecollection' || (call.verb === 'delete' && call.previous === undefined)) return;
    return runHalf(call, server, half, operationOf(call));
  }

  function runHalf(call: Call, server: Server, half: Half, operation: Operation): void | Promise<void> {
    const subresource = call.subresource?.name ?? '';
    const step = routeOf(call.kind, operation, subresource, server)[half];
    if (step.members.length === 0) {
      step.whole.passed(0);
      return;
    }
    return runStep(step, attributesOf(call, operation, subresource), server);
  }

  return {
    mutate: (call, server) => run(call, server, 'mutate'),
    validate: (call, server) => run(call, server, 'validate'),
    connect(call, server) {
      if (!isConnection(call)) return;
      const validate = () => runHalf(call, server, 'validate', 'CONNECT');
      const mutated = runHalf(call, server, 'mutate', 'CONNECT');
      return mutated === undefined ? validate() : mutated.then(validate);
    },
    admitDeletion(call, entry, server) {
      const { mutate, validate } = routeOf(call.kind, 'DELETE', '', server);
      const attributes: Attributes = {
        call,
        operation: 'DELETE',
        kind: call.kind,
        subresource: '',
        namespace: call.kind.namespaced ? entry.namespace : undefined,
        name: entry.name,
        object: undefined,
        previous: entry.object,
        reinvocation: new FreshReinvocation(),
      };
      const mutated = runStep(mutate, attributes, server);
      if (mutated === undefined) return runStep(validate, attributes, server);
      return mutated.then(() => runStep(validate, attributes, server));
    },
  };
}

function chosenPlugins(plugins: readonly AdmissionPlugin[], choice: AdmissionChoice): AdmissionPlugin[] {
  const names = new Set(plugins.map((plugin) => plugin.name));
  if (names.size !== plugins.length) throw new Error('two admission plugins have the same name');
  for (const name of [...choice.enabled, ...choice.disabled, ...Object.keys(choice.configuration)]) {
    if (!names.has(name)) throw new AdmissionConfigurationError(`admission plugin ${JSON.stringify(name)} is unknown`);
  }
  for (const name of choice.enabled) {
    if (choice.disabled.includes(name)) {
      throw new AdmissionConfigurationError(
        `${name} in enable-admission-plugins and disable-admission-plugins overlapped`,
      );
    }
  }
  return plugins
    .filter(({ name, isOffByDefault }) =>
      isOffByDefault === true ? choice.enabled.includes(name) : !choice.disabled.includes(name),
    )
    .map((plugin) => plugin.configure?.(choice.configuration[plugin.name]) ?? plugin);
}

/** Logs are read; all else that goes through to a node is a connection. */
function isConnection(call: Call): boolean {
  if (call.subresource === undefined || call.subresource.name === 'log') return false;
  return subresourceHandlerOf(call)?.connect !== undefined;
}

function operationOf(call: Call): Operation {
  if (call.verb === 'create' || (call.verb !== 'delete' && call.previous === undefined && call.object !== undefined))
    return 'CREATE';
  return OPERATIONS[call.verb] ?? 'CONNECT';
}

function attributesOf(call: Call, operation: Operation, subresource: string): Attributes {
  const object = operation === 'DELETE' ? undefined : (call.object ?? call.part);
  return {
    call,
    operation,
    kind: call.kind,
    subresource,
    namespace: call.namespace,
    name: call.name ?? object?.metadata.name ?? '',
    object,
    previous: call.previous?.object,
    reinvocation: new FreshReinvocation(),
  };
}

/** The memory is made when somebody asks for it: without webhooks and policies nobody does. */
class FreshReinvocation implements Reinvocation {
  needed = false;
  second = false;
  #memory: Map<string, unknown> | undefined;

  get memory(): Map<string, unknown> {
    this.#memory ??= new Map();
    return this.#memory;
  }
}

function stepOf(half: Half, interested: readonly AdmissionPlugin[], operation: Operation, server: Server): Step {
  const { admission } = server.metrics;
  const type = half === 'mutate' ? 'admit' : 'validate';
  const members = interested.flatMap((plugin): Member[] => {
    const run = plugin[half]?.bind(plugin);
    if (run === undefined) return [];
    const needs = (plugin.needs ?? []).map((prefix) => stockOf(prefix, server));
    return [{ run, needs, durations: admission.controller(plugin.name, type, operation) }];
  });
  return { members, whole: admission.step(type, operation), runs: 0 };
}

function stockOf(storagePrefix: string, { registry, caches }: Server): KindCache {
  for (const kind of registry.all())
    if (kind.storagePrefix === storagePrefix) return caches.cacheOf(storagePrefix, kind.namespaced);
  return caches.cacheOf(storagePrefix, false);
}

/** Runs a half and measures it. The mutating one runs once more when a plugin that asks others has changed the object. */
function runStep(step: Step, attributes: Attributes, server: Server): void | Promise<void> {
  const { clock } = server.context;
  const startedMs = clock.monotonic();
  const times: Times = { startedMs, isWhole: step.runs++ % MEASURED_ONE_IN === 0 };
  let done: void | Promise<void>;
  try {
    done = runAll(step, attributes, server, times);
    if (done !== undefined) done = done.then(() => runAgain(step, attributes, server, times));
    else if (attributes.reinvocation.needed) done = runAgain(step, attributes, server, times);
  } catch (error) {
    step.whole.rejected(secondsSince(startedMs, server));
    throw error;
  }
  if (done === undefined) {
    step.whole.passed(secondsSince(startedMs, server));
    return;
  }
  return done.then(
    () => step.whole.passed(secondsSince(startedMs, server)),
    (error) => {
      step.whole.rejected(secondsSince(startedMs, server));
      throw error;
    },
  );
}

function runAgain(step: Step, attributes: Attributes, server: Server, times: Times): void | Promise<void> {
  const { reinvocation } = attributes;
  if (!reinvocation.needed) return;
  reinvocation.second = true;
  times.startedMs = server.context.clock.monotonic();
  return runAll(step, attributes, server, times);
}

/** Plugins run one after another; only those that wait cost a turn. */
function runAll(step: Step, attributes: Attributes, server: Server, times: Times, from = 0): void | Promise<void> {
  const { members } = step;
  for (let index = from; index < members.length; index++) {
    const member = members[index] as Member;
    if (!isIdle(member)) {
      let done: void | Promise<void>;
      try {
        done = member.run(attributes, server);
      } catch (error) {
        member.durations.rejected(lap(times, server));
        throw error;
      }
      if (done !== undefined) return goOnAfter(done, step, attributes, server, times, index);
    }
    if (times.isWhole) member.durations.passed(lap(times, server));
  }
}

async function goOnAfter(
  done: Promise<void>,
  step: Step,
  attributes: Attributes,
  server: Server,
  times: Times,
  index: number,
): Promise<void> {
  const { durations } = step.members[index] as Member;
  try {
    await done;
  } catch (error) {
    durations.rejected(lap(times, server));
    throw error;
  }
  durations.passed(lap(times, server));
  await runAll(step, attributes, server, times, index + 1);
}

/** The seconds since the last plugin that was measured ended, where the next one starts. */
function lap(times: Times, { context }: Server): number {
  const nowMs = context.clock.monotonic();
  const seconds = (nowMs - times.startedMs) / 1000;
  times.startedMs = nowMs;
  return seconds;
}

function secondsSince(startedMs: number, { context }: Server): number {
  return (context.clock.monotonic() - startedMs) / 1000;
}
