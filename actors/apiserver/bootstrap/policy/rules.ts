/** A short notation for the rules and objects of the bootstrap policy. Lists are texts with blanks; `core` is the group without a name. */

export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** A ClusterRole or Role of the policy. */
export interface PolicyRole {
  readonly name: string;
  readonly rules: readonly PolicyRule[];
  /** Labels beyond the one that all of them have. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Takes over the rules of all ClusterRoles with this label. */
  readonly aggregates?: string;
}

export const READ = 'get list watch';
export const READ_UPDATE = 'get list patch update watch';
export const WRITE = 'create delete deletecollection patch update';
export const READ_WRITE = `${READ} ${WRITE}`;

/** Members in the order of their names, as upstream writes them. */
function listOf(text: string): string[] {
  return text.split(' ').sort();
}

/** A rule for resources, such as `rule('get list', 'core apps', 'pods deployments')`. */
export function rule(verbs: string, groups: string, resources: string, resourceNames?: string): PolicyRule {
  return {
    verbs: listOf(verbs),
    apiGroups: groups
      .split(' ')
      .map((group) => (group === 'core' ? '' : group))
      .sort(),
    resources: listOf(resources),
    ...(resourceNames === undefined ? {} : { resourceNames: resourceNames.split(' ') }),
  };
}

/** A rule for paths that are not resources. */
export function urls(verbs: string, paths: string): PolicyRule {
  return { verbs: listOf(verbs), nonResourceURLs: listOf(paths) };
}

/** Lets write Events, in either group. */
export const EVENTS: PolicyRule = rule('create update patch', 'core events.k8s.io', 'events');
