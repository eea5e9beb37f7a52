import { describe, expect, it } from 'vitest';
import { prepareForStatusUpdate, prepareForSubresourceUpdate } from '../../../../src/api/kinds/index.ts';
import { context, created, kindOf, objectOf, updated } from '../fixtures.ts';

const requests = kindOf('certificates.k8s.io', 'certificatesigningrequests');
const condition = (type: string, more: object = {}) => ({ type, status: 'True', ...more });

describe('certificate signing requests', () => {
  it('record who asks, whatever the client says', () => {
    const spec = { request: 'QQ==', signerName: 's', username: 'root', groups: ['system:masters'] };
    expect(created(requests, { spec, status: { certificate: 'QQ==' } })).toMatchObject({
      spec: { username: 'jane', uid: '7', groups: ['dev'], extra: { scopes: ['a'] } },
      status: {},
    });
  });

  it('never change what they ask for', () => {
    const next = updated(requests, { spec: { request: 'QQ==', signerName: 's' } }, { spec: { request: 'Qg==' } });
    expect(next.spec).toMatchObject({ request: 'QQ==', signerName: 's' });
  });

  it('are approved through approval alone', () => {
    const previous = objectOf(requests, { spec: {}, status: { certificate: 'QQ==' } });
    const approved = objectOf(requests, {
      spec: {},
      status: { conditions: [condition('Approved')], certificate: 'Qg==' },
    });
    prepareForSubresourceUpdate(requests, 'approval', approved, previous, context);
    expect(approved.status).toEqual({
      certificate: 'QQ==',
      conditions: [condition('Approved', { lastUpdateTime: context.now, lastTransitionTime: context.now })],
    });
    const issued = objectOf(requests, { spec: {}, status: { conditions: [condition('Denied')], certificate: 'Qg==' } });
    prepareForStatusUpdate(requests, issued, approved, context);
    expect(issued.status).toMatchObject({ certificate: 'Qg==', conditions: [{ type: 'Approved' }] });
  });
});
