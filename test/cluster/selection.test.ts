import { describe, expect, it } from 'vitest';
import { selectComponents, UnknownComponentError } from '../../src/cluster/selection.ts';

const controllers = ['deployment-controller', 'replicaset-controller', 'token-cleaner-controller'];
const select = (list: string) => selectComponents(list.split(','), controllers);

describe('component lists', () => {
  it('choose everything but the optional controllers by `all`', () => {
    expect(select('all')).toEqual({
      scheduler: true,
      nodes: true,
      kubeProxy: true,
      controllers: ['deployment-controller', 'replicaset-controller'],
    });
  });

  it('choose nothing but the store and the API server by `apiserver`', () => {
    expect(select('apiserver')).toEqual({ scheduler: false, nodes: false, kubeProxy: false, controllers: [] });
  });

  it('add single controllers, optional ones too', () => {
    expect(select('apiserver,token-cleaner-controller,scheduler')).toMatchObject({
      scheduler: true,
      nodes: false,
      controllers: ['token-cleaner-controller'],
    });
  });

  it('leave out what has a minus, from all when nothing else is named', () => {
    expect(select('-deployment-controller').controllers).toEqual(['replicaset-controller']);
    expect(select('controllers,-controllers').controllers).toEqual([]);
  });

  it('refuse names that are no component and say what there is', () => {
    expect(() => select('all,-deploymint')).toThrow(UnknownComponentError);
    expect(() => select('etcd')).toThrow(/unknown component "etcd"; components are all, apiserver/);
  });
});
