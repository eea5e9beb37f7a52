/**
 * The volume manager of one kubelet, there from the first pod that needs it: pods wait here until their volumes are attached
 * and filled, and the Node says which attachable ones are in use, from before the kubelet counts on them until their last
 * pod has ended. The Node is watched only while a volume is waited for. The kubelet calls it for its workers.
 * @see kubernetes/pkg/kubelet/volumemanager
 */
import type { Subscription } from 'rxjs';
import { isStatusError, type Node, type Volume } from '../api/index.ts';
import { type Client, nodes } from '../client/index.ts';
import type { Clock, Log } from '../runtime/index.ts';
import type { BoundPod } from './pod.ts';
import type { PodEvents } from './pod-events.ts';
import { attachableName, fillingFailure, type PodVolumeList, VolumeError } from './volume-sources.ts';

export interface PodVolumesOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly nodeName: string;
  readonly events: PodEvents;
}

/** An attachable volume that pods of this node use. */
interface AttachableVolume {
  readonly users: Set<string>;
  /** The revision at which the Node said that it is in use; what it said of attached volumes before does not count. */
  reportedAt: number;
  attached: boolean;
}

interface Mount {
  readonly pod: BoundPod;
  /** The attachable volumes, by the names that the pod has for them. */
  readonly attachable: Map<string, string>;
  ended: boolean;
  /** Called when a volume that is waited for has been attached, or the pod has ended. */
  look: () => void;
}

const claimRetryMs = 10_000;
const setUpRetryFirstMs = 500;
const setUpRetryMaxMs = 122_000;
const reportRetryMs = 2_000;

export class PodVolumes {
  readonly #options: PodVolumesOptions;
  readonly #mounts = new Map<string, Mount>();
  readonly #volumes = new Map<string, AttachableVolume>();
  /** In use by pods of the kubelet's earlier life that have not been looked at yet. */
  readonly #inherited: Set<string>;
  /** What the Node says of volumes in use. */
  #reported: readonly string[];
  #reporting = false;
  #reportAgain = false;
  /** Pods whose volumes are still to be attached. */
  readonly #waiting = new Set<Mount>();
  #watch: Subscription | undefined;
  #adopting = 0;
  #adopted = false;

  /** @param known what the Node says of volumes in use, from an earlier life of this kubelet */
  constructor(options: PodVolumesOptions, known: readonly string[]) {
    this.#options = options;
    this.#reported = known;
    this.#inherited = new Set(known);
  }

