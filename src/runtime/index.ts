/** The public face of the actor runtime: `import { ActorSystem, callChannel, defineActor } from 'kubehive/runtime'`. */
export * from './actor.ts';
export { checkThreads, type ThreadBudget, ThreadBudgetError, threadBudget } from './budget.ts';
export type { ActorInspection } from './inspection.ts';
export type { ActorState, Health, SystemEvent } from './supervisor.ts';
export { ActorSystem, type ActorSystemOptions, type Connection } from './system.ts';
export type { Interceptor, TapObserver, TapRecord, Verdict } from './tap.ts';
