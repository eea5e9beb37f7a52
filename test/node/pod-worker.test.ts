import { describe, expect, it } from 'vitest';
import { Bench, boundPod, container } from './fixtures.ts';

describe('a pod without delays', () => {
  it('is Running and Ready when start returns, with one address and upstream events', () => {
    const bench = new Bench();
    const worker = bench.run(boundPod());
    const status = worker.status();
    expect(status.phase).toBe('Running');
    expect(status.podIP).toBe('10.1.0.2');
    expect(status.hostIP).toBe('172.16.0.2');
    expect(status.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
      'PodReadyToStartContainers=True',
      'Initialized=True',
      'Ready=True',
      'ContainersReady=True',
      'PodScheduled=True',
    ]);
    expect(status.containerStatuses?.[0]).toMatchObject({
      name: 'app',
      image: 'docker.io/library/nginx:1.27',
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
      lastState: {},
    });
    expect(status.containerStatuses?.[0]?.containerID).toMatch(/^containerd:\/\/[0-9a-f]{64}$/);
    expect(status.containerStatuses?.[0]?.imageID).toMatch(/^docker\.io\/library\/nginx@sha256:[0-9a-f]{64}$/);
    expect(bench.events.map(({ reason }) => reason)).toEqual(['Pulling', 'Pulled', 'Created', 'Started']);
    expect(bench.messages('Pulling')).toEqual(['Pulling image "nginx:1.27"']);
    expect(bench.messages('Pulled')[0]).toMatch(
      /^Successfully pulled image "nginx:1\.27" in 0s \(0s including waiting\)\. Image size: \d+ bytes\.$/,
    );
    expect(bench.messages('Created')).toEqual(['Created container: app']);
    expect(bench.messages('Started')).toEqual(['Started container app']);
    expect(bench.events[0]?.fieldPath).toBe('spec.containers{app}');
  });

  it('does not pull an image that is there', () => {
    const bench = new Bench();
    bench.run(boundPod());
    bench.events.length = 0;
    bench.run(boundPod({}, { uid: 'other', name: 'other' }));
    expect(bench.messages('Pulled')).toEqual([
      'Container image "nginx:1.27" already present on machine and can be accessed by the pod',
    ]);
  });

  it('uses the host address with host network and keeps the pool untouched', () => {
    const bench = new Bench();
    expect(bench.run(boundPod({ hostNetwork: true })).status().podIP).toBe('172.16.0.2');
    expect(bench.pool.allocate()).toEqual(['10.1.0.2']);
  });
});

describe('delays', () => {
  it('shows ContainerCreating until image and start are done', async () => {
    const bench = new Bench({ imagePullMs: 1200, startMs: 300 });
    const worker = bench.run(boundPod());
    expect(worker.status().phase).toBe('Pending');
    expect(worker.status().containerStatuses?.[0]?.state).toEqual({ waiting: { reason: 'ContainerCreating' } });
    expect(bench.condition('PodReadyToStartContainers')).toBe('True');
    await bench.clock.advance(1499);
    expect(worker.status().phase).toBe('Pending');
    await bench.clock.advance(1);
    expect(worker.status().phase).toBe('Running');
    expect(bench.messages('Pulled')[0]).toContain('in 1.2s (1.2s including waiting)');
  });

  it('starts nothing more once the pod is deleted during the pull', async () => {
    const bench = new Bench({ imagePullMs: 1000 });
    const worker = bench.run(boundPod());
    bench.delete();
    await bench.clock.advance(2000);
    expect(worker.stage).toBe('terminated');
    expect(bench.messages('Started')).toEqual([]);
    expect(worker.status().phase).toBe('Failed');
  });
});

