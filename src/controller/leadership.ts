/**
 * Who may act: of several controller processes on one cluster only the one that holds the Lease. One actor a process competes for it
 * and tells the controllers of its process; a controller runs while it is told to, and ends as soon as it is not.
 *
 * @see KEP-589, kube-controller-manager's --leader-elect
 */
import { BehaviorSubject } from 'rxjs';
import { formatMicroTime } from '../api/index.ts';
import { createBusClient, createEventRecorder, createLeaderElector, leases } from '../client/index.ts';
import { type ActorContext, type RunningActor, streamChannel } from '../runtime/index.ts';

export const leadershipChannels = {
  /** Whether the process of the actor that is asked leads: now, and at each change. */
  state: streamChannel<Record<string, never>, boolean>('leadership.state'),
} as const;

export interface LeadershipOptions {
  /** Unique for each process. */
  readonly identity: string;
  /** Name of the Lease in kube-system. Default `kube-controller-manager`. */
  readonly lease?: string;
  /** Address of the API server. Default `apiserver`. */
  readonly server?: string;
}

const retryMs = 100;

/** Competes for the Lease as long as the actor lives; after a loss from the beginning. */
export function competeForLeadership(context: ActorContext, options: LeadershipOptions): RunningActor {
  const { bus, clock, metrics, signal } = context;
  const { identity, lease = 'kube-controller-manager', server } = options;
  const client = createBusClient(bus, server === undefined ? { clock } : { address: server, clock });
  const leads = new BehaviorSubject(false);
  const status = metrics.gauge(
    'leader_election_master_status',
    "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master. 'name' is the string used to identify the lease. Please make sure to group by name.",
    { name: lease },
  );
  leads.subscribe((leading) => status.set(Number(leading)));
  bus.feed(leadershipChannels.state, () => leads);
  const elector = createLeaderElector(client, context, {
    lease: { namespace: 'kube-system', name: lease },
    identity,
    events: createEventRecorder(client, context, { component: lease }),
    onStarted: () => leads.next(true),
    onStopped: () => leads.next(false),
  });
  const compete = async () => {
    while (!signal.aborted) await elector.run();
  };
  compete().catch((error: unknown) => {
    if (!signal.aborted) context.fail(error);
  });
  return {
    // Handed back, the Lease need not run out before the next one may lead.
    async stop() {
      if (!leads.value) return;
      leads.next(false);
      const held = await client.get(leases, { namespace: 'kube-system', name: lease });
      if (held.spec?.holderIdentity !== identity) return;
      const spec = {
        ...held.spec,
        holderIdentity: '',
        leaseDurationSeconds: 1,
        renewTime: formatMicroTime(clock.now()),
      };
      await client.update(leases, { ...held, spec });
    },
  };
}

/**
 * Runs `start` as soon as the process leads, by the word of the actor at `address`. When it leads no more, or nobody says so,
 * this actor fails: started again, it waits for its next turn.
 */
export function whileLeading(context: ActorContext, address: string, start: () => RunningActor): RunningActor {
  const { bus, clock, signal } = context;
  let running: RunningActor | undefined;
  const lost = () => {
    if (running !== undefined) context.fail(new Error('the leadership was lost'));
    else clock.after(retryMs, follow, { background: true });
  };
  function follow(): void {
    if (signal.aborted) return;
    bus.open(address, leadershipChannels.state, {}).subscribe({
      next(leads) {
        if (leads) running ??= start();
        else if (running !== undefined) lost();
      },
      error: lost,
      complete: lost,
    });
  }
  follow();
  return { stop: () => running?.stop?.() };
}
