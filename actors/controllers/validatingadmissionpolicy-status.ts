/**
 * validatingadmissionpolicy-status-controller: looks at the types in a ValidatingAdmissionPolicy's expressions, and says in its status
 * which of them cannot be right for the kinds that its rules name.
 *
 * @see kubernetes/pkg/controller/validatingadmissionpolicystatus/controller.go
 */
import {
  builtinRows,
  definitionOf,
  isConflict,
  isNotFound,
  loadExpressions,
  type Schema,
  schemaOf,
  type ValidatingAdmissionPolicy,
} from '../../src/api/index.ts';
import { validatingAdmissionPolicies } from '../../src/client/index.ts';
import type { ControllerDefinition } from '../../src/controller/index.ts';

/** Of more kinds nothing is said. */
const kindsMax = 10;

type Spec = NonNullable<ValidatingAdmissionPolicy['spec']>;

/** The kinds that rules name one by one; those with a star, and those of definitions, are left out. */
function namedKinds({ matchConstraints }: Spec): { text: string; schema: Schema }[] {
  const found = new Map<string, Schema>();
  for (const { apiGroups = [], apiVersions = [], resources = [] } of matchConstraints?.resourceRules ?? []) {
    for (const { group, version, plural, kind, definition } of builtinRows) {
      if (!apiGroups.includes(group) || !apiVersions.includes(version) || !resources.includes(plural)) continue;
      found.set(`${group === '' ? version : `${group}/${version}`}, Kind=${kind}`, schemaOf(definition));
    }
  }
  return [...found]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .slice(0, kindsMax)
    .map(([text, schema]) => ({ text, schema }));
}

function paramsSchema({ paramKind }: Spec): Schema | undefined {
  if (paramKind === undefined) return undefined;
  const [first = '', second] = (paramKind.apiVersion ?? '').split('/');
  const [group, version] = second === undefined ? ['', first] : [first, second];
  const definition = definitionOf(group, version, paramKind.kind ?? '');
  return definition === undefined ? undefined : schemaOf(definition);
}

export const validatingAdmissionPolicyStatusController: ControllerDefinition = {
  name: 'validatingadmissionpolicy-status-controller',
  queue: 'validatingadmissionpolicy-status',
  serviceAccount: 'validatingadmissionpolicy-status-controller',
  reconciles: validatingAdmissionPolicies,
  create({ client, lister }) {
    const policies = lister(validatingAdmissionPolicies);
    return {
      async reconcile(name) {
        const policy = policies.get(undefined, name);
        const { generation = 0, deletionTimestamp } = policy?.metadata ?? {};
        if (policy?.spec === undefined || deletionTimestamp !== undefined) return undefined;
        if ((policy.status?.observedGeneration ?? 0) >= generation) return undefined;
        const { policyTypeWarnings } = await loadExpressions();
        const warnings = policyTypeWarnings(policy.spec, namedKinds(policy.spec), paramsSchema(policy.spec));
        const patch = {
          apiVersion: 'admissionregistration.k8s.io/v1',
          kind: 'ValidatingAdmissionPolicy',
          metadata: { name },
          status: {
            observedGeneration: generation,
            typeChecking: warnings.length === 0 ? {} : { expressionWarnings: warnings },
          },
        };
        const options = { fieldManager: 'validatingadmissionpolicy-status', force: true, subresource: 'status' };
        try {
          await client.patch(validatingAdmissionPolicies, { name }, 'apply', patch, options);
        } catch (error) {
          // Changed meanwhile: the change brings it back here.
          if (!isNotFound(error) && !isConflict(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
