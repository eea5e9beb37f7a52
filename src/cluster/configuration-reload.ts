/**
 * Looks every minute whether the files of authentication, authorization and (on request) encryption have changed, and gives what they hold now to the API
 * server. A version that cannot be read changes nothing.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { apiserverChannels, type ConfigurationChange } from '../client/protocol.ts';
import type { Bus, Clock, Log } from '../runtime/index.ts';
import { readEncryptionConfiguration } from './encryption-configuration.ts';
import { ClusterOptionsError } from './options-error.ts';
import { type SecurityOptions, securityOptions } from './security.ts';

/** As upstream's. */
const INTERVAL_MS = 60_000;

type File = ConfigurationChange['file'];

interface Place {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
}

/** The options that a file is about, as the API server takes them. */
const SETTINGS: Readonly<Record<File, (security: SecurityOptions) => object>> = {
  authentication({ authenticationConfig, serviceAccountIssuer, anonymousAuth }) {
    const given = { authenticationConfig, serviceAccountIssuer, anonymousAuth };
    const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const { jwtIssuers = [], anonymous = true, anonymousPaths = [] } = securityOptions(defined, undefined);
    return { jwtIssuers, anonymous, anonymousPaths };
  },
  authorization({ authorizationConfig, authorizationPolicyFile }) {
    const policies = authorizationPolicyFile === undefined ? {} : { authorizationPolicyFile };
    const given = authorizationConfig === undefined ? {} : { authorizationConfig };
    const { authorizationModes = [], authorizationWebhooks = [] } = securityOptions(
      { ...given, ...policies },
      undefined,
    );
    return { modes: authorizationModes, webhooks: authorizationWebhooks };
  },
  encryption({ encryptionProviderConfig }) {
    return { encryption: readEncryptionConfiguration(encryptionProviderConfig ?? {}) };
  },
};

/** Documents that were given as objects do not change. The language of expressions must be loaded. */
export function reloadConfigurations({ bus, clock, log }: Place, security: SecurityOptions): void {
  const { authenticationConfig, authorizationConfig } = security;
  if (typeof authenticationConfig === 'string') follow('authentication', authenticationConfig);
  if (typeof authorizationConfig === 'string') follow('authorization', authorizationConfig);
  const { encryptionProviderConfig, encryptionProviderConfigAutomaticReload: follows } = security;
  if (follows === true && typeof encryptionProviderConfig === 'string') follow('encryption', encryptionProviderConfig);

  function follow(file: File, path: string): void {
    const first = textOf(path);
    let changed = false;
    const look = () => {
      const text = textOf(path);
      changed ||= text !== first;
      if (!changed) return;
      const hash = `sha256:${createHash('sha256')
        .update(text ?? '')
        .digest('hex')}`;
      // The server knows by the hash what it has seen. One that was restarted has not.
      bus.call('apiserver', apiserverChannels.configure, changeOf(file, hash, security)).catch((error: unknown) => {
        const text = error instanceof Error ? error.message : String(error);
        log.warn('The API server was not told of a configuration; it is told again in a minute', { file, error: text });
      });
    };
    clock.every(INTERVAL_MS, look, { background: true });
  }
}

/** Undefined while the file cannot be read. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Reading the document says what is wrong.
    return undefined;
  }
}

function changeOf(file: File, hash: string, security: SecurityOptions): ConfigurationChange {
  try {
    return { file, hash, settings: SETTINGS[file](security) };
  } catch (error) {
    if (!(error instanceof ClusterOptionsError)) throw error;
    return { file, hash, failure: error.message };
  }
}
