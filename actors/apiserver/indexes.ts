/** The fields by whose value watchers and lists of a kind are indexed: what kubelets ask for, five thousand at a time. */
import type { ApiObject } from '../../src/api/index.ts';

export interface IndexedField {
  /** As field selectors name it. */
  readonly label: string;
  read(object: ApiObject): string;
}

/** By storage prefix. */
export const INDEXED_FIELDS: Readonly<Record<string, IndexedField>> = {
  '/registry/pods': {
    label: 'spec.nodeName',
    read: (pod) => (pod['spec'] as { nodeName?: string } | undefined)?.nodeName ?? '',
  },
};
