/** Service routing and addresses as pure functions, and the channels of the kube-proxy actor. */
export * from './cidr.ts';
export { chooseEndpoints, type EndpointChoice, isExternal } from './endpoint-choice.ts';
export { iptablesRules } from './modes/iptables.ts';
export { ipvsRules } from './modes/ipvs.ts';
export { nftablesRules } from './modes/nftables.ts';
export * from './protocol.ts';
export { type Connection, Router, type RuleIndex } from './route.ts';
export { isIgnored, serviceRules } from './rules.ts';
export { followServices, ServiceTable } from './service-table.ts';
export { SubnetAllocator } from './subnets.ts';
export * from './types.ts';