describe('init containers and sidecars', () => {
  const initContainers = [
    container('first'),
    container('proxy', { restartPolicy: 'Always' }),
    container('second', { image: 'busybox' }),
  ];

  it('run in order before the main containers, and the sidecar goes on', () => {
    const bench = new Bench();
    const worker = bench.run(boundPod({ initContainers }));
    expect(bench.messages('Started')).toEqual([
      'Started container first',
      'Started container proxy',
      'Started container second',
      'Started container app',
    ]);
    const status = worker.status();
    expect(status.phase).toBe('Running');
    expect(status.initContainerStatuses?.map(({ ready, started }) => [ready, started])).toEqual([
      [true, false],
      [true, true],
      [true, false],
    ]);
  });

  it('stay Pending with upstream condition text while an init container works', async () => {
    const bench = new Bench();
    const annotations = { 'kubehive.io/exit-after.first': '5s' };
    const worker = bench.run(boundPod({ initContainers }, { annotations }));
    expect(worker.status().phase).toBe('Pending');
    const initialized = worker.status().conditions?.find(({ type }) => type === 'Initialized');
    expect(initialized).toMatchObject({
      status: 'False',
      reason: 'ContainersNotInitialized',
      message: 'containers with incomplete status: [first proxy second]',
    });
    expect(worker.status().containerStatuses?.[0]?.state?.waiting?.reason).toBe('PodInitializing');
    await bench.clock.advance(5000);
    expect(worker.status().phase).toBe('Running');
  });

  it('fail the pod when an init container fails and nothing restarts it', () => {
    const bench = new Bench();
    const annotations = { 'kubehive.io/exit-code.first': '3' };
    const worker = bench.run(boundPod({ initContainers, restartPolicy: 'Never' }, { annotations }));
    expect(worker.stage).toBe('terminated');
    expect(worker.status().phase).toBe('Failed');
    expect(bench.messages('Started')).toEqual(['Started container first']);
  });

  it('stop the sidecar after the main containers are done', () => {
    const bench = new Bench();
    const work = container('app', { command: ['true'] });
    const worker = bench.run(boundPod({ initContainers, containers: [work], restartPolicy: 'Never' }));
    return bench.clock.advance(0).then(() => {
      expect(worker.status().phase).toBe('Succeeded');
      expect(bench.messages('Killing')).toEqual(['Stopping container proxy']);
      expect(worker.status().initContainerStatuses?.[1]?.state?.terminated?.reason).toBe('Completed');
    });
  });
});

describe('restarts', () => {
  it('back off after the second crash with upstream texts, 10 s then 20 s', async () => {
    const bench = new Bench();
    const annotations = { 'kubehive.io/exit-code': '1', 'kubehive.io/exit-after': '1s' };
    const worker = bench.run(boundPod({}, { annotations }));
    await bench.clock.advance(1000);
    expect(worker.status().containerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      state: { running: {} },
      lastState: { terminated: { exitCode: 1, reason: 'Error' } },
    });
    await bench.clock.advance(1000);
    const text = 'back-off 10s restarting failed container=app pod=web_default(uid-web)';
    expect(worker.status().containerStatuses?.[0]?.state).toEqual({
      waiting: { reason: 'CrashLoopBackOff', message: text },
    });
    expect(worker.status().phase).toBe('Running');
    expect(bench.condition('Ready')).toBe('False');
    expect(bench.messages('BackOff')).toEqual(['Back-off restarting failed container app in pod web_default(uid-web)']);
    await bench.clock.advance(9999);
    expect(worker.status().containerStatuses?.[0]?.restartCount).toBe(1);
    await bench.clock.advance(1);
    expect(worker.status().containerStatuses?.[0]?.restartCount).toBe(2);
    await bench.clock.advance(1000 + 19_999);
    expect(worker.status().containerStatuses?.[0]?.restartCount).toBe(2);
    await bench.clock.advance(1);
    expect(worker.status().containerStatuses?.[0]?.restartCount).toBe(3);
  });

  it('do not happen with Never: the pod fails with its exit code', async () => {
    const bench = new Bench();
    const annotations = { 'kubehive.io/exit-code': '2', 'kubehive.io/exit-reason': 'OOMKilled' };
    const worker = bench.run(boundPod({ restartPolicy: 'Never' }, { annotations }));
    await bench.clock.advance(0);
    expect(worker.status()).toMatchObject({
      phase: 'Failed',
      containerStatuses: [{ state: { terminated: { exitCode: 2, reason: 'OOMKilled' } } }],
    });
    expect(worker.status().conditions?.find(({ type }) => type === 'Ready')?.reason).toBe('PodFailed');
  });

  it('succeed under OnFailure when the exit code is 0', async () => {
    const bench = new Bench();
    const work = container('app', { command: ['sh', '-c', 'echo hello && sleep 2; echo done'] });
    const worker = bench.run(boundPod({ restartPolicy: 'OnFailure', containers: [work] }));
    expect(worker.status().phase).toBe('Running');
    await bench.clock.advance(2000);
    expect(worker.status().phase).toBe('Succeeded');
    expect(worker.status().conditions?.find(({ type }) => type === 'Ready')?.reason).toBe('PodCompleted');
    const id = worker.containers()[0]!.id;
    expect(bench.runtime.log(id)?.lines.map(({ text }) => text)).toEqual(['hello', 'done']);
  });
});

