/** What a kubelet is told at its start: plain data, since it crosses threads. Every member but the name has a default. */
import type { Pod, Quantity, Taint } from '../api/index.ts';
import type { EventVerbosity } from './pod-events.ts';
import type { SimulationDelays } from './simulated/behaviour.ts';

export type AddressFamily = 'IPv4' | 'IPv6';

export interface KubeletOptions {
  readonly nodeName: string;
  /** Which container runtime runs the pods. `simulated` is the only one so far. */
  readonly runtime?: 'simulated' | undefined;
  /** Added to the labels that every kubelet sets itself. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly taints?: readonly Taint[] | undefined;
  /** Become `topology.kubernetes.io/zone` and `…/region`. */
  readonly zone?: string | undefined;
  readonly region?: string | undefined;
  /** Default cpu 32, memory 256Gi, pods 110, ephemeral-storage 1Ti, hugepages none. Merged over these. */
  readonly capacity?: Readonly<Record<string, Quantity>> | undefined;
  /** Default: the capacity. */
  readonly allocatable?: Readonly<Record<string, Quantity>> | undefined;
  /**
   * The node's number in its cluster, of which its default address and pod range are made. Default: the number at the end of
   * its name, or else one made of the name's hash.
   */
  readonly ordinal?: number | undefined;
  /** The families of its addresses and its pods' where no others are given, the first one first. Default IPv4 alone. */
  readonly families?: readonly AddressFamily[] | undefined;
  /** The node's own address. Default: one of 172.16.0.0/12, or of fd00:172:16::/48, by its ordinal. */
  readonly address?: string | undefined;
  /**
   * The range that pods get addresses from, such as `10.1.7.0/24`, or one of each family with a comma between; registered as
   * the node's podCIDRs. `from-node` waits until a controller has set them. Default: a /24 of 10.128.0.0/9, and a /64 of
   * fd00:10:128::/48, by its ordinal, unique for 32 768 nodes.
   */
  readonly podCidr?: string | undefined;
  readonly providerId?: string | undefined;
  /** Whether a cloud controller manager sees to nodes: it takes away the taint that this one registers with, and sets its addresses. */
  readonly externalCloud?: boolean | undefined;
  /** Defaults 40 s. */
  readonly leaseDurationSeconds?: number | undefined;
  /** How often the node's status is written when nothing in it changed. Default 300 000 ms. */
  readonly statusReportMs?: number | undefined;
  /** Waits this long before it registers. Default 0. */
  readonly registerDelayMs?: number | undefined;
  readonly delays?: SimulationDelays | undefined;
  /** Default `all`. */
  readonly events?: EventVerbosity | undefined;
  /** Normal events a second that all kubelets of one thread together report, and how many at once. Defaults 500 and 2000. */
  readonly eventsPerSecond?: number | undefined;
  readonly eventsBurst?: number | undefined;
  /** Pods that this kubelet runs by itself; the API shows a mirror of each, named `<name>-<node>`. */
  readonly staticPods?: readonly Pod[] | undefined;
  /** Address of the API server's actor. Default `apiserver`. */
  readonly apiserver?: string | undefined;
}
