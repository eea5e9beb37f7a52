/** Runs the admission plugins over a call. Which plugins care about which requests is worked out once and remembered. */
import type { KindDefinition } from '../../../src/api/index.ts';
import type { Call, Verb } from '../call.ts';
import type { Server } from '../server.ts';
import type { AdmissionPlugin, Attributes, Operation } from './plugin.ts';

export interface AdmissionChain {
  mutate(call: Call, server: Server): void | Promise<void>;
  validate(call: Call, server: Server): void | Promise<void>;
}

interface Route {
  readonly mutating: readonly AdmissionPlugin[];
  readonly validating: readonly AdmissionPlugin[];
}

const OPERATIONS: Partial<Record<Verb, Operation>> = {
  create: 'CREATE',
  update: 'UPDATE',
  patch: 'UPDATE',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};

/** @throws Error when two plugins have the same name. */
export function createAdmissionChain(plugins: readonly AdmissionPlugin[], disabled: readonly string[]): AdmissionChain {
  const names = new Set(plugins.map((plugin) => plugin.name));
  if (names.size !== plugins.length) throw new Error('two admission plugins have the same name');
  const enabled = plugins.filter((plugin) => !disabled.includes(plugin.name));
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
        mutating: interested.filter((plugin) => plugin.mutate !== undefined),
        validating: interested.filter((plugin) => plugin.validate !== undefined),
      };
      ofKind.set(key, route);
    }
    return route;
  }

  function run(call: Call, server: Server, half: 'mutate' | 'validate'): void | Promise<void> {
    const operation = operationOf(call);
    const subresource = call.subresource?.name ?? '';
    const { mutating, validating } = routeOf(call.kind, operation, subresource);
    const interested = half === 'mutate' ? mutating : validating;
    if (interested.length === 0) return;
    return runAll(interested, half, attributesOf(call, operation, subresource), server);
  }

  return {
    mutate: (call, server) => run(call, server, 'mutate'),
    validate: (call, server) => run(call, server, 'validate'),
  };
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
  };
}

/** Plugins run one after another; only those that wait cost a turn. */
function runAll(
  plugins: readonly AdmissionPlugin[],
  half: 'mutate' | 'validate',
  attributes: Attributes,
  server: Server,
  from = 0,
): void | Promise<void> {
  for (let index = from; index < plugins.length; index++) {
    const done = (plugins[index] as AdmissionPlugin)[half]?.(attributes, server);
    if (done !== undefined) return done.then(() => runAll(plugins, half, attributes, server, index + 1));
  }
}
