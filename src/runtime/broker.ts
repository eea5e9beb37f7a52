/**
 * Links hosts: the first time that an actor of one host wants to reach an actor of another, the two hosts are given the ends of
 * one MessagePort pair. All actors of both share it. The broker sits in the main thread; messages never pass through it.
 */
import { MessageChannel } from 'node:worker_threads';
import type { ActorHost, Target } from './actor-host.ts';
import type { Hosting } from './hosting.ts';
import { PortLink } from './link.ts';
import type { Link } from './peer.ts';
import type { ThreadHosting } from './thread-hosting.ts';

export class Broker {
  private readonly main: ActorHost;
  private readonly mainLinks = new Map<string, Link>();
  /** For each thread's host, the other threads' hosts that it has links to. */
  private readonly linked = new Map<ThreadHosting, Set<ThreadHosting>>();

  constructor(main: ActorHost) {
    this.main = main;
  }

  /** The way from the main thread's host to an actor in `hosting`. */
  fromMain(number: number, hosting: Hosting): Target {
    if (!this.isThread(hosting)) return { number, link: undefined };
    this.linkMain(hosting);
    return { number, link: this.mainLinks.get(hosting.id) };
  }

  /** Makes sure that `asking` has a link to `hosting`; a host is known to another by its id. */
  connect(asking: ThreadHosting, hosting: Hosting): void {
    if (hosting === asking) return;
    if (!this.isThread(hosting)) {
      this.linkMain(asking);
      return;
    }
    const links = this.linksOf(asking);
    if (links.has(hosting)) return;
    links.add(hosting);
    this.linksOf(hosting).add(asking);
    const { port1, port2 } = new MessageChannel();
    hosting.link(asking.id, port2);
    asking.link(hosting.id, port1);
  }

  /** A thread ended: whoever had a link to it is told, since a thread that ends in haste may leave its ports open. */
  forget(hosting: ThreadHosting): void {
    const reason = `${hosting.id} ended`;
    const link = this.mainLinks.get(hosting.id);
    this.mainLinks.delete(hosting.id);
    if (link !== undefined) this.main.detach(link, reason);
    for (const other of this.linked.get(hosting) ?? []) {
      this.linked.get(other)?.delete(hosting);
      other.unlink(hosting.id, reason);
    }
    this.linked.delete(hosting);
  }

  private linkMain(hosting: ThreadHosting): void {
    if (this.mainLinks.has(hosting.id)) return;
    const { port1, port2 } = new MessageChannel();
    this.mainLinks.set(hosting.id, new PortLink(this.main, port1, hosting.id));
    hosting.link(this.main.id, port2);
  }

  private linksOf(hosting: ThreadHosting): Set<ThreadHosting> {
    let links = this.linked.get(hosting);
    if (links === undefined) {
      links = new Set();
      this.linked.set(hosting, links);
    }
    return links;
  }

  private isThread(hosting: Hosting): hosting is ThreadHosting {
    return hosting.placement !== 'inline';
  }
}
