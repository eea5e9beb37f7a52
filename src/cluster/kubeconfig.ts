/** Writes kubeconfig files: where a server is, whom it is trusted by, and who the user is. */
import { stringify } from 'yaml';
import type { Credential } from './pki.ts';

export interface KubeconfigParts {
  /** Such as `https://127.0.0.1:6443`. */
  readonly server: string;
  /** PEM of the CA; absent for plain HTTP. */
  readonly certificateAuthority?: string | undefined;
  readonly user: string;
  readonly credential?: Credential | undefined;
  readonly token?: string | undefined;
  readonly cluster?: string;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The kubeconfig as YAML, with one cluster, one user and one context named after both. */
export function kubeconfig(parts: KubeconfigParts): string {
  const cluster = parts.cluster ?? 'kubehive';
  const context = `${parts.user}@${cluster}`;
  const { certificateAuthority, credential, token } = parts;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: cluster,
        cluster: {
          server: parts.server,
          ...(certificateAuthority === undefined ? {} : { 'certificate-authority-data': base64(certificateAuthority) }),
        },
      },
    ],
    users: [
      {
        name: parts.user,
        user: {
          ...(credential === undefined
            ? {}
            : {
                'client-certificate-data': base64(credential.certificate),
                'client-key-data': base64(credential.key),
              }),
          ...(token === undefined ? {} : { token }),
        },
      },
    ],
    contexts: [{ name: context, context: { cluster, user: parts.user } }],
    'current-context': context,
    preferences: {},
  });
}
