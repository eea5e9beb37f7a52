/** Last stage: reads are answered from the caches, writes go to the store. A subresource with its own answer gives it here. */
import type { Call } from '../call.ts';
import { methodNotAllowed } from '../failures.ts';
import type { Server } from '../server.ts';
import { subresourceHandlerOf } from '../subresources/index.ts';
import { createObject } from '../verbs/create.ts';
import { deleteObject } from '../verbs/delete.ts';
import { deleteCollection } from '../verbs/deletecollection.ts';
import { getObject } from '../verbs/get.ts';
import { listObjects } from '../verbs/list.ts';
import { updateObject } from '../verbs/update.ts';
import { watchObjects } from '../verbs/watch.ts';
import type { VirtualKind } from '../virtual/handler.ts';
import { virtualKindOf } from '../virtual/index.ts';

export function storeOrRead(call: Call, server: Server): void | Promise<void> {
  const handler = subresourceHandlerOf(call);
  if (handler?.connect !== undefined) {
    const { connect } = handler;
    const admitted = server.admission.connect(call, server);
    return admitted === undefined ? connect(call, server) : admitted.then(() => connect(call, server));
  }
  const virtual = virtualKindOf(call.kind);
  if (virtual !== undefined) return answerVirtual(virtual, call, server);
  switch (call.verb) {
    case 'get':
      return getObject(call, server);
    case 'list':
      return listObjects(call, server);
    case 'watch':
      return watchObjects(call, server);
    case 'create':
      return handler?.create === undefined ? createObject(call, server) : handler.create(call, server);
    case 'update':
    case 'patch':
      return call.previous === undefined ? createObject(call, server) : updateObject(call, server);
    case 'delete':
      return deleteObject(call, server);
    case 'deletecollection':
      return deleteCollection(call, server);
  }
}

function answerVirtual(virtual: VirtualKind, call: Call, server: Server): void | Promise<void> {
  const answer =
    call.verb === 'create'
      ? virtual.create
      : call.verb === 'get'
        ? virtual.get
        : call.verb === 'list'
          ? virtual.list
          : undefined;
  if (answer === undefined) throw methodNotAllowed();
  return answer(call, server);
}
