#!/usr/bin/env node
// A whole scheduler over HTTP: every pod without a node goes to the nodes in turn, whatever it asks for. Started by
//   kubehive bench … --scheduler-command docs/examples/round-robin-scheduler.mjs
// which gives the address of its API server in SERVER.
const server = process.env.SERVER ?? 'http://127.0.0.1:8001';

const get = async (path) => (await (await fetch(`${server}${path}`)).json()).items;

async function bind({ name, namespace }, node) {
  const answer = await fetch(`${server}/api/v1/namespaces/${namespace}/pods/${name}/binding`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace },
      target: { kind: 'Node', name: node },
    }),
  });
  await answer.arrayBuffer();
  // A pod that is gone, or has a node by now, is nobody's concern any more.
  if (!answer.ok && answer.status !== 404 && answer.status !== 409)
    throw new Error(`binding ${name}: ${answer.status}`);
}

for (let turn = 0; ; ) {
  const nodes = await get('/api/v1/nodes');
  const pods = await get('/api/v1/pods?fieldSelector=spec.nodeName%3D');
  for (const { metadata } of nodes.length === 0 ? [] : pods) {
    await bind(metadata, nodes[turn++ % nodes.length].metadata.name);
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
}
