/** The kinds of `authentication.k8s.io/v1`: questions that are answered and not stored. */
import { CREATE_ONLY, rowsOf } from './row.ts';
import type { KindDefinition } from './types.ts';

const authentication = rowsOf('authentication.k8s.io', 'v1', 'io.k8s.api.authentication.v1');

/** All resources of authentication.k8s.io/v1, in alphabetical order. */
export const authenticationKinds: readonly KindDefinition[] = [
  authentication('SelfSubjectReview', { plural: 'selfsubjectreviews', namespaced: false, verbs: CREATE_ONLY }),
  authentication('TokenReview', { plural: 'tokenreviews', namespaced: false, verbs: CREATE_ONLY }),
];
