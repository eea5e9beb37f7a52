/** The kinds of `authorization.k8s.io/v1`: questions that are answered and not stored. */
import { CREATE_ONLY, rowsOf } from './row.ts';
import type { KindDefinition } from './types.ts';

const authorization = rowsOf('authorization.k8s.io', 'v1', 'io.k8s.api.authorization.v1');

/** All resources of authorization.k8s.io/v1, in alphabetical order. */
export const authorizationKinds: readonly KindDefinition[] = [
  authorization('LocalSubjectAccessReview', { plural: 'localsubjectaccessreviews', verbs: CREATE_ONLY }),
  authorization('SelfSubjectAccessReview', {
    plural: 'selfsubjectaccessreviews',
    namespaced: false,
    verbs: CREATE_ONLY,
  }),
  authorization('SelfSubjectRulesReview', { plural: 'selfsubjectrulesreviews', namespaced: false, verbs: CREATE_ONLY }),
  authorization('SubjectAccessReview', { plural: 'subjectaccessreviews', namespaced: false, verbs: CREATE_ONLY }),
];
