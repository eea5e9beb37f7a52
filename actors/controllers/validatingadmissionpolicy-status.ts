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

/** Once a rule has named so many kinds, nothing is said of more. */
const kindsMax = 10;

type Spec = NonNullable<ValidatingAdmissionPolicy['spec']>;

type BuiltinRow = (typeof builtinRows)[number];

/** Kinds are told of by group, version and kind. */
const orderOf = ({ group, version, kind }: BuiltinRow): string => `${group}\0${version}\0${kind}`;

const compareTexts = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/** The kinds that rules name one by one; those with a star, and those of definitions, are left out. */
function namedKinds({ matchConstraints }: Spec): { text: string; schema: Schema }[] {
  const rows = [...builtinRows].sort((left, right) => compareTexts(orderOf(left), orderOf(right)));
  const found = new Set<BuiltinRow>();
  for (const { apiGroups = [], apiVersions = [], resources = [] } of matchConstraints?.resourceRules ?? []) {
    const named = rows.filter(
      ({ group, version, plural }) =>
        apiGroups.includes(group) && apiVersions.includes(version) && resources.includes(plural),
    );
    for (const row of named.slice(0, kindsMax)) found.add(row);
    if (named.length >= kindsMax) break;
  }
  return rows
    .filter((row) => found.has(row))
    .map(({ group, version, kind, definition }) => ({
      text: `${group}/${version}, Kind=${kind}`,
      schema: schemaOf(definition),
    }));
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
