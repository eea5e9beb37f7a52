/** Host ports are taken once a node, protocol and address. @see plugins/nodeports/node_ports.go */
import type { Pod } from '../../../src/api/index.ts';
import {
  Action,
  type HostPort,
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
          hint: (info, previous) =>
            ((previous as Pod | undefined)?.spec?.containers ?? []).some((container) =>
              (container.ports ?? []).some(({ hostPort, protocol, hostIP }) =>
                info.hostPorts.some(
                  (wanted) =>
                    wanted.port === hostPort &&
                    wanted.protocol === (protocol || 'TCP') &&
                    conflicts(wanted, { ip: hostIP || everyAddress, protocol: wanted.protocol, port: wanted.port }),
                ),
              ),
            ),
        },
        { resource: 'Node', action: Action.Add },
      ],
    };
  },
};
