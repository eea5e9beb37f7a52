/**
 * The images of one simulated node: which ones are here, and pulls that take the time and end as the simulation says. What an
 * image is (digest, size) follows from its name alone, so that every node agrees; a catalog shared by the kubelets of a thread
 * remembers it.
 */
import { createHash } from 'node:crypto';
import type { Pod } from '../../api/index.ts';
import type { Clock, Random } from '../../runtime/index.ts';
import { imageRepository, normalizeImage } from '../image-reference.ts';
import { ImagePullError, type ImageRecord, type ImageService, type MaybePromise } from '../runtime.ts';
import { pullBehaviour, type SimulationDelays } from './behaviour.ts';

const catalogSizeMax = 10_000;

/** Facts about images by name; holds at most {@link catalogSizeMax}. */
export class ImageCatalog {
  readonly #records = new Map<string, ImageRecord>();

  record(image: string): ImageRecord {
    const known = this.#records.get(image);
    if (known !== undefined) return known;
    const name = normalizeImage(image);
    const digest = createHash('sha256').update(name).digest('hex');
    const id = name.includes('@') ? name : `${imageRepository(name)}@sha256:${digest}`;
    // Between 5 and 200 million bytes, as common images are.
    const sizeBytes = 5_000_000 + (Number.parseInt(digest.slice(0, 8), 16) % 195_000_000);
    const made = { name, id, sizeBytes };
    if (this.#records.size >= catalogSizeMax) this.#records.clear();
    this.#records.set(image, made);
    return made;
  }
}

export class SimulatedImages implements ImageService {
  readonly #catalog: ImageCatalog;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #delays: SimulationDelays;
  readonly #present = new Set<string>();

  constructor(catalog: ImageCatalog, clock: Clock, random: Random, delays: SimulationDelays) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#random = random;
    this.#delays = delays;
  }

  imageStatus(image: string): ImageRecord | undefined {
    return this.#present.has(image) ? this.#catalog.record(image) : undefined;
  }

  pullImage(image: string, pod: Pod): MaybePromise<ImageRecord> {
    const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
    const all = [...initContainers, ...containers, ...ephemeralContainers];
    const container = all.find((one) => one.image === image)?.name ?? '';
    const { delayMs, error } = pullBehaviour(pod, container, this.#delays);
    const finish = (): ImageRecord => {
      if (error !== undefined) throw new ImagePullError(error);
      this.#present.add(image);
      return this.#catalog.record(image);
    };
    if (delayMs === 0 && error === undefined) return finish();
    return this.#clock.sleep(vary(delayMs, this.#delays.jitter, this.#random)).then(finish);
  }

  /** The image is here without a pull: a container that runs needs it. */
  keep(image: string): ImageRecord {
    this.#present.add(image);
    return this.#catalog.record(image);
  }

  listImages(): readonly ImageRecord[] {
    return [...this.#present]
      .map((image) => this.#catalog.record(image))
      .sort((left, right) => right.sizeBytes - left.sizeBytes || (left.name < right.name ? -1 : 1));
  }

  removeImage(image: string): void {
    this.#present.delete(image);
  }
}

/** Varies a delay by up to `jitter` of itself, both ways. */
export function vary(delayMs: number, jitter: number | undefined, random: Random): number {
  return jitter === undefined || jitter === 0 ? delayMs : delayMs * (1 + jitter * (2 * random.next() - 1));
}
