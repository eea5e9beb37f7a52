/** Tables of role bindings and certificate requests. @see pkg/printers/internalversion/printers.go */
import type { CertificateSigningRequest, RbacV1Subject, RoleBinding } from '../generated/types.ts';
import { ageColumn, ageOf, column, nameColumn, nameOf, tableOf } from './columns.ts';
import { humanDuration } from './durations.ts';

/** As the older versions of the group describe them, which is where upstream takes the columns' texts from. */
const roleDescriptions = {
  RoleBinding:
    'RoleRef can reference a Role in the current namespace or a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error.',
  ClusterRoleBinding:
    'RoleRef can only reference a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error.',
};

/** The roles of bindings are described differently in a namespace and in the cluster. */
function bindingTable(kind: 'RoleBinding' | 'ClusterRoleBinding') {
  const noun = kind === 'RoleBinding' ? 'roleBinding' : 'clusterRoleBinding';
  return tableOf<RoleBinding>({
    columns: [
      nameColumn,
      column('Role', 'string', roleDescriptions[kind]),
      ageColumn,
      column('Users', 'string', `Users in the ${noun}`, 1),
      column('Groups', 'string', `Groups in the ${noun}`, 1),
      column('ServiceAccounts', 'string', `ServiceAccounts in the ${noun}`, 1),
    ],
    row(binding, context) {
      const subjects: readonly RbacV1Subject[] = binding.subjects ?? [];
      const namesOf = (kindOfSubject: string) =>
        subjects.filter((subject) => subject.kind === kindOfSubject).map(({ name }) => name);
      const accounts = subjects.filter((subject) => subject.kind === 'ServiceAccount');
      return [
        nameOf(binding),
        `${binding.roleRef?.kind ?? ''}/${binding.roleRef?.name ?? ''}`,
        ageOf(binding, context),
        namesOf('User').join(', '),
        namesOf('Group').join(', '),
        accounts.map(({ namespace = '', name }) => `${namespace}/${name}`).join(', '),
      ];
    },
  });
}

export const roleBindingTable = bindingTable('RoleBinding');
export const clusterRoleBindingTable = bindingTable('ClusterRoleBinding');

/** Of v1beta1, like those of the request and its conditions. */
const signerDescription = `Requested signer for the request. It is a qualified name in the form: \`scope-hostname.io/name\`. If empty, it will be defaulted:
 1. If it's a kubelet client certificate, it is assigned
    "kubernetes.io/kube-apiserver-client-kubelet".
 2. If it's a kubelet serving certificate, it is assigned
    "kubernetes.io/kubelet-serving".
 3. Otherwise, it is assigned "kubernetes.io/legacy-unknown".
Distribution of trust for signers happens out of band. You can select on this field using \`spec.signerName\`.`;

const REQUEST = 'io.k8s.api.certificates.v1.CertificateSigningRequestSpec';

export const certificateSigningRequestTable = tableOf<CertificateSigningRequest>({
  columns: [
    nameColumn,
    ageColumn,
    column('SignerName', 'string', signerDescription),
    column('Requestor', 'string', 'Base64-encoded PKCS#10 CSR data'),
    column('RequestedDuration', 'string', [REQUEST, 'expirationSeconds']),
    column('Condition', 'string', 'Conditions applied to the request, such as approval or denial.'),
  ],
  row(request, context) {
    const { signerName, username, expirationSeconds } = request.spec ?? {};
    return [
      nameOf(request),
      ageOf(request, context),
      signerName || '<none>',
      username ?? '',
      expirationSeconds === undefined ? '<none>' : humanDuration(expirationSeconds * 1000),
      condition(request),
    ];
  },
});

function condition(request: CertificateSigningRequest): string {
  const has = (type: string) => request.status?.conditions?.some((entry) => entry.type === type) ?? false;
  const parts = [has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'];
  if (has('Failed')) parts.push('Failed');
  if (request.status?.certificate) parts.push('Issued');
  return parts.join(',');
}
