import { BlockList, isIP } from 'node:net';
import { bare } from './connect.ts';

const ours = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  ours.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
] as const) {
  ours.addSubnet(network, prefix, 'ipv6');
}

/** Whether a URL names this machine, or an address of a private network or of a cloud's metadata service. */
export const isLocalAddress = (url: string): boolean => {
  const host = bare(new URL(url).hostname);
  const family = isIP(host);
  if (family === 0) return host === 'localhost' || host.endsWith('.localhost');
  return ours.check(host, family === 4 ? 'ipv4' : 'ipv6');
};
