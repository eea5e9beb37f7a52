/**
 * Calls the webhooks that a request concerns: mutating ones one after another, each on what the one before has made of the
 * object; validating ones all at once. @see staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/dispatcher.go, validating/dispatcher.go
 */
import { type ApiObject, applyJsonPatch, StatusError } from '../../../src/api/index.ts';
import { annotate } from '../admission/audit-annotations.ts';
import type { Attributes } from '../admission/plugin.ts';
import { messageOf } from '../failures.ts';
import type { Server } from '../server.ts';
import { sameValue } from '../stages/defaulting.ts';
import { meetsConditions } from './conditions.ts';
import { type HookSource, isExempt, type MatchedHook } from './hooks.ts';
import { WebhookCallError } from './https-client.ts';
import { reviewOf, reviewVersionOf, type Verdict, type VersionedObjects, verdictOf } from './review.ts';
import { Rounds } from './rounds.ts';
import { selectsRequest } from './selection.ts';
import { targetOf } from './targets.ts';
import { shownIn, takeOver } from './versions.ts';

/** @throws StatusError when a hook refuses the request, or fails and must not */
export async function callMutatingHooks(attributes: Attributes, source: HookSource, server: Server): Promise<void> {
  const rounds = Rounds.begin('MutatingAdmissionWebhook', attributes);
  const hooks = isExempt(attributes.kind)
    ? []
    : source.matching(attributes.kind, attributes.operation, attributes.subresource);
  for (const matched of hooks) {
    const { hook, index } = matched;
    if (rounds.skips(hook.id, attributes)) continue;
    if (!selectsRequest(matched, attributes, server)) continue;
    const place = `round_${attributes.reinvocation.second ? 1 : 0}_index_${index}`;
    const objects = await shownIn(attributes, matched.kind, server);
    if (!(await meetsConditions(matched, attributes, objects, server, 'admit'))) continue;
    let changed = false;
    await ask(matched, attributes, objects, server, place, async (patch) => {
      changed = patch.length > 0 && (await change(attributes, matched, objects.object, patch, server));
      noteMutation(attributes, matched, place, changed, patch);
    });
    rounds.note(hook.id, hook.reinvokes, changed, attributes);
  }
  rounds.end(attributes);
}

