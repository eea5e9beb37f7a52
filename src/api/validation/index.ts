/** Validation of the built-in kinds, by the name of their definition. The list of kinds attaches it to their strategies. */

import { definitionValidation } from '../crd/definition-validation.ts';
import type { Strategy } from '../kinds/types.ts';
import { podValidation } from './pods.ts';

/** The parts of a strategy that refuse what makes no sense. */
export type Validation = Pick<
  Strategy,
  'validate' | 'validateUpdate' | 'validateName' | 'warnings' | 'status' | 'subresources'
>;

const validations: Readonly<Record<string, Validation>> = {
  'io.k8s.api.core.v1.Pod': podValidation,
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition': definitionValidation,
};

/** The validation of the kind with that definition, such as `io.k8s.api.core.v1.Pod`; undefined when it needs none of its own. */
export function validationOf(definition: string): Validation | undefined {
  return validations[definition];
}
