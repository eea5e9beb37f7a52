/** Binds by the pod's `binding` subresource. @see plugins/defaultbinder/default_binder.go */
import { pods } from '../../../src/client/index.ts';
import { errorVerdict, type PluginDefinition } from '../../../src/scheduling/index.ts';

const name = 'DefaultBinder';

export const defaultBinder: PluginDefinition = {
  name,
  create: ({ client }) => ({
    name,
    async bind(_cycle, info, nodeName) {
      const { namespace, name: podName } = info;
      const binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { namespace, name: podName, uid: info.uid },
        target: { kind: 'Node', name: nodeName },
      };
      try {
        await client!.post(pods, { namespace, name: podName }, 'binding', binding);
        return undefined;
      } catch (error) {
        return errorVerdict(error, name);
      }
    },
  }),
};
