/** Host ports are taken once a node, protocol and address. @see plugins/nodeports/node_ports.go */
import type { Pod } from '../../../src/api/index.ts';
import {
  Action,
  countedOn,
  type HostPort,
  hostPortsOf,
  type PluginDefinition,
  type PodInfo,
  skip,
  unschedulable,
} from '../../../src/scheduling/index.ts';

const name = 'NodePorts';
const taken = unschedulable("node(s) didn't have free ports for the requested pod ports");
const everyAddress = '0.0.0.0';

const conflicts = (a: HostPort, b: HostPort) => a.ip === b.ip || a.ip === everyAddress || b.ip === everyAddress;

export const nodePorts: PluginDefinition = {
  name,
  create({ nodes }) {
    const free = (info: PodInfo, row: number): boolean => {
      const used = nodes.ports[row];
      if (!used) return true;
      for (const port of info.hostPorts) {
        if (used.get(`${port.protocol}/${port.port}`)?.some((other) => conflicts(port, other))) return false;
      }
      return true;
    };
    return {
      name,
      preFilter: (_cycle, info) => (info.hostPorts.length === 0 ? skip : undefined),
      sign: (info) => (info.hostPorts.length === 0 ? '' : JSON.stringify(info.hostPorts)),
      filter: (_cycle, info, row) => (free(info, row) ? undefined : taken),
      events: () => [
        {
          resource: 'AssignedPod',
          action: Action.Delete,
          hint: (info, previous) => {
            const pod = previous as Pod | undefined;
            if (!pod || !countedOn(pod)) return false;
            return hostPortsOf(pod).some((port) =>
              info.hostPorts.some(
                (wanted) => wanted.port === port.port && wanted.protocol === port.protocol && conflicts(wanted, port),
              ),
            );
          },
        },
        { resource: 'Node', action: Action.Add },
      ],
    };
  },
};
