/** Security as a restricted user meets it: a real kubectl, what it may, what it may not, and in which words. */
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Kubectl, kubectl, newestKubectl } from '../support/kubectl.ts';
import { eventually, run, type Up, up } from '../support/up.ts';

const binary = newestKubectl();
const folder = mkdtempSync(join(tmpdir(), 'kubehive-security-'));
const auditLog = join(folder, 'audit.log');

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

let cluster: Up;
let admin: Kubectl;
let jane: Kubectl;

// Skipped, by name in the report, where no kubectl is installed: these tests are about real ones.
describe.skipIf(binary === undefined)('a restricted user', () => {
  beforeAll(async () => {
    cluster = await up([
      ...['--nodes', '1', '--enable-bootstrap-token-auth'],
      ...['--token-auth-file', file('tokens.csv', 'joe-token,joe,u-2,"dev,ops"\n')],
      ...['--basic-auth-file', file('passwords.csv', 'pw,bob,u-3,dev\n')],
      ...[
        '--audit-policy-file',
        file('audit.yaml', 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata, users: [jane]}]\n'),
      ],
      ...['--audit-log-path', auditLog],
    ]);
    admin = kubectl(binary as string, cluster.kubeconfig);
    const output = join(folder, 'jane.kubeconfig');
    const issued = await run([
      'kubeconfig',
      '--kubeconfig',
      cluster.kubeconfig,
      '--user',
      'jane',
      '--group',
      'dev',
      '--output',
      output,
    ]);
    expect(issued).toMatchObject({ code: 0, stderr: '' });
    jane = kubectl(binary as string, output);
    await admin.ok(['create', 'namespace', 'team']);
    await admin.ok(['-n', 'team', 'create', 'rolebinding', 'dev-edit', '--clusterrole=edit', '--group=dev']);
    await eventually(async () => (await admin.run(['-n', 'team', 'get', 'serviceaccount', 'default'])).code === 0);
  });

  afterAll(async () => {
    expect(await cluster.stop('SIGINT'), cluster.output()).toBe(0);
  });

  it('is who the kubeconfig says, and nobody else can read it', async () => {
    expect(statSync(join(folder, 'jane.kubeconfig')).mode & 0o777).toBe(0o600);
    const whoami = await jane.ok(['auth', 'whoami', '-o', 'json']);
    expect(JSON.parse(whoami).status.userInfo).toMatchObject({
      username: 'jane',
      groups: ['dev', 'system:authenticated'],
    });
    const json = await run([
      'kubeconfig',
      '--kubeconfig',
      cluster.kubeconfig,
      '--component',
      'kube-scheduler',
      '--json',
    ]);
    expect(JSON.parse(json.stdout)).toMatchObject({ kind: 'Config', users: [{ name: 'system:kube-scheduler' }] });
  });

  it('does what is allowed', async () => {
    await jane.ok(['-n', 'team', 'create', 'configmap', 'mine', '--from-literal=a=b']);
    await jane.ok(['-n', 'team', 'run', 'web', '--image=nginx:1.28']);
    expect(await jane.ok(['-n', 'team', 'get', 'configmap', 'mine', '-o', 'jsonpath={.data.a}'])).toBe('b');
  });

  it.each([
    [
      ['get', 'pods'],
      'Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
    ],
    [
      ['get', 'nodes'],
      'Error from server (Forbidden): nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope',
    ],
    [
      ['delete', 'namespace', 'team'],
      'Error from server (Forbidden): namespaces "team" is forbidden: User "jane" cannot delete resource "namespaces" in API group "" in the namespace "team"',
    ],
    [['get', '--raw', '/metrics'], 'Error from server (Forbidden): forbidden: User "jane" cannot get path "/metrics"'],
    [
      ['get', '--raw', '/kubehive/kubeconfig?user=x'],
      'Error from server (Forbidden): forbidden: User "jane" cannot get path "/kubehive/kubeconfig"',
    ],
    [
      ['-n', 'team', 'create', 'rolebinding', 'b', '--clusterrole=cluster-admin', '--user=jane'],
      'User "jane" cannot create resource "rolebindings" in API group "rbac.authorization.k8s.io" in the namespace "team"',
    ],
    [['get', 'pods', '--as', 'root'], 'User "jane" cannot impersonate-on:user-info:list resource "pods"'],
  ])('is refused %j in the words people know', async (args, message) => {
    const { code, stderr } = await jane.run(args);
    expect(stderr).toContain(message);
    expect(code).toBe(1);
  });

  it('learns what it may do', async () => {
    const list = await jane.ok(['-n', 'team', 'auth', 'can-i', '--list']);
    expect(list).toMatch(/^Resources +Non-Resource URLs +Resource Names +Verbs$/m);
    expect(list).toMatch(/^selfsubjectreviews\.authentication\.k8s\.io +\[\] +\[\] +\[create\]$/m);
    expect(list).toMatch(/^deployments\.apps +\[\] +\[\] +\[.*create.*\]$/m);
    expect(await jane.run(['-n', 'team', 'auth', 'can-i', 'create', 'pods'])).toMatchObject({
      code: 0,
      stdout: 'yes\n',
    });
    expect(await jane.run(['auth', 'can-i', 'create', 'pods'])).toMatchObject({ code: 1, stdout: 'no\n' });
  });

  it('gets and uses a service account token, until the account goes', async () => {
    await admin.ok(['-n', 'team', 'create', 'serviceaccount', 'robot']);
    const token = (await jane.ok(['-n', 'team', 'create', 'token', 'robot', '--duration=10m'])).trim();
    const bare = kubectl(binary as string, withoutUser(cluster.kubeconfig));
    const robot = (...args: string[]) => bare.run(['--token', token, ...args]);
    const who = await robot('auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}');
    expect(who.stdout).toBe('system:serviceaccount:team:robot');
    const denied = await robot('-n', 'team', 'get', 'secrets');
    expect(denied.stderr).toContain('User "system:serviceaccount:team:robot" cannot list resource "secrets"');
    await admin.ok(['-n', 'team', 'delete', 'serviceaccount', 'robot']);
    expect((await robot('auth', 'whoami')).stderr).toMatch(/Unauthorized|must be logged in/);
  });

  it('may be somebody else where the administrator is', async () => {
    const as = ['--as', 'amy', '--as-group', 'dev', '--as-uid', 'u-9'];
    const who = await admin.ok(['auth', 'whoami', '-o', 'json', ...as]);
    expect(JSON.parse(who).status.userInfo).toMatchObject({
      username: 'amy',
      uid: 'u-9',
      groups: ['dev', 'system:authenticated'],
    });
    await admin.ok(['-n', 'team', 'get', 'pods', ...as]);
    expect((await admin.run(['get', 'nodes', ...as])).stderr).toContain('User "amy" cannot list resource "nodes"');
  });

  it('puts roles right by auth reconcile, and takes away only when told to', async () => {
    const role = (verb: string) =>
      JSON.stringify({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'reconciled' },
        rules: [{ apiGroups: [''], resources: ['pods'], verbs: [verb] }],
      });
    const verbs = () => admin.ok(['get', 'clusterrole', 'reconciled', '-o', 'jsonpath={.rules[*].verbs[*]}']);
    await admin.ok(['auth', 'reconcile', '-f', '-'], role('get'));
    await admin.ok(['auth', 'reconcile', '-f', '-'], role('list'));
    expect(await verbs()).toBe('get list');
    await admin.ok(['auth', 'reconcile', '--remove-extra-permissions', '-f', '-'], role('list'));
    expect(await verbs()).toBe('list');
  });

  it('signs in with a static token or a password too', async () => {
    const bare = kubectl(binary as string, withoutUser(cluster.kubeconfig));
    const name = ['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}'];
    expect((await bare.run(['--token', 'joe-token', ...name])).stdout).toBe('joe');
    expect((await bare.run(['--token', 'wrong', ...name])).stderr).toMatch(/Unauthorized|must be logged in/);
    expect((await bare.run(['--username', 'bob', '--password', 'pw', ...name])).stdout).toBe('bob');
    expect(cluster.output()).toContain('warning: --basic-auth-file');
  });

  it('is told of the audit log with the decision', async () => {
    const line = await eventually(async () =>
      readFileSync(auditLog, 'utf8')
        .split('\n')
        .find((text) => text.includes('"/api/v1/nodes') && text.includes('ResponseComplete')),
    );
    expect(JSON.parse(line)).toMatchObject({
      user: { username: 'jane' },
      responseStatus: { code: 403 },
      annotations: { 'authorization.k8s.io/decision': 'forbid' },
    });
  });
});

