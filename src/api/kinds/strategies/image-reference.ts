/** What the pull policy's default needs of an image reference: its tag. */

const pathComponent = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const domain = '[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?';
const reference = new RegExp(
  `^(?:${domain}/)?${pathComponent}(?:/${pathComponent})*(?::([\\w][\\w.-]{0,127}))?(@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`,
);

/**
 * The tag of an image reference: `latest` when it has neither tag nor digest, and empty when it has only a digest or is malformed.
 * @see pkg/util/parsers/parsers.go
 */
export function imageTag(image: string): string {
  const match = reference.exec(image);
  if (match === null) return '';
  if (match[1] !== undefined) return match[1];
  return match[2] === undefined ? 'latest' : '';
}
