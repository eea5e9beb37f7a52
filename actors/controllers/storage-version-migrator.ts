/**
 * storage-version-migrator-controller: writes every object of a resource anew, unchanged, so that it is stored in the version and
 * with the key of today. Of the StorageVersionMigrations of one resource one runs at a time, the oldest first. The status keeps
 * the resourceVersion from which on nothing needs it, and its definition, where it has one, says which versions are left.
 *
 * Keys are names of migrations, and `resource/<group>/<plural>` for who runs next.
 *
 * @see kubernetes/pkg/controller/storageversionmigrator and KEP-4192
 */
import {
  type CustomResourceDefinition,
  enabledRows,
  isConflict,
  isInternalError,
  isNotFound,
  isServerTimeout,
  isServiceUnavailable,
  isStatusError,
  isTimeout,
  isTooManyRequests,
  type StorageVersionMigration,
} from '../../src/api/index.ts';
import { customResourceDefinitions, type Resource, storageVersionMigrations } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  conditionOf,
  createResourceCatalog,
  keyFor,
  newCondition,
  type Reconciler,
  timeMs,
} from '../../src/controller/index.ts';

const manager = 'storage-version-migrator-controller';
const runnerManager = 'migration-runner-controller';
const resourcePrefix = 'resource/';
/** A kind that has just been defined may not be known yet. */
const graceMs = 60_000;
const pageSize = 500;
const migratableVerbs = ['list', 'update', 'patch'];

export const storageVersionMigratorController: ControllerDefinition = {
  name: 'storage-version-migrator-controller',
  queues: [{ name: 'resource-version-controller', takes: (key) => key.startsWith(resourcePrefix) }],
  needs: storageVersionMigrations,
  reconciles: storageVersionMigrations,
  create: createReconciler,
};

const resourceKey = ({ spec }: StorageVersionMigration): string =>
  `${resourcePrefix}${spec?.resource.group ?? ''}/${spec?.resource.resource ?? ''}`;

const isTrue = ({ status }: StorageVersionMigration, type: string): boolean =>
  conditionOf(status?.conditions, type)?.status === 'True';
const isRunning = (migration: StorageVersionMigration) => isTrue(migration, 'Running');
const isOver = (migration: StorageVersionMigration) => isTrue(migration, 'Succeeded') || isTrue(migration, 'Failed');

/** Failures after which the same request may well succeed. */
const passes = [isServerTimeout, isTooManyRequests, isServiceUnavailable, isInternalError, isTimeout];

