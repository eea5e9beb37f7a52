/** The error of a wrong option: what composition throws before anything starts. */

/** Thrown for an option that cannot be; `message` names the option, what was wrong and what is allowed. */
export class ClusterOptionsError extends Error {
  override readonly name = 'ClusterOptionsError';
}
