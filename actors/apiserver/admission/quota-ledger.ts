/**
 * Charges requests to the quotas of their namespace. All that wait for one namespace are charged together, one after another
 * on a copy of its quotas, and each quota is then written once: however many come at once, no quota is exceeded, and nobody
 * loses a race to a neighbour.
 */
import { type ApiObject, isStatusError, type ResourceQuota, StatusError } from '../../../src/api/index.ts';
import type { Amounts } from '../../../src/controller/index.ts';
import type { Entry } from '../cache/entry.ts';
import type { Server } from '../server.ts';
import { putObject } from '../verbs/commit.ts';

export interface Charge {
  /** Checked against the quotas, and not written. */
  readonly isTrial: boolean;
  /** Each quota's usage with this charge; undefined for those that are not concerned. @throws StatusError when one is exceeded */
  usedAfter(quotas: readonly ResourceQuota[]): readonly (Amounts | undefined)[];
}

export interface QuotaLedger {
  /** Resolves when the charge is written. Rejects with what a quota says against it. */
  charge(namespace: string, charge: Charge): Promise<void>;
}

interface Waiter {
  readonly charge: Charge;
  /** Quotas that have taken the charge already. */
  readonly paid: Set<string>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Others write the quotas too (the controller, other API servers): then it is tried again. */
const ATTEMPTS_MAX = 20;

export function createQuotaLedger(server: Server): QuotaLedger {
  const waiting = new Map<string, Waiter[]>();

  async function work(namespace: string): Promise<void> {
    for (;;) {
      const batch = waiting.get(namespace) ?? [];
      if (batch.length === 0) {
        waiting.delete(namespace);
        return;
      }
      waiting.set(namespace, []);
      try {
        await settle(server, namespace, batch);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
  }

  return {
    charge(namespace, charge) {
      return new Promise<void>((resolve, reject) => {
        const waiter: Waiter = { charge, paid: new Set(), resolve, reject };
        const others = waiting.get(namespace);
        if (others !== undefined) {
          others.push(waiter);
          return;
        }
        waiting.set(namespace, [waiter]);
        void work(namespace);
      });
    },
  };
}

async function settle(server: Server, namespace: string, batch: readonly Waiter[]): Promise<void> {
  const cache = server.caches.cacheOf('/registry/resourcequotas', true);
  let open = batch;
  for (let attempt = 0; attempt < ATTEMPTS_MAX && open.length > 0; attempt++) {
    const drafts = cache
      .list(namespace)
      .map((entry) => ({ entry, used: undefined as Amounts | undefined, by: [] as Waiter[] }));
    const admitted = open.filter((waiter) => enter(waiter, drafts));
    const lost = new Set<Waiter>();
    await Promise.all(
      drafts.map(async ({ entry, used, by }) => {
        if (used === undefined) return;
        const written = await putObject(server, cache, entry.key, withUsage(entry, used), entry.revision);
        for (const waiter of by) {
          if (written === undefined) lost.add(waiter);
          else waiter.paid.add(entry.key);
        }
      }),
    );
    for (const waiter of admitted) if (!lost.has(waiter)) waiter.resolve();
    open = [...lost];
  }
  for (const { reject } of open) reject(StatusError.internalError('resource quota evaluation timed out'));
}

interface Draft {
  readonly entry: Entry;
  used: Amounts | undefined;
  readonly by: Waiter[];
}

function currentQuota({ entry, used }: Draft): ResourceQuota {
  const quota = entry.object as ResourceQuota;
  return used === undefined ? quota : { ...quota, status: { ...quota.status, used } };
}

/** Enters a charge into the drafts of all quotas, or into none and tells its waiter why. */
function enter(waiter: Waiter, drafts: readonly Draft[]): boolean {
  const changes: { draft: Draft; used: Amounts }[] = [];
  try {
    const open = drafts.filter(({ entry }) => !waiter.paid.has(entry.key));
    const usages = waiter.charge.usedAfter(open.map(currentQuota));
    usages.forEach((used, at) => {
      const draft = open[at];
      if (used !== undefined && draft !== undefined) changes.push({ draft, used });
    });
  } catch (error) {
    if (!isStatusError(error)) throw error;
    waiter.reject(error);
    return false;
  }
  if (waiter.charge.isTrial) {
    waiter.resolve();
    return false;
  }
  for (const { draft, used } of changes) {
    draft.used = used;
    draft.by.push(waiter);
  }
  return true;
}

function withUsage({ object }: Entry, used: Amounts): ApiObject {
  return { ...object, metadata: { ...object.metadata }, status: { ...(object['status'] as object | undefined), used } };
}
