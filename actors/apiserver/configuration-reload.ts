/**
 * Takes new versions of the configuration files of authentication, authorization and encryption while the server runs. What cannot be used
 * changes nothing and is told in the log and by upstream's metrics.
 * @see pkg/kubeapiserver/authorizer/reload.go, pkg/controlplane/apiserver/config.go,
 *   staging/src/k8s.io/apiserver/pkg/server/options/encryptionconfig/controller
 */
import { loadExpressions } from '../../src/api/index.ts';
import type { ConfigurationChange } from '../../src/client/protocol.ts';
import type { AuthenticationSettings } from './authentication/index.ts';
import type { AuthorizationSettings } from './authorization/index.ts';
import type { EncryptionOption } from './encryption/index.ts';
import type { Server } from './server.ts';

/** Upstream keeps these two where they were, so that nobody is locked out by a file. */
const LASTING = ['Node', 'RBAC'] as const;

/** What each file was when it was last looked at, by its hash. */
const seen = new WeakMap<Server, Map<ConfigurationChange['file'], string>>();

export async function applyConfiguration(change: ConfigurationChange, server: Server): Promise<Record<string, never>> {
  const known = seen.get(server) ?? new Map<ConfigurationChange['file'], string>();
  if (known.get(change.file) === change.hash) return {};
  seen.set(server, known.set(change.file, change.hash));
  const failure = change.failure ?? (await apply(change, server));
  const { log } = server.context;
  if (failure === undefined) log.info('reloaded a configuration file', { file: change.file });
  else log.error('a configuration file cannot be used, the last one stays', { file: change.file, error: failure });
  count(change, failure === undefined ? 'success' : 'failure', server);
  return {};
}

async function apply({ file, settings = {} }: ConfigurationChange, server: Server): Promise<string | undefined> {
  await loadExpressions();
  if (file === 'authentication') {
    server.authenticator.configure(settings as AuthenticationSettings);
    return undefined;
  }
  if (file === 'encryption') {
    await server.encryption?.configure((settings as { encryption: readonly EncryptionOption[] }).encryption);
    await server.caches.readAgain(server.store);
    return undefined;
  }
  const wanted = settings as AuthorizationSettings;
  const moved = LASTING.find(
    (mode) => wanted.modes.includes(mode) !== server.options.authorizationModes.includes(mode),
  );
  if (moved !== undefined) return `the authorizer ${moved} cannot be added or removed while the server runs`;
  server.authorization.configure(wanted);
  return undefined;
}

function count({ file, hash }: ConfigurationChange, status: 'success' | 'failure', { context }: Server): void {
  const prefix = `apiserver_${file}_config_controller_`;
  const kind = `${file} configuration`;
  context.metrics
    .counter(
      `${prefix}automatic_reloads_total`,
      `Total number of automatic reloads of ${kind} split by status and apiserver identity.`,
      { status },
    )
    .add();
  context.metrics
    .gauge(
      `${prefix}automatic_reload_last_timestamp_seconds`,
      `Timestamp of the last automatic reload of ${kind} split by status and apiserver identity.`,
      { status },
    )
    .set(Math.floor(context.clock.now() / 1000));
  if (status === 'failure') return;
  context.metrics
    .gauge(`${prefix}last_config_info`, `Information about the last applied ${kind} with hash as label.`, { hash })
    .set(1);
}
