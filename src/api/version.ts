/** The Kubernetes release whose API and behaviour are served; schemas are generated from the same one. */
export const kubernetesVersion = 'v1.36.2';
