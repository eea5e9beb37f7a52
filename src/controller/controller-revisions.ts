/**
 * The history of StatefulSets and DaemonSets: each template they ever had is a ControllerRevision, numbered upward; going
 * back to an old template renumbers its revision.
 *
 * @see kubernetes/pkg/controller/history/controller_history.go
 */
import { type ControllerRevision, isAlreadyExists, isNotFound, type PodTemplateSpec } from '../api/index.ts';
import { type Client, controllerRevisions, type KubernetesObject, keyOf, type Resource } from '../client/index.ts';
import { semanticallyEqual } from './equality.ts';
import { controllerReferenceTo } from './owner-references.ts';
import { timeMs } from './times.ts';

export interface RevisionOwner extends KubernetesObject {
  spec?: { template?: PodTemplateSpec | undefined } | undefined;
}

export interface RevisionOptions {
  readonly client: Client;
  readonly owner: RevisionOwner;
  readonly ownerResource: Resource;
  /** Label that carries the hash. */
  readonly hashLabel: string;
  /** The hash of the owner's template, which tries again with a higher count where the name is taken. */
  hashOf(collisionCount: number): string;
  /** Whether the label keeps the hash of the first try when names are taken. Default: it is the one in the name. */
  readonly labelsFirstTry?: boolean;
  readonly collisionCount: number;
}

/** Oldest first. */
export function byRevision(left: ControllerRevision, right: ControllerRevision): number {
  return (
    left.revision - right.revision ||
    timeMs(left.metadata?.creationTimestamp) - timeMs(right.metadata?.creationTimestamp) ||
    ((left.metadata?.name ?? '') < (right.metadata?.name ?? '') ? -1 : 1)
  );
}

/** What a revision stores of its owner: a patch that sets the template. */
export function revisionData(owner: RevisionOwner): Record<string, unknown> {
  return { spec: { template: { ...owner.spec?.template, $patch: 'replace' } } };
}

export function hasTemplateOf(revision: ControllerRevision, owner: RevisionOwner): boolean {
  return semanticallyEqual(revision.data, revisionData(owner));
}

/** The template that a revision stores. */
export function templateOfRevision(revision: ControllerRevision): PodTemplateSpec {
  const data = revision.data as { spec?: { template?: PodTemplateSpec & { $patch?: string } } } | undefined;
  const { $patch: _patch, ...template } = data?.spec?.template ?? {};
  return template;
}

/**
 * The revision of the owner's current template: an existing one, made the newest, or a new one. `existing` are the owner's,
 * oldest first. `collisionCount` in the answer is higher when a name was taken.
 */
export async function currentRevision(
  options: RevisionOptions,
  existing: readonly ControllerRevision[],
): Promise<{ readonly revision: ControllerRevision; readonly collisionCount: number }> {
  const { client, owner } = options;
  const newest = existing.at(-1);
  const equal = existing.filter((revision) => hasTemplateOf(revision, owner)).at(-1);
  if (equal !== undefined && newest !== undefined) {
    if (equal === newest) return { revision: equal, collisionCount: options.collisionCount };
    const revision = await client.update(controllerRevisions, { ...equal, revision: newest.revision + 1 });
    return { revision, collisionCount: options.collisionCount };
  }
  return await createRevision(options, (newest?.revision ?? 0) + 1);
}

/** What of the owner's name goes into that of a revision. */
const prefixMost = 223;

async function createRevision(options: RevisionOptions, number: number) {
  const { client, owner, ownerResource, hashLabel } = options;
  const firstHash = options.hashOf(options.collisionCount);
  const { name = '', namespace, annotations } = owner.metadata ?? {};
  for (let collisionCount = options.collisionCount; ; collisionCount++) {
    const hash = options.hashOf(collisionCount);
    const label = options.labelsFirstTry === true ? firstHash : hash;
    const wanted: ControllerRevision = {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: {
        name: `${name.slice(0, prefixMost)}-${hash}`,
        namespace,
        labels: { ...owner.spec?.template?.metadata?.labels, [hashLabel]: label },
        ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
        ownerReferences: [controllerReferenceTo(owner, ownerResource)],
      },
      data: revisionData(owner),
      revision: number,
    };
    try {
      return { revision: await client.create(controllerRevisions, wanted), collisionCount };
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const taken = await client.get(controllerRevisions, keyOf(wanted));
      if (hasTemplateOf(taken, owner)) return { revision: taken, collisionCount };
    }
  }
}

/**
 * Deletes the oldest revisions that are not in use, as far as more than `limit` of them count: those that are not in use, or
 * `counted` ones.
 */
export async function truncateHistory(
  client: Client,
  revisions: readonly ControllerRevision[],
  inUse: (revision: ControllerRevision) => boolean,
  limit: number,
  counted?: number,
): Promise<void> {
  const unused = [...revisions].sort(byRevision).filter((revision) => !inUse(revision));
  for (const revision of unused.slice(0, Math.max(0, (counted ?? unused.length) - limit))) {
    try {
      await client.delete(controllerRevisions, keyOf(revision));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** A revision that was taken over without the label of its hash gets one: its name, which no other has. */
export async function withHashLabel(
  client: Client,
  revision: ControllerRevision,
  hashLabel: string,
): Promise<ControllerRevision> {
  const { labels, name = '' } = revision.metadata ?? {};
  if (labels?.[hashLabel] !== undefined) return revision;
  const metadata = { ...revision.metadata, labels: { ...labels, [hashLabel]: name } };
  return await client.update(controllerRevisions, { ...revision, metadata });
}
