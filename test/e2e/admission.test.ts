/** What admission says to a person with kubectl: webhooks that the test serves, Pod Security on the terminal, quotas that are used up. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Kubectl, kubectl, newestKubectl } from '../support/kubectl.ts';
import { eventually, type Up, up } from '../support/up.ts';
import { allow, deny, patch, startWebhook, type TestWebhook } from '../support/webhook.ts';

const binary = newestKubectl();
// Skipped, by name in the report, where no kubectl is installed: these tests are about real ones.
const installed = describe.skipIf(binary === undefined);

const names = 'abc'.split('').map((letter) => `quota-${letter}`);

installed('kubectl under admission', () => {
  let cluster: Up;
  let hook: TestWebhook;
  let k: Kubectl;

  beforeAll(async () => {
    [cluster, hook] = await Promise.all([up(['--nodes', '1']), startWebhook(['127.0.0.1', 'hook.hooks.svc'])]);
    k = kubectl(binary as string, cluster.kubeconfig);
    for (const name of ['hooks', 'secure', 'small']) {
      await k.ok(['create', 'namespace', name]);
      await eventually(async () => (await k.run(['-n', name, 'get', 'serviceaccount', 'default'])).code === 0);
    }
  });

  afterAll(async () => {
    await hook.stop();
    expect(await cluster.stop('SIGINT'), cluster.output()).toBe(0);
  });

  const configuration = (type: 'Mutating' | 'Validating', name: string, path: string) => `
apiVersion: admissionregistration.k8s.io/v1
kind: ${type}WebhookConfiguration
metadata: { name: ${name} }
webhooks:
  - name: ${name}.example.com
    admissionReviewVersions: [v1]
    sideEffects: None
    timeoutSeconds: 5
    namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: hooks } }
    clientConfig: { url: '${hook.url}${path}', caBundle: ${hook.caBundle} }
    rules:
      - { apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods, configmaps] }
`;

  it('has its objects changed, is warned and is refused by webhooks', async () => {
    hook.answer((review, path) => {
      const { object } = review.request;
      if (path.includes('/mutate')) {
        return patch(review, [
          { op: 'add', path: '/metadata/labels', value: { ...object.metadata.labels, hooked: 'yes' } },
        ]);
      }
      if (object.data?.bad !== undefined) return deny(review, { message: 'bad data is not welcome here', code: 403 });
      return allow(review, { warnings: ['this was looked at'] });
    });
    await k.ok(['apply', '-f', '-'], configuration('Mutating', 'label', '/mutate'));
    await k.ok(['apply', '-f', '-'], configuration('Validating', 'look', '/validate'));
    const made = await k.run(['-n', 'hooks', 'create', 'configmap', 'good', '--from-literal=a=b']);
    expect(made).toEqual({
      code: 0,
      stdout: 'configmap/good created\n',
      stderr: 'Warning: this was looked at\n',
    });
    expect(await k.ok(['-n', 'hooks', 'get', 'configmap', 'good', '--show-labels', '--no-headers'])).toContain(
      'hooked=yes',
    );
    const refused = await k.run(['-n', 'hooks', 'create', 'configmap', 'worse', '--from-literal=bad=1']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      'admission webhook "look.example.com" denied the request: bad data is not welcome here',
    );
    const elsewhere = await k.run(['-n', 'small', 'create', 'configmap', 'other', '--from-literal=bad=1']);
    expect(elsewhere.stderr).toBe('');
    await k.ok(['-n', 'hooks', 'run', 'web', '--image=nginx', '--restart=Never']);
    await k.ok(['-n', 'hooks', 'wait', '--for=condition=Ready', 'pod/web', '--timeout=60s']);
  });

  it('is told when a webhook behind a Service is away', async () => {
    const manifest = configuration('Validating', 'look', '').replace(
      /clientConfig: .*/,
      `clientConfig: { service: { namespace: hooks, name: hook, path: /v }, caBundle: ${hook.caBundle} }`,
    );
    await k.ok(['apply', '-f', '-'], manifest);
    const create = () => k.run(['-n', 'hooks', 'create', 'configmap', 'served', '--from-literal=a=b']);
    expect((await create()).stderr).toBe(
      'error: failed to create configmap: Internal error occurred: failed calling webhook "look.example.com": ' +
        'failed to call webhook: Post "https://hook.hooks.svc:443/v?timeout=5s": service "hook" not found\n',
    );
    await k.ok(['delete', 'mutatingwebhookconfiguration', 'label']);
    await k.ok(['delete', 'validatingwebhookconfiguration', 'look']);
    expect((await create()).code).toBe(0);
  });

  it('is warned of what Pod Security would refuse, and refused', async () => {
    await k.ok(['-n', 'secure', 'run', 'before', '--image=nginx']);
    const labelled = await k.run(['label', 'namespace', 'secure', 'pod-security.kubernetes.io/enforce=restricted']);
    expect(labelled.stderr).toBe(
      'Warning: existing pods in namespace "secure" violate the new PodSecurity enforce level "restricted:latest"\n' +
        'Warning: before: allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile\n',
    );
    const detail =
      'allowPrivilegeEscalation != false (container "after" must set securityContext.allowPrivilegeEscalation=false), ' +
      'unrestricted capabilities (container "after" must set securityContext.capabilities.drop=["ALL"]), ' +
      'runAsNonRoot != true (pod or container "after" must set securityContext.runAsNonRoot=true), ' +
      'seccompProfile (pod or container "after" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")';
    const refused = await k.run(['-n', 'secure', 'run', 'after', '--image=nginx']);
    expect(refused.stderr).toBe(
      `Error from server (Forbidden): pods "after" is forbidden: violates PodSecurity "restricted:latest": ${detail}\n`,
    );
    const deployment = await k.run(['-n', 'secure', 'create', 'deployment', 'after', '--image=after']);
    expect(deployment.stdout).toBe('deployment.apps/after created\n');
    expect(deployment.stderr).toBe(`Warning: would violate PodSecurity "restricted:latest": ${detail}\n`);
    const wrong = await k.run(['label', 'namespace', 'secure', 'pod-security.kubernetes.io/warn=none']);
    expect(wrong.stderr).toBe(
      'The Namespace "secure" is invalid: metadata.labels[pod-security.kubernetes.io/warn]: Invalid value: "none": must be one of privileged, baseline, restricted\n',
    );
  });

  it('is refused what a quota has no room for', async () => {
    await k.ok(['-n', 'small', 'create', 'quota', 'few', '--hard=count/secrets=2,pods=1']);
    await eventually(
      async () => (await k.ok(['-n', 'small', 'get', 'quota', 'few', '-o', 'jsonpath={.status.used}'])) !== '',
    );
    const results = await Promise.all(
      names.map((name) => k.run(['-n', 'small', 'create', 'secret', 'generic', name, '--from-literal=a=b'])),
    );
    expect(results.filter(({ code }) => code === 0)).toHaveLength(2);
    expect(results.find(({ code }) => code !== 0)?.stderr).toMatch(
      /^error: failed to create secret secrets "quota-[abc]" is forbidden: exceeded quota: few, requested: count\/secrets=1, used: count\/secrets=2, limited: count\/secrets=2\n$/,
    );
    expect((await k.run(['-n', 'small', 'run', 'one', '--image=nginx'])).code).toBe(0);
    expect((await k.run(['-n', 'small', 'run', 'two', '--image=nginx'])).stderr).toBe(
      'Error from server (Forbidden): pods "two" is forbidden: exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1\n',
    );
  });
});
