/** The context of an actor that does nothing, for tests of what actors are built from: real, inline, under virtual time. */
import { type ActorContext, ActorSystem, defineActor, type LogRecord, memorySink } from '../../src/runtime/index.ts';

export interface Probe {
  readonly system: ActorSystem;
  readonly context: ActorContext;
  readonly logs: readonly LogRecord[];
}

export async function startProbe(): Promise<Probe> {
  const sink = memorySink();
  const startTime = Date.parse('2026-01-01T00:00:00Z');
  const system = new ActorSystem({ placement: 'inline', clock: 'virtual', seed: 1, startTime, log: sink });
  let given: ActorContext | undefined;
  const start = (context: ActorContext) => {
    given = context;
  };
  await system.start({ definition: defineActor({ name: 'probe', module: import.meta.url, start }) });
  if (given === undefined) throw new Error('the probe did not start');
  return { system, context: given, logs: sink.records };
}
