/** How commands reach a running cluster: through its API server, with a kubeconfig file. */
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { parse } from 'yaml';
import { CommandError } from './errors.ts';

interface KubeconfigFile {
  'current-context'?: string;
  contexts?: { name: string; context: { cluster: string; user: string } }[];
  clusters?: { name: string; cluster: { server: string; 'certificate-authority-data'?: string } }[];
  users?: { name: string; user: { 'client-certificate-data'?: string; 'client-key-data'?: string; token?: string } }[];
}

const decoded = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : Buffer.from(text, 'base64').toString();

/** The message of an error's JSON body; undefined for any other body. */
function messageIn(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { message?: string }).message;
  } catch {
    return undefined;
  }
}

/** A cluster and who one is there, from a kubeconfig's current context. */
export interface ConnectionFile {
  readonly server: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
}

/** @throws CommandError when the file is not there or names no cluster. */
export function readConnection(kubeconfigPath: string): ConnectionFile {
  let file: KubeconfigFile;
  try {
    file = parse(readFileSync(kubeconfigPath, 'utf8')) as KubeconfigFile;
  } catch (error) {
    throw new CommandError(
      `cannot read ${kubeconfigPath} (${(error as Error).message}); is a cluster up? Start one with: kubehive up`,
    );
  }
  const context = file.contexts?.find(({ name }) => name === file['current-context'])?.context;
  const cluster = file.clusters?.find(({ name }) => name === context?.cluster)?.cluster;
  const user = file.users?.find(({ name }) => name === context?.user)?.user;
  if (cluster === undefined) throw new CommandError(`${kubeconfigPath} has no current context with a cluster`);
  const ca = decoded(cluster['certificate-authority-data']);
  const cert = decoded(user?.['client-certificate-data']);
  const key = decoded(user?.['client-key-data']);
  return {
    server: cluster.server,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(user?.token === undefined ? {} : { token: user.token }),
  };
}

/**
 * GETs `path` from the cluster of a kubeconfig and parses the JSON answer.
 * @throws CommandError when the file or the cluster is not there, or the answer is an error.
 */
export async function getJson<Answer>(kubeconfigPath: string, path: string): Promise<Answer> {
  const { server, token, ...certificates } = readConnection(kubeconfigPath);
  const url = new URL(path, server);
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const options = { ...certificates, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } };
  const { code, text } = await new Promise<{ code: number; text: string }>((resolve, reject) => {
    const sent = request(url, options, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve({ code: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
    });
    sent.on('error', (error) =>
      reject(
        new CommandError(`no answer from ${server} (${error.message}); is the cluster of ${kubeconfigPath} still up?`),
      ),
    );
    sent.end();
  });
  if (code >= 400) throw new CommandError(messageIn(text) ?? `${url.pathname}: HTTP ${code}`);
  return JSON.parse(text) as Answer;
}
