import { describe, expect, it } from 'vitest';
import { imageRepository, isImageName, normalizeImage } from '../../src/node/image-reference.ts';

describe('image names', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.27', 'docker.io/library/nginx:1.27'],
    ['org/app', 'docker.io/org/app:latest'],
    ['registry.k8s.io/pause:3.10', 'registry.k8s.io/pause:3.10'],
    ['localhost:5000/app', 'localhost:5000/app:latest'],
    ['localhost/app', 'localhost/app:latest'],
  ])('%s is shown as %s', (image, shown) => {
    expect(normalizeImage(image)).toBe(shown);
    expect(isImageName(image)).toBe(true);
  });

  it('keep a digest', () => {
    const image = `nginx@sha256:${'a'.repeat(64)}`;
    expect(normalizeImage(image)).toBe(`docker.io/library/${image}`);
    expect(imageRepository(normalizeImage(image))).toBe('docker.io/library/nginx');
    expect(isImageName(image)).toBe(true);
  });

  it('that no registry takes are refused', () => {
    for (const image of ['', 'NGINX', 'a b', 'nginx:', 'nginx:.x', ':1']) expect(isImageName(image)).toBe(false);
  });
});
