/** Runs the admission plugins over a call. Which plugins care about which requests is worked out once and remembered. */
import type { KindDefinition } from '../../../src/api/index.ts';
import type { Entry } from '../cache/entry.ts';
import type { Call, Verb } from '../call.ts';
import type { Server } from '../server.ts';
import { subresourceHandlerOf } from '../subresources/index.ts';
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
  readonly mutate: readonly AdmissionPlugin[];
  readonly validate: readonly AdmissionPlugin[];
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
  const routes = new WeakMap<KindDefinition, Map<string, Route>>();

  function routeOf(kind: KindDefinition, operation: Operation, subresource: string): Route {
    let ofKind = routes.get(kind);
    if (ofKind === undefined) {
      ofKind = new Map();
      routes.set(kind, ofKind);
    }
    const key = `${operation} ${subresource}`;
    let route = ofKind.get(key);
    if (route === undefined) {
      const interested = enabled.filter((plugin) => plugin.handles(kind, operation, subresource));
      route = {
        mutate: interested.filter((plugin) => plugin.mutate !== undefined),
        validate: interested.filter((plugin) => plugin.validate !== undefined),
      };
      ofKind.set(key, route);
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
    const interested = routeOf(call.kind, operation, subresource)[half];
    if (interested.length === 0) return;
    const attributes = attributesOf(call, operation, subresource);
    return half === 'mutate' ? mutateAll(interested, attributes, server) : runAll(interested, half, attributes, server);
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
      const { mutate, validate } = routeOf(call.kind, 'DELETE', '');
      if (mutate.length === 0 && validate.length === 0) return;
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
      const mutated = mutateAll(mutate, attributes, server);
      if (mutated === undefined) return runAll(validate, 'validate', attributes, server);
      return mutated.then(() => runAll(validate, 'validate', attributes, server));
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

/** Runs the mutating half, and once more when a plugin that asks others has changed the object. */
function mutateAll(plugins: readonly AdmissionPlugin[], attributes: Attributes, server: Server): void | Promise<void> {
  const again = (): void | Promise<void> => {
    const { reinvocation } = attributes;
    if (!reinvocation.needed) return;
    reinvocation.second = true;
    return runAll(plugins, 'mutate', attributes, server);
  };
  const done = runAll(plugins, 'mutate', attributes, server);
  return done === undefined ? again() : done.then(again);
}

/** Plugins run one after another; only those that wait cost a turn. */
function runAll(
  plugins: readonly AdmissionPlugin[],
  half: Half,
  attributes: Attributes,
  server: Server,
  from = 0,
): void | Promise<void> {
  for (let index = from; index < plugins.length; index++) {
    const done = (plugins[index] as AdmissionPlugin)[half]?.(attributes, server);
    if (done !== undefined) return done.then(() => runAll(plugins, half, attributes, server, index + 1));
  }
}
