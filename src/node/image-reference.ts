/** Image names as a container runtime shows them: registry and tag filled in, and a digest. Pure text. */

/** Fills in registry and tag as containerd does: `nginx` becomes `docker.io/library/nginx:latest`. */
export function normalizeImage(image: string): string {
  const slash = image.indexOf('/');
  const head = slash === -1 ? '' : image.slice(0, slash);
  const hasRegistry = head.includes('.') || head.includes(':') || head === 'localhost';
  const path = hasRegistry ? image : slash === -1 ? `docker.io/library/${image}` : `docker.io/${image}`;
  if (path.includes('@')) return path;
  const lastPart = path.slice(path.lastIndexOf('/') + 1);
  return lastPart.includes(':') ? path : `${path}:latest`;
}

/** The name without tag and digest. */
export function imageRepository(normalized: string): string {
  const at = normalized.indexOf('@');
  const untagged = at === -1 ? normalized : normalized.slice(0, at);
  const colon = untagged.indexOf(':', untagged.lastIndexOf('/'));
  return colon === -1 ? untagged : untagged.slice(0, colon);
}

/** False for names that no registry takes: upstream answers those with `InvalidImageName`. */
export function isImageName(image: string): boolean {
  return /^(?:[a-zA-Z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:(?:[._]|__|-+|\/)[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@[a-z0-9+._-]+:[0-9a-fA-F]{32,})?$/.test(
    image,
  );
}