/** @throws StatusError of the first hook in order that refuses the request, or fails and must not */
export async function callValidatingHooks(attributes: Attributes, source: HookSource, server: Server): Promise<void> {
  if (isExempt(attributes.kind)) return;
  const hooks = source
    .matching(attributes.kind, attributes.operation, attributes.subresource)
    .filter((matched) => selectsRequest(matched, attributes, server));
  const called: { matched: MatchedHook; objects: VersionedObjects }[] = [];
  for (const matched of hooks) {
    const objects = await shownIn(attributes, matched.kind, server);
    if (await meetsConditions(matched, attributes, objects, server, 'validating')) called.push({ matched, objects });
  }
  const results = await Promise.allSettled(
    called.map(({ matched, objects }, index) => ask(matched, attributes, objects, server, `round_0_index_${index}`)),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** Asks one hook; `take` gets the patch of a mutating one that lets the request pass. A hook that fails may, if its policy says so. */
async function ask(
  matched: MatchedHook,
  attributes: Attributes,
  objects: VersionedObjects,
  server: Server,
  place: string,
  take?: (patch: readonly unknown[]) => Promise<void>,
): Promise<void> {
  const { hook } = matched;
  const { call } = attributes;
  const mutates = take !== undefined;
  const told = server.metrics.admission.webhook(hook.name, mutates ? 'admit' : 'validating', attributes.operation);
  if (call.dryRun && hook.hasSideEffects) {
    told.broke();
    throw StatusError.badRequest(`admission webhook ${JSON.stringify(hook.name)} does not support dry run`);
  }
  let verdict: Verdict;
  let patch: readonly unknown[] = [];
  try {
    verdict = await exchange(matched, attributes, objects, server, mutates);
    if (verdict.allowed && verdict.patch !== undefined) patch = patchIn(verdict.patch);
  } catch (error) {
    if (!(error instanceof WebhookCallError)) {
      told.broke();
      throw error;
    }
    told.failed(error.code, hook.ignoresFailure);
    const text = `failed calling webhook ${JSON.stringify(hook.name)}: ${error.message}`;
    if (!hook.ignoresFailure) throw StatusError.internalError(text);
    const half = mutates ? 'mutation' : 'validation';
    annotate(call, `failed-open.${half}.webhook.admission.k8s.io/${place}`, hook.name);
    server.context.log.warn('failed calling webhook, failing open', { webhook: hook.name, error: text });
    return;
  }
  if (call.attempt <= 1) call.warnings.push(...verdict.warnings);
  for (const [key, value] of Object.entries(verdict.auditAnnotations)) annotate(call, `${hook.name}/${key}`, value);
  if (!verdict.allowed) {
    const denial = denialOf(hook.name, verdict.status);
    told.refused(denial.code);
    throw denial;
  }
  try {
    await take?.(patch);
  } catch (error) {
    told.broke();
    throw error;
  }
  told.passed();
}

async function exchange(
  matched: MatchedHook,
  attributes: Attributes,
  objects: VersionedObjects,
  server: Server,
  mutates: boolean,
): Promise<Verdict> {
  const { hook } = matched;
  const version = prefixed('could not create admission objects', () => reviewVersionOf(matched));
  const uid = server.context.random.uuid();
  const timeout = `${hook.timeoutSeconds}s`;
  let answer: Record<string, unknown>;
  try {
    const target = targetOf(hook.clientConfig, timeout, server);
    answer = await server.webhooks.post(
      target,
      reviewOf(attributes, matched, objects, version, uid),
      hook.timeoutSeconds * 1000,
    );
  } catch (error) {
    throw error instanceof WebhookCallError
      ? new WebhookCallError(`failed to call webhook: ${error.message}`, error.code)
      : error;
  }
  return prefixed('received invalid webhook response', () => verdictOf(answer, version, uid, mutates));
}

function prefixed<Value>(prefix: string, make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    throw error instanceof WebhookCallError ? new WebhookCallError(`${prefix}: ${error.message}`, error.code) : error;
  }
}

/** @see staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/errors/statuserror.go */
function denialOf(name: string, status: Readonly<Record<string, unknown>> | undefined): StatusError {
  const { message, reason, code } = (status ?? {}) as { message?: string; reason?: string; code?: number };
  const denied = `admission webhook ${JSON.stringify(name)} denied the request`;
  const text = message ? `${denied}: ${message}` : reason ? `${denied}: ${reason}` : `${denied} without explanation`;
  return StatusError.fromStatus({
    ...status,
    message: text,
    code: typeof code === 'number' && code >= 400 ? code : 400,
  });
}

/** @throws WebhookCallError for what is no patch */
function patchIn(text: string): readonly unknown[] {
  const refuse = (why: string) => new WebhookCallError(`received undecodable patch in webhook response: ${why}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse(messageOf(error));
  }
  if (value === null) return [];
  if (Array.isArray(value)) return value;
  throw refuse(`json: cannot unmarshal ${typeof value} into Go value of type jsonpatch.Patch`);
}

/** Applies the patch; says whether the object is another one now. */
async function change(
  attributes: Attributes,
  { hook, kind }: MatchedHook,
  shown: ApiObject | undefined,
  patch: readonly unknown[],
  server: Server,
): Promise<boolean> {
  if (shown === undefined) {
    throw StatusError.internalError(
      `admission webhook ${JSON.stringify(hook.name)} attempted to modify the object, which is not supported for this operation`,
    );
  }
  const patched = applyJsonPatch(shown, patch, (reason) => StatusError.internalError(reason));
  if (sameValue(patched, shown)) return false;
  await takeOver(attributes, kind, patched, server);
  return true;
}

function noteMutation(
  { call }: Attributes,
  { hook }: MatchedHook,
  place: string,
  mutated: boolean,
  patch: readonly unknown[],
): void {
  const note = { configuration: hook.configuration, webhook: hook.name };
  annotate(call, `mutation.webhook.admission.k8s.io/${place}`, JSON.stringify({ ...note, mutated }));
  // The patch holds what the request holds: it is only for logs that take requests whole.
  const level = call.audit?.verdict.level;
  if (mutated && (level === 'Request' || level === 'RequestResponse')) {
    const key = `patch.webhook.admission.k8s.io/${place}`;
    annotate(call, key, JSON.stringify({ ...note, patch, patchType: 'JSONPatch' }));
  }
}
