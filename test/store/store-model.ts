/** The store as simple as can be, to compare with: every change in one list, and every answer found by replaying it. */

export interface ModelChange {
  readonly revision: number;
  readonly key: string;
  /** Undefined for a delete. */
  readonly value: string | undefined;
}

export interface ModelKey {
  value: string;
  createRevision: number;
  modRevision: number;
  version: number;
}

export class StoreModel {
  readonly changes: ModelChange[] = [];
  revision = 1;
  compactRevision = 0;

  /** All keys as they were at a revision, in key order. */
  at(revision: number): Map<string, ModelKey> {
    const state = new Map<string, ModelKey>();
    for (const change of this.changes) {
      if (change.revision > revision) break;
      const before = state.get(change.key);
      if (change.value === undefined) state.delete(change.key);
      else if (before === undefined) {
        const { value, revision: createRevision } = change;
        state.set(change.key, { value, createRevision, modRevision: createRevision, version: 1 });
      } else {
        Object.assign(before, { value: change.value, modRevision: change.revision, version: before.version + 1 });
      }
    }
    return new Map([...state].sort(([left], [right]) => (left < right ? -1 : 1)));
  }

  /** Makes changes in one revision; returns it. Deletes of what is not there are no changes. */
  commit(changes: readonly { readonly key: string; readonly value: string | undefined }[]): number {
    const state = this.at(this.revision);
    const effective = changes.filter(({ key, value }) => value !== undefined || state.has(key));
    if (effective.length > 0) this.revision++;
    for (const { key, value } of effective) this.changes.push({ revision: this.revision, key, value });
    return this.revision;
  }

  /** What a watch of a prefix from a revision is told, as `watched` writes it. */
  lines(prefix: string, startRevision: number): string[] {
    return this.changes
      .filter((change) => change.revision >= startRevision && change.key.startsWith(prefix))
      .map(({ key, value, revision }) =>
        value === undefined ? `delete ${key}@${revision}` : `put ${key}=${value}@${revision}`,
      );
  }
}