describe('images', () => {
  it('that cannot be pulled show ErrImagePull, then ImagePullBackOff, and are tried again', async () => {
    const bench = new Bench();
    const annotations = { 'kubehive.io/pull-error': 'not found' };
    const worker = bench.run(boundPod({}, { annotations }));
    await bench.clock.advance(0);
    expect(worker.status().containerStatuses?.[0]?.state?.waiting?.reason).toBe('ErrImagePull');
    await bench.clock.advance(1000);
    expect(worker.status().containerStatuses?.[0]?.state?.waiting).toMatchObject({
      reason: 'ImagePullBackOff',
      message: expect.stringMatching(/^Back-off pulling image "nginx:1\.27": ErrImagePull: /),
    });
    bench.update((pod) => {
      pod.metadata.annotations = {};
    });
    await bench.clock.advance(10_000);
    expect(worker.status().phase).toBe('Running');
    expect(bench.messages('Failed')).toContain('Error: ErrImagePull');
    expect(bench.messages('BackOff')).toEqual(['Back-off pulling image "nginx:1.27"']);
  });

  it('with policy Never and not there leave the pod Pending with ErrImageNeverPull', () => {
    const bench = new Bench();
    const worker = bench.run(boundPod({ containers: [container('app', { imagePullPolicy: 'Never' })] }));
    expect(worker.status().containerStatuses?.[0]?.state?.waiting).toEqual({
      reason: 'ErrImageNeverPull',
      message: 'Container image "nginx:1.27" is not present with pull policy of Never',
    });
  });

  it('with an invalid name are told apart', () => {
    const bench = new Bench();
    const worker = bench.run(boundPod({ containers: [container('app', { image: 'NOT valid' })] }));
    expect(worker.status().containerStatuses?.[0]?.state?.waiting?.reason).toBe('InvalidImageName');
  });
});

describe('probes', () => {
  const readinessProbe = { httpGet: { port: 80 }, periodSeconds: 10, failureThreshold: 3 };

  it('without delay and success make the pod ready at once', () => {
    const bench = new Bench();
    bench.run(boundPod({ containers: [container('app', { readinessProbe })] }));
    expect(bench.condition('Ready')).toBe('True');
  });

  it('count from the first period after the initial delay', async () => {
    const bench = new Bench();
    const slow = { ...readinessProbe, initialDelaySeconds: 12 };
    bench.run(boundPod({ containers: [container('app', { readinessProbe: slow })] }));
    await bench.clock.advance(19_999);
    expect(bench.condition('Ready')).toBe('False');
    await bench.clock.advance(1);
    expect(bench.condition('Ready')).toBe('True');
  });

  it('that fail make the container unready and report Unhealthy', async () => {
    const bench = new Bench();
    const annotations = { 'kubehive.io/readiness': 'failure-after=25s' };
    bench.run(boundPod({ containers: [container('app', { readinessProbe })] }, { annotations }));
    await bench.clock.advance(49_000);
    expect(bench.condition('Ready')).toBe('True');
    await bench.clock.advance(2000);
    expect(bench.condition('Ready')).toBe('False');
    expect(bench.messages('Unhealthy')[0]).toBe('Readiness probe failed: HTTP probe failed with statuscode: 500');
  });

  it('of liveness restart the container', async () => {
    const bench = new Bench();
    const livenessProbe = { tcpSocket: { port: 80 }, periodSeconds: 5, failureThreshold: 2 };
    const annotations = { 'kubehive.io/liveness': 'failure' };
    const worker = bench.run(boundPod({ containers: [container('app', { livenessProbe })] }, { annotations }));
    await bench.clock.advance(5000);
    expect(bench.messages('Killing')).toEqual(['Container app failed liveness probe, will be restarted']);
    expect(worker.status().containerStatuses?.[0]?.restartCount).toBe(1);
  });

  it('of startup hold back the others', async () => {
    const bench = new Bench();
    const startupProbe = { exec: { command: ['true'] }, periodSeconds: 1, failureThreshold: 30 };
    const annotations = { 'kubehive.io/startup': 'success-after=3s' };
    const worker = bench.run(
      boundPod({ containers: [container('app', { startupProbe, readinessProbe })] }, { annotations }),
    );
    expect(worker.status().containerStatuses?.[0]).toMatchObject({ started: false, ready: false });
    await bench.clock.advance(3000);
    expect(worker.status().containerStatuses?.[0]).toMatchObject({ started: true, ready: true });
  });
});