  /** Begins to bring the volumes of a pod up, and calls `ready` when they are there and the pod has not ended. */
  mount(pod: BoundPod, { claims, filled }: PodVolumeList, ready: () => void): void {
    const mount: Mount = { pod, attachable: new Map(), ended: false, look: () => {} };
    this.#mounts.set(pod.metadata.uid, mount);
    this.#adopting++;
    const attached = this.#attach(mount, claims);
    Promise.all([attached, ...filled.map((volume) => this.#setUp(mount, volume))]).then(
      () => {
        if (!mount.ended) ready();
      },
      (error: unknown) => this.#options.log.error('volumes not mounted', { error: textOf(error) }),
    );
  }

  /** The pod has ended, and what it had mounted is unmounted. */
  release(uid: string): void {
    const mount = this.#mounts.get(uid);
    if (mount === undefined) return;
    this.#mounts.delete(uid);
    mount.ended = true;
    this.#waiting.delete(mount);
    for (const name of mount.attachable.values()) {
      const users = this.#volumes.get(name)?.users;
      users?.delete(uid);
      if (users?.size === 0) this.#volumes.delete(name);
    }
    mount.look();
    this.#closeWatch();
    if (mount.attachable.size > 0) this.#report();
  }

  /** All pods of an earlier life have been told: volumes that none of them has are given up. */
  adopted(): void {
    this.#adopted = true;
    if (this.#adopting === 0) this.#disinherit();
  }

  #disinherit(): void {
    if (!this.#adopted || this.#inherited.size === 0) return;
    this.#inherited.clear();
    this.#report();
  }

  async #attach(mount: Mount, claims: readonly Volume[]): Promise<void> {
    let found = await this.#resolve(mount, claims);
    if (--this.#adopting === 0) this.#disinherit();
    while (!found && !mount.ended) {
      await this.#sleep(claimRetryMs);
      if (!mount.ended) found = await this.#resolve(mount, claims);
    }
    if (mount.ended || mount.attachable.size === 0) return;
    const isAttached = (): boolean =>
      [...mount.attachable.values()].every((name) => this.#volumes.get(name)?.attached === true);
    if (isAttached()) return;
    await new Promise<void>((resolve) => {
      mount.look = () => {
        if (!mount.ended && !isAttached()) return;
        this.#waiting.delete(mount);
        this.#closeWatch();
        resolve();
      };
      this.#waiting.add(mount);
      this.#openWatch();
    });
  }

  /** Finds the volumes behind the claims that are not known yet. False when that has to be tried again. */
  async #resolve(mount: Mount, claims: readonly Volume[]): Promise<boolean> {
    const { client, events, log } = this.#options;
    const { pod } = mount;
    const failed: string[] = [];
    const messages: string[] = [];
    for (const volume of claims) {
      if (mount.attachable.has(volume.name)) continue;
      try {
        const name = await attachableName(client, pod, volume);
        if (name !== undefined && !mount.ended) this.#use(mount, volume.name, name);
      } catch (error) {
        failed.push(volume.name);
        if (error instanceof VolumeError) messages.push(error.message);
        else log.debug('volume not looked up', { volume: volume.name, error: textOf(error) });
      }
    }
    if (messages.length > 0 && !mount.ended) {
      const unattached = [...mount.attachable].filter(([, name]) => this.#volumes.get(name)?.attached !== true);
      const waiting = unattached.map(([name]) => name).sort();
      failed.sort();
      const lists = `unmounted volumes=[${[...failed, ...waiting].sort().join(' ')}], unattached volumes=[${waiting.join(' ')}], failed to process volumes=[${failed.join(' ')}]`;
      const message = `Unable to attach or mount volumes: ${lists}: ${messages.join('; ')}`;
      events.warning(pod, undefined, 'FailedMount', message);
    }
    return failed.length === 0;
  }

  #use(mount: Mount, volumeName: string, name: string): void {
    mount.attachable.set(volumeName, name);
    let volume = this.#volumes.get(name);
    if (volume === undefined) {
      volume = { users: new Set(), reportedAt: Number.POSITIVE_INFINITY, attached: false };
      this.#volumes.set(name, volume);
    }
    volume.users.add(mount.pod.metadata.uid);
    this.#report();
  }

  /** Resolves when the volume is filled, or its pod has ended. */
  async #setUp(mount: Mount, volume: Volume): Promise<void> {
    const { client, events, log } = this.#options;
    const { pod } = mount;
    for (let delayMs = setUpRetryFirstMs; !mount.ended; delayMs = Math.min(delayMs * 2, setUpRetryMaxMs)) {
      try {
        const failure = await fillingFailure(client, pod, volume);
        if (failure === undefined || mount.ended) return;
        const message = `MountVolume.SetUp failed for volume "${volume.name}" : ${failure}`;
        events.warning(pod, undefined, 'FailedMount', message);
      } catch (error) {
        if (isStatusError(error)) {
          const message = `MountVolume.SetUp failed for volume "${volume.name}" : ${error.message}`;
          events.warning(pod, undefined, 'FailedMount', message);
        } else log.debug('volume not filled', { volume: volume.name, error: textOf(error) });
      }
      await this.#sleep(delayMs);
    }
  }

  /** Pods that cannot come up are watched, not waited for. */
  async #sleep(delayMs: number): Promise<void> {
    const { clock, signal } = this.#options;
    // The kubelet ends: so does all that waits in it.
    if (signal.aborted) return new Promise(() => {});
    await clock.sleep(delayMs, { background: true });
  }

  /** Makes the Node say which volumes are in use; one write at a time. */
  #report(): void {
    this.#reportAgain = true;
    if (this.#reporting) return;
    this.#reporting = true;
    // Whatever else changes in this turn goes into the same write.
    this.#options.clock.turn(() => {
      void this.#write().finally(() => {
        this.#reporting = false;
      });
    });
  }

  async #write(): Promise<void> {
    const { client, log, nodeName, signal } = this.#options;
    while (this.#reportAgain && !signal.aborted) {
      this.#reportAgain = false;
      const wanted = [...new Set([...this.#volumes.keys(), ...this.#inherited])].sort();
      const isSame = wanted.join(' ') === this.#reported.join(' ');
      try {
        // Even when nothing is to be written: only what the Node says from now on counts.
        if (isSame && [...this.#volumes.values()].every(({ reportedAt }) => Number.isFinite(reportedAt))) continue;
        const status = { volumesInUse: wanted.length === 0 ? null : wanted };
        const node = isSame
          ? await client.get(nodes, { name: nodeName })
          : await client.patch(nodes, { name: nodeName }, 'merge', { status }, { subresource: 'status' });
        this.#reported = wanted;
        const revision = revisionOf(node);
        for (const name of wanted) {
          const volume = this.#volumes.get(name);
          if (volume?.reportedAt === Number.POSITIVE_INFINITY) volume.reportedAt = revision;
        }
        this.#see(node);
      } catch (error) {
        log.debug('volumes in use not reported', { node: nodeName, error: textOf(error) });
        this.#reportAgain = true;
        await this.#sleep(reportRetryMs);
      }
    }
  }

  /** Takes over what the Node says of attached volumes. */
  #see(node: Node): void {
    const revision = revisionOf(node);
    for (const { name } of node.status?.volumesAttached ?? []) {
      const volume = this.#volumes.get(name);
      if (volume !== undefined && volume.reportedAt <= revision) volume.attached = true;
    }
    for (const mount of [...this.#waiting]) mount.look();
  }

  #openWatch(): void {
    const { client, clock, log, nodeName, signal } = this.#options;
    if (this.#watch !== undefined || signal.aborted) return;
    const again = (error?: unknown): void => {
      if (error !== undefined) log.debug('watch of the node ended', { node: nodeName, error: textOf(error) });
      this.#watch = undefined;
      clock.after(
        reportRetryMs,
        () => {
          if (this.#waiting.size > 0) this.#openWatch();
        },
        { background: true },
      );
    };
    this.#watch = client
      .watch(nodes, {
        fieldSelector: `metadata.name=${nodeName}`,
        allowWatchBookmarks: true,
        sendInitialEvents: true,
        resourceVersionMatch: 'NotOlderThan',
      })
      .subscribe({
        next: (event) => {
          if (event.type === 'ADDED' || event.type === 'MODIFIED') this.#see(event.object);
        },
        error: again,
        complete: again,
      });
    signal.addEventListener('abort', this.#stop, { once: true });
  }

  readonly #stop = (): void => {
    this.#watch?.unsubscribe();
    this.#watch = undefined;
  };

  #closeWatch(): void {
    if (this.#waiting.size > 0 || this.#watch === undefined) return;
    this.#options.signal.removeEventListener('abort', this.#stop);
    this.#stop();
  }
}

const revisionOf = ({ metadata }: Node): number => Number(metadata?.resourceVersion ?? 0);

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