/** The kubeconfig without its certificate, so that what the command line says is all. */
function withoutUser(path: string): string {
  const text = readFileSync(path, 'utf8').replace(/^ *client-(certificate|key)-data:.*\n/gm, '');
  return file('bare.kubeconfig', text.replace(/^( *)user:\n(?= *(contexts|[a-z]+:)|$)/m, '$1user: {}\n'));
}

describe('kubehive', () => {
  it.each([
    [['up', '--authorization-mode', 'Rbac'], /authorization-mode: "Rbac" is none of Node, RBAC/],
    [['up', '--token-auth-file', '/nowhere'], /token-auth-file: cannot read \/nowhere/],
    [['up', '--audit-log-path', '-'], /need audit-policy-file/],
    [['up', '--client-ca-file', 'package.json'], /client-ca-file: package.json: data does not contain any valid/],
    [
      ['up', '--authentication-config', 'package.json'],
      /authentication-config: package.json names no kind and apiVersion/,
    ],
    [['kubeconfig'], /takes one of --user, --component and --node/],
    [['kubeconfig', '--component', 'etcd'], /--component takes admin, kube-controller-manager/],
  ])('%j is refused in one line, with exit code 2', async (args, message) => {
    const { code, stderr } = await run(args);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(2);
  });

  it('kubeconfig --help shows examples', async () => {
    const { code, stdout } = await run(['kubeconfig', '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples:\n {2}\$ kubehive kubeconfig --user jane --group dev/);
  });
});