describe('deletion', () => {
  it('stops the containers, frees the address and shows the end', () => {
    const bench = new Bench();
    const worker = bench.run(boundPod());
    bench.delete();
    expect(bench.messages('Killing')).toEqual(['Stopping container app']);
    expect(worker.stage).toBe('terminated');
    expect(worker.status()).toMatchObject({
      phase: 'Succeeded',
      podIP: '10.1.0.2',
      containerStatuses: [
        { ready: false, started: false, state: { terminated: { exitCode: 0, reason: 'Completed' } } },
      ],
    });
    for (let used = 0; used < 253; used++) bench.pool.allocate();
    expect(bench.pool.allocate()).toBeUndefined();
  });

  it('kills what outlives the grace period', async () => {
    const bench = new Bench();
    const worker = bench.run(boundPod({}, { annotations: { 'kubehive.io/stop-delay': '60s' } }));
    bench.delete(5);
    await bench.clock.advance(4999);
    expect(worker.stage).toBe('terminating');
    await bench.clock.advance(1);
    expect(worker.stage).toBe('terminated');
    expect(worker.status().containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(137);
    expect(worker.status().phase).toBe('Failed');
  });

  it('takes a shortened grace period over', async () => {
    const bench = new Bench();
    const worker = bench.run(boundPod({}, { annotations: { 'kubehive.io/stop-delay': '60s' } }));
    bench.delete(30);
    bench.delete(2);
    await bench.clock.advance(2000);
    expect(worker.stage).toBe('terminated');
  });

  it('waits for the preStop hook', async () => {
    const bench = new Bench();
    const lifecycle = { preStop: { sleep: { seconds: 3 } } };
    const worker = bench.run(boundPod({ containers: [container('app', { lifecycle })] }));
    bench.delete();
    expect(worker.stage).toBe('terminating');
    await bench.clock.advance(3000);
    expect(worker.stage).toBe('terminated');
  });
});

describe('an object that is gone', () => {
  it('ends the pod without a word about its status', () => {
    const bench = new Bench();
    const worker = bench.run(boundPod());
    const id = worker.containers()[0]!.id;
    bench.changes = 0;
    worker.abandon();
    expect(worker.stage).toBe('terminated');
    expect(bench.changes).toBe(0);
    expect(bench.runtime.log(id)).toBeUndefined();
  });
});

describe('ephemeral containers', () => {
  it('are started in a running pod, once, and do not touch its phase', async () => {
    const bench = new Bench();
    const worker = bench.run(boundPod());
    bench.update((pod) => {
      pod.metadata.generation = 2;
      pod.spec.ephemeralContainers = [container('debug', { image: 'busybox', command: ['false'] })];
    });
    await bench.clock.advance(20_000);
    expect(worker.status().phase).toBe('Running');
    expect(worker.status().ephemeralContainerStatuses).toMatchObject([
      { name: 'debug', restartCount: 0, state: { terminated: { exitCode: 1 } } },
    ]);
    expect(bench.events.find(({ message }) => message === 'Started container debug')?.fieldPath).toBe(
      'spec.ephemeralContainers{debug}',
    );
  });

  it('whose image cannot be pulled are tried again with a back-off', async () => {
    const bench = new Bench();
    const worker = bench.run(boundPod({}, { annotations: { 'kubehive.io/pull-error.debug': 'no' } }));
    bench.update((pod) => {
      pod.metadata.generation = 2;
      pod.spec.ephemeralContainers = [container('debug', { image: 'busybox' })];
    });
    await bench.clock.advance(5000);
    expect(worker.status().ephemeralContainerStatuses?.[0]?.state?.waiting?.reason).toBe('ImagePullBackOff');
    expect(worker.status().phase).toBe('Running');
  });
});

describe('the active deadline', () => {
  it('fails the pod with DeadlineExceeded', async () => {
    const bench = new Bench();
    const worker = bench.run(boundPod({ activeDeadlineSeconds: 10 }));
    await bench.clock.advance(10_000);
    expect(worker.status()).toMatchObject({
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    });
  });
});

describe('a kubelet that comes back', () => {
  it('takes running pods over without a change of their status', () => {
    const before = new Bench();
    const first = before.run(boundPod({ initContainers: [container('first')] }));
    const status = first.status();
    const after = new Bench();
    const pod = boundPod({ initContainers: [container('first')] }, {}, status);
    const second = after.run(pod);
    expect(second.status()).toEqual(status);
    expect(after.events).toEqual([]);
    expect(after.pool.allocate()).toEqual(['10.1.0.3']);
    after.delete();
    expect(second.stage).toBe('terminated');
  });

  it('deletes nothing of a pod that was done, and starts nothing', () => {
    const before = new Bench();
    const first = before.run(
      boundPod({ restartPolicy: 'Never', containers: [container('app', { command: ['true'] })] }),
    );
    return before.clock.advance(0).then(() => {
      const status = first.status();
      const after = new Bench();
      const second = after.run(boundPod({ restartPolicy: 'Never' }, {}, status));
      expect(second.stage).toBe('terminated');
      expect(second.status()).toEqual(status);
      expect(after.events).toEqual([]);
    });
  });
});
