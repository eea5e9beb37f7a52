/**
 * Favours nodes that have the pod's images already, by their size, scaled down for images that few nodes have.
 * @see plugins/imagelocality/image_locality.go
 */
import { normalizedImageName, type PluginDefinition, type PodInfo, skip } from '../../../src/scheduling/index.ts';

const name = 'ImageLocality';
const mebibyte = 1024 * 1024;
const sizeLeast = 23 * mebibyte;
const sizeMostPerContainer = 1000 * mebibyte;

function imagesOf({ pod: { spec } }: PodInfo): string[] {
  const images = (spec?.containers ?? []).map(({ image = '' }) => image);
  return spec?.initContainers?.length ? [...spec.initContainers.map(({ image = '' }) => image), ...images] : images;
}

export const imageLocality: PluginDefinition = {
  name,
  create: ({ nodes }) => ({
    name,
    // When no node reports any of the images, every node scores 0.
    preScore: (_cycle, info) =>
      nodes.images.size > 0 && imagesOf(info).some((image) => nodes.images.has(normalizedImageName(image)))
        ? undefined
        : skip,
    sign: (info) => imagesOf(info).join(),
    score(_cycle, info, row) {
      const images = imagesOf(info);
      let sum = 0;
      for (const image of images) {
        const normalized = normalizedImageName(image);
        if (!nodes.rowImages[row]?.has(normalized)) continue;
        const state = nodes.images.get(normalized)!;
        sum += Math.trunc(state.size * (state.nodes / nodes.nodeCount));
      }
      const most = sizeMostPerContainer * images.length;
      const clamped = Math.min(Math.max(sum, sizeLeast), most);
      return Math.trunc((100 * (clamped - sizeLeast)) / (most - sizeLeast));
    },
  }),
};
