import { describe, expect, it } from 'vitest';
import { controllers as allControllers } from '../../actors/controllers/index.ts';
import { formerNames, selectComponents, UnknownComponentError } from '../../src/cluster/selection.ts';

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

  it('take the names that controllers had before', () => {
    expect(select('apiserver,deployment').controllers).toEqual(['deployment-controller']);
    expect(select('all,-replicaset').controllers).toEqual(['deployment-controller']);
    const names = allControllers.map(({ name }) => name);
    expect(Object.values(formerNames).filter((name) => !names.includes(name))).toEqual([]);
    for (const [former, name] of Object.entries(formerNames)) {
      expect(selectComponents([former], names).controllers).toEqual([name]);
    }
  });

  it('refuse names that are no component and say what there is', () => {
    expect(() => select('all,-deploymint')).toThrow(UnknownComponentError);
    expect(() => select('etcd')).toThrow(/unknown component "etcd"; components are all, apiserver/);
  });
});
