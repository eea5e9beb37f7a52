/**
 * The pipeline that every request takes, whichever door it came through: one literal list of stages in upstream's order.
 * Stages from decode on run again when a write lost a race that the client did not ask to be told of.
 */
import type { Answer, Call, Verb } from './call.ts';
import { conflictOf } from './failures.ts';
import type { Server } from './server.ts';
import { audit, auditContent } from './stages/audit.ts';
import { authenticate } from './stages/authentication.ts';
import { authorize, authorizeContent } from './stages/authorization.ts';
import { decode } from './stages/decode.ts';
import { setDefaults } from './stages/defaulting.ts';
import { takeSeat } from './stages/fairness.ts';
import { impersonate } from './stages/impersonation.ts';
import { admitMutating } from './stages/mutating-admission.ts';
import { refuseUnreadable } from './stages/readability.ts';
import { storeOrRead } from './stages/storing.ts';
import { admitValidating } from './stages/validating-admission.ts';
import { validate } from './stages/validation.ts';
import { showAnswer, showCurrent } from './webhooks/index.ts';

/** Does its part of the work on the call. Throws a StatusError to refuse it. */
export interface Stage {
  readonly name: string;
  /** Verbs that the stage is about; omitted: all. */
  readonly verbs?: readonly Verb[];
  /** Runs again on each attempt of a write. */
  readonly repeats?: true;
  run(call: Call, server: Server): void | Promise<void>;
}

const WRITES: readonly Verb[] = ['create', 'update', 'patch'];
const CHANGES: readonly Verb[] = ['create', 'update', 'patch', 'delete', 'deletecollection'];

export const pipeline: readonly Stage[] = [
  { name: 'authentication', run: authenticate },
  { name: 'audit', run: audit },
  { name: 'impersonation', run: impersonate },
  { name: 'priority-and-fairness', run: takeSeat },
  { name: 'authorization', run: authorize },
  { name: 'body', run: readBody },
  { name: 'readability', repeats: true, run: refuseUnreadable },
  { name: 'conversion', verbs: ['update', 'patch'], repeats: true, run: showCurrent },
  { name: 'decode', verbs: CHANGES, repeats: true, run: decode },
  { name: 'audit-of-content', verbs: ['create', 'update'], repeats: true, run: auditContent },
  { name: 'content-authorization', verbs: WRITES, repeats: true, run: authorizeContent },
  { name: 'mutating-admission', verbs: CHANGES, repeats: true, run: admitMutating },
  { name: 'defaulting', verbs: WRITES, repeats: true, run: setDefaults },
  { name: 'validation', verbs: WRITES, repeats: true, run: validate },
  { name: 'validating-admission', verbs: CHANGES, repeats: true, run: admitValidating },
  { name: 'store', repeats: true, run: storeOrRead },
];

/** Lost races that a write survives. Creates with a generated name give up earlier, by themselves. */
const ATTEMPTS_MAX = 20;

const VERBS: readonly Verb[] = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];

const stagesOf = Object.fromEntries(
  VERBS.map((verb) => {
    const stages = pipeline.filter((stage) => stage.verbs === undefined || stage.verbs.includes(verb));
    return [
      verb,
      { once: stages.filter((stage) => !stage.repeats), repeated: stages.filter((stage) => stage.repeats) },
    ];
  }),
) as unknown as Record<Verb, { once: readonly Stage[]; repeated: readonly Stage[] }>;

/** Nobody's body is read before it is known whose it is. */
function readBody(call: Call): void | Promise<void> {
  if (call.readBody === undefined) return;
  return call.readBody().then((body) => {
    call.body = body;
  });
}

/** Runs a call to its answer. Rejects with a StatusError, or with a bug. The door gives the call's seat back. */
export async function runPipeline(call: Call, server: Server): Promise<Answer> {
  const { once, repeated } = stagesOf[call.verb];
  // By index: an iterator makes an object a step, and there are steps for every request.
  for (let index = 0; index < once.length; index++) {
    const done = (once[index] as Stage).run(call, server);
    if (done !== undefined) await done;
  }
  for (;;) {
    call.attempt++;
    // Some subresources answer before the store stage: what follows is not theirs.
    for (let index = 0; index < repeated.length && call.answer === undefined; index++) {
      const done = (repeated[index] as Stage).run(call, server);
      if (done !== undefined) await done;
    }
    if (call.answer !== undefined)
      return call.kind.conversion?.webhook === undefined ? call.answer : showAnswer(call, server);
    if (call.expectedRevision !== undefined || call.attempt > ATTEMPTS_MAX)
      throw conflictOf(call.kind, call.name ?? '');
  }
}