const isOlder = (left: StorageVersionMigration, right: StorageVersionMigration): boolean =>
  (timeMs(left.metadata?.creationTimestamp) - timeMs(right.metadata?.creationTimestamp) ||
    (keyFor(left) < keyFor(right) ? -1 : 1)) < 0;

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, settings } = dependencies;
  const { clock } = context;
  const migrations = dependencies.lister(storageVersionMigrations);
  const catalog = createResourceCatalog(dependencies);
  dependencies.observe(storageVersionMigrations, ({ object }) => dependencies.enqueue(resourceKey(object)));

  /** The resource in the version that clients prefer; undefined for one that nobody serves. */
  function resourceOf({ spec }: StorageVersionMigration): Resource | undefined {
    const { group = '', resource = '' } = spec?.resource ?? {};
    return catalog.all().find((known) => known.group === group && known.resource === resource);
  }

  function isMigratable({ group, version, resource }: Resource): boolean {
    const row = enabledRows(settings.runtimeConfig).find(
      (kind) => kind.group === group && kind.version === version && kind.plural === resource,
    );
    return row?.verbs === undefined || migratableVerbs.every((verb) => row.verbs?.includes(verb));
  }

  const writeStatus = (migration: StorageVersionMigration, status: StorageVersionMigration['status']) =>
    client.update(storageVersionMigrations, { ...migration, status }, { subresource: 'status' });

  /** The status with this condition true, after those that are there. */
  function withTrue({ status }: StorageVersionMigration, type: string, reason: string, message: string) {
    return {
      ...status,
      conditions: [...(status?.conditions ?? []), newCondition(clock, type, 'True', reason, message)],
    };
  }

  const fail = (migration: StorageVersionMigration, message: string) =>
    writeStatus(migration, withTrue(migration, 'Failed', 'StorageVersionMigrationFailed', message));

  async function definitionOf({ spec }: StorageVersionMigration): Promise<CustomResourceDefinition | undefined> {
    const { group = '', resource = '' } = spec?.resource ?? {};
    try {
      return await client.get(customResourceDefinitions, { name: `${resource}.${group}` });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** The resourceVersion makes it fail where the definition has changed since: the generation is that of what was looked at. */
  async function applyToDefinition(
    { metadata }: CustomResourceDefinition,
    condition: { readonly status: string; readonly reason: string; readonly message: string },
    more: object = {},
  ): Promise<void> {
    const { status, reason, message } = condition;
    const { name = '', resourceVersion, generation } = metadata ?? {};
    const migrating = newCondition(clock, 'StorageMigrating', status, reason, message);
    const patch = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name, resourceVersion },
      status: { conditions: [{ ...migrating, observedGeneration: generation }], ...more },
    };
    const options = { fieldManager: runnerManager, force: true, subresource: 'status' };
    await client.patch(customResourceDefinitions, { name }, 'apply', patch, options);
  }

  async function begin(migration: StorageVersionMigration): Promise<void> {
    const definition = await definitionOf(migration);
    if (definition !== undefined) {
      const message = `Migration ${migration.metadata?.name} is running`;
      await applyToDefinition(definition, { status: 'True', reason: 'MigrationRunning', message });
    }
    await writeStatus(migration, withTrue(migration, 'Running', 'MigrationRunning', 'The migration is running'));
  }

  async function end(migration: StorageVersionMigration): Promise<void> {
    const definition = await definitionOf(migration);
    if (definition !== undefined) await endOf(definition, isTrue(migration, 'Succeeded'));
    const completed = newCondition(clock, 'Running', 'False', 'MigrationCompleted', 'Migration completed');
    const observedGeneration = migration.metadata?.generation;
    const conditions = (migration.status?.conditions ?? []).map((condition) =>
      condition.type === 'Running' ? { ...completed, observedGeneration } : condition,
    );
    await writeStatus(migration, { ...migration.status, conditions });
  }

  /** Old versions are struck off where the definition is still the one that the migration began with. */
  async function endOf(definition: CustomResourceDefinition, succeeded: boolean): Promise<void> {
    const migrating = conditionOf(definition.status?.conditions, 'StorageMigrating');
    const isSame = migrating?.observedGeneration === definition.metadata?.generation;
    const outcome = isSame
      ? ' and the stored versions have been updated'
      : ' but the stored versions have not been updated due to a generation mismatch';
    const storage = definition.spec.versions.find((version) => version.storage)?.name;
    await applyToDefinition(
      definition,
      succeeded
        ? { status: 'False', reason: 'MigrationSucceeded', message: `The migration has succeeded${outcome}` }
        : { status: 'False', reason: 'MigrationFailed', message: 'The migration has failed' },
      succeeded && isSame && storage !== undefined ? { storedVersions: [storage] } : {},
    );
  }

  /** Ends what is over, and lets the oldest begin when none of the resource runs. */
  async function choose(key: string): Promise<void> {
    const all = migrations.list().filter((migration) => resourceKey(migration) === key);
    for (const migration of all) if (isRunning(migration) && isOver(migration)) await end(migration);
    const waiting = all.filter((migration) => !isOver(migration));
    if (waiting.some(isRunning)) return;
    const [first, ...others] = waiting;
    const next = others.reduce((oldest, other) => (oldest && isOlder(other, oldest) ? other : oldest), first);
    if (next !== undefined) await begin(next);
  }

  /** Where the resource stands now: whatever is written from here on needs no migration. */
  async function mark(migration: StorageVersionMigration, resource: Resource): Promise<void> {
    const { resourceVersion } = await client.list(resource, { limit: 1 });
    await writeStatus(migration, { ...migration.status, resourceVersion });
  }

  /** Applies nothing to each object that is older than the mark; the server writes it if it is stored otherwise than today. */
  async function rewrite(resource: Resource, until: string): Promise<void> {
    const { group, version, kind } = resource;
    const apiVersion = group === '' ? version : `${group}/${version}`;
    let from: string | undefined;
    do {
      const page = await client.list(resource, { limit: pageSize, ...(from === undefined ? {} : { continue: from }) });
      for (const { metadata } of page.items) {
        const { namespace, name = '', uid, resourceVersion = '' } = metadata ?? {};
        if (BigInt(resourceVersion) > BigInt(until)) continue;
        const patch = { apiVersion, kind, metadata: { name, namespace, uid, resourceVersion } };
        try {
          await client.patch(resource, { namespace, name }, 'apply', patch, { fieldManager: manager, quiet: true });
        } catch (error) {
          // Changed, deleted or replaced meanwhile: there is nothing left to do for it.
          if (!isConflict(error) && !isNotFound(error)) throw error;
        }
      }
      from = page.continue;
    } while (from !== undefined && from !== '');
  }

  async function migrate(migration: StorageVersionMigration, resource: Resource, until: string): Promise<void> {
    try {
      await rewrite(resource, until);
    } catch (error) {
      if (!isStatusError(error) || passes.some((matches) => matches(error))) throw error;
      await fail(migration, `migration encountered unhandled error: ${error.message}`);
      return;
    }
    await writeStatus(migration, withTrue(migration, 'Succeeded', 'StorageVersionMigrationSucceeded', ''));
  }

  return {
    async reconcile(key) {
      if (key.startsWith(resourcePrefix)) {
        await choose(key);
        return undefined;
      }
      const migration = migrations.get(undefined, key);
      if (migration === undefined || isOver(migration) || !isRunning(migration)) return undefined;
      const resource = resourceOf(migration);
      const { resourceVersion = '' } = migration.status ?? {};
      if (resource === undefined) {
        const leftMs = timeMs(migration.metadata?.creationTimestamp) + graceMs - clock.now();
        if (leftMs > 0) return { requeueAfterMs: Math.min(leftMs, 1_000), background: true };
        await fail(migration, 'resource does not exist in discovery');
      } else if (!isMigratable(resource)) await fail(migration, 'resource is not migratable');
      else if (resourceVersion === '') await mark(migration, resource);
      else await migrate(migration, resource, resourceVersion);
      return undefined;
    },
  };
}
