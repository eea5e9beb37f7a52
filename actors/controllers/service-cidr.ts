/**
 * service-cidr-controller: says of each range of Service addresses that it is ready, and holds one that is being deleted as
 * long as an address in use is in no other range.
 *
 * @see kubernetes/pkg/controller/servicecidrs/servicecidrs_controller.go
 */
import { BlockList, isIPv6 } from 'node:net';
import { isNotFound, type ServiceCIDR } from '../../src/api/index.ts';
import { ipAddresses, serviceCidrs } from '../../src/client/index.ts';
import { type ControllerDefinition, conditionOf, keyFor, timeMs, timeText } from '../../src/controller/index.ts';

const finalizer = 'networking.k8s.io/service-cidr-finalizer';
/** Only addresses that the server gave to Services hold a range. */
const managedByLabel = 'ipaddress.kubernetes.io/managed-by';
const allocator = 'ipallocator.k8s.io';
/** Allocators may not have heard of the deletion yet. */
const deletionGraceMs = 10_000;
const inUse = 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR';

const isDeleting = (range: ServiceCIDR) => range.metadata?.deletionTimestamp !== undefined;

function contains(range: ServiceCIDR, address: string): boolean {
  const family = (text: string) => (isIPv6(text) ? 'ipv6' : 'ipv4');
  const list = new BlockList();
  for (const cidr of range.spec?.cidrs ?? []) {
    const [network = '', prefix = '0'] = cidr.split('/');
    list.addSubnet(network, Number(prefix), family(network));
  }
  return list.check(address, family(address));
}

export const serviceCidrController: ControllerDefinition = {
  name: 'service-cidr-controller',
  queue: 'ipaddresses',
  serviceAccount: 'service-cidrs-controller',
  reconciles: serviceCidrs,
  create({ client, context, enqueue, lister, observe }) {
    const ranges = lister(serviceCidrs);
    const addresses = lister(ipAddresses);
    const { clock } = context;
    const enqueueDeleting = () => {
      for (const range of ranges.list()) if (isDeleting(range)) enqueue(keyFor(range));
    };
    // A new range may take over the addresses of one that waits; an address that goes may be the last.
    observe(serviceCidrs, enqueueDeleting);
    observe(ipAddresses, ({ type }) => {
      if (type === 'deleted') enqueueDeleting();
    });

    function isFree(range: ServiceCIDR): boolean {
      const others = ranges
        .list()
        .filter((other) => other.metadata?.name !== range.metadata?.name && !isDeleting(other));
      return addresses.list().every(({ metadata }) => {
        const address = metadata?.name ?? '';
        if (metadata?.labels?.[managedByLabel] !== allocator) return true;
        return !contains(range, address) || others.some((other) => contains(other, address));
      });
    }

    async function setReady(range: ServiceCIDR, status: 'True' | 'False', reason: string, message: string) {
      const current = conditionOf(range.status?.conditions, 'Ready');
      if (current?.status === status && current.reason === reason && current.message === message) return;
      const lastTransitionTime = current?.status === status ? current.lastTransitionTime : timeText(clock.now());
      const condition = { type: 'Ready', status, reason, message, lastTransitionTime };
      const name = range.metadata?.name ?? '';
      const patch = {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'ServiceCIDR',
        metadata: { name },
        status: { conditions: [condition] },
      };
      const options = { fieldManager: 'service-cidr-controller', force: true, subresource: 'status' };
      await client.patch(serviceCidrs, { name }, 'apply', patch, options);
    }

    async function setFinalizers(range: ServiceCIDR, finalizers: readonly string[]): Promise<void> {
      await client.update(serviceCidrs, { ...range, metadata: { ...range.metadata, finalizers: [...finalizers] } });
    }

    return {
      async reconcile(name) {
        const range = ranges.get(undefined, name);
        if (range === undefined) return undefined;
        const finalizers = range.metadata?.finalizers ?? [];
        try {
          if (!isDeleting(range)) {
            if (finalizers.includes(finalizer)) await setReady(range, 'True', '', 'Kubernetes Service CIDR is ready');
            else await setFinalizers(range, [...finalizers, finalizer]);
          } else if (!isFree(range)) await setReady(range, 'False', 'Terminating', inUse);
          else {
            const leftMs = timeMs(range.metadata?.deletionTimestamp) + deletionGraceMs - clock.now();
            if (leftMs > 0) return { requeueAfterMs: leftMs, background: true };
            if (finalizers.includes(finalizer)) {
              await setFinalizers(
                range,
                finalizers.filter((other) => other !== finalizer),
              );
            }
          }
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
