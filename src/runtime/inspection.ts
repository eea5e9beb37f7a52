/** What a person wants to know of a running system: one row an actor, and everybody's metrics. */
import type { Hosting, HostReport } from './hosting.ts';
import { type MetricsSnapshot, mergeSnapshots, prometheusText } from './metrics.ts';
import type { ActorRecord, ActorState } from './supervisor.ts';
import type { Placement } from './types.ts';

export interface ActorInspection {
  readonly address: string;
  readonly placement: Placement;
  /** Name of its host, such as `main`, `shared-0` or `dedicated-17`. */
  readonly host: string;
  /** Node's number of the thread it lives in; 0 is the main thread, -1 none at present. */
  readonly threadId: number;
  readonly state: ActorState;
  /** Messages that wait for it, and calls that it works on. */
  readonly mailboxDepth: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  /** Since the inspection before this one (the first: since its start). */
  readonly messagesInPerSecond: number;
  readonly messagesOutPerSecond: number;
  /** Share of time in which its thread's event loop was busy since the inspection before this one, from 0 to 1. */
  readonly utilization: number;
  readonly restarts: number;
  /** JavaScript heap in use in its thread; actors of one thread share it. */
  readonly heapBytes: number;
  readonly lastError: string | undefined;
  readonly metrics: MetricsSnapshot;
}

interface Seen {
  readonly time: number;
  readonly received: number;
  readonly sent: number;
}

export class Inspector {
  /** Counts of the inspection before, by actor number. */
  private seen = new Map<number, Seen>();

  async inspect(records: Iterable<ActorRecord>, hostings: Iterable<Hosting>, now: number): Promise<ActorInspection[]> {
    const hosts = [...hostings];
    const reports = await Promise.all(hosts.map((hosting) => hosting.report()));
    const byHost = new Map<Hosting, { readonly report: HostReport; readonly utilization: number }>();
    const cells = new Map(
      hosts.flatMap((hosting, at) => {
        byHost.set(hosting, { report: reports[at]!, utilization: hosting.utilization() });
        return reports[at]!.cells.map((cell) => [cell.number, cell] as const);
      }),
    );
    const seen = new Map<number, Seen>();
    const rows = [...records].map((record): ActorInspection => {
      const cell = cells.get(record.number);
      const host = record.hosting === undefined ? undefined : byHost.get(record.hosting);
      const received = cell?.received ?? 0;
      const sent = cell?.sent ?? 0;
      const before = this.seen.get(record.number) ?? { time: record.startedAt, received: 0, sent: 0 };
      const seconds = Math.max(now - before.time, 1) / 1000;
      if (cell !== undefined) seen.set(record.number, { time: now, received, sent });
      return {
        address: record.address,
        placement: record.placement,
        host: record.hosting?.id ?? '',
        threadId: record.hosting?.threadId ?? -1,
        state: record.state,
        mailboxDepth: cell?.mailboxDepth ?? 0,
        messagesIn: received,
        messagesOut: sent,
        messagesInPerSecond: Math.max(0, received - before.received) / seconds,
        messagesOutPerSecond: Math.max(0, sent - before.sent) / seconds,
        utilization: host?.utilization ?? 0,
        restarts: record.restarts,
        heapBytes: host?.report.heapBytes ?? 0,
        lastError: record.lastError,
        metrics: cell?.metrics ?? [],
      };
    });
    this.seen = seen;
    return rows;
  }

  /** The metrics of all actors of all hosts, added up, in Prometheus' text format. */
  async metricsText(hostings: Iterable<Hosting>): Promise<string> {
    const reports = await Promise.all([...hostings].map((hosting) => hosting.report()));
    return prometheusText(mergeSnapshots(reports.flatMap(({ cells }) => cells.map(({ metrics }) => metrics))));
  }
}
