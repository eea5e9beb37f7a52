/** The order of API versions: `v2` before `v1` before `v1beta2` before `v1alpha1`, and anything else after them. */

const versionPattern = /^v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?$/;

/**
 * Negative when `a` is preferred to `b`. Versions that do not look like Kubernetes' sort last, alphabetically.
 * @see apimachinery/pkg/version/helpers.go
 */
export function compareVersions(a: string, b: string): number {
  const left = versionPattern.exec(a);
  const right = versionPattern.exec(b);
  if (left === null || right === null) {
    if (left !== null) return -1;
    if (right !== null) return 1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  const stage = stageRank(right[2]) - stageRank(left[2]);
  if (stage !== 0) return stage;
  const major = Number(right[1]) - Number(left[1]);
  if (major !== 0) return major;
  return Number(right[3] ?? 0) - Number(left[3] ?? 0);
}

function stageRank(stage: string | undefined): number {
  if (stage === undefined) return 2;
  return stage === 'beta' ? 1 : 0;
}
