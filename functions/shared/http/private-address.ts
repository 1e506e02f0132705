import { BlockList, isIP } from 'node:net';

/*
 * The addresses that are not on the public internet, from the IANA registries of special-purpose addresses
 * (https://www.iana.org/assignments/iana-ipv4-special-registry, …/iana-ipv6-special-registry).
 */

const notPublic = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  // Multicast, and everything above it.
  ['224.0.0.0', 3],
] as const) {
  notPublic.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  // Teredo and other protocols, documentation, 6to4: some lead to an IPv4 address.
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  notPublic.addSubnet(network, prefix, 'ipv6');
}

/** All public IPv6 addresses are in it (RFC 4291 §2.4). Mapped IPv4 and NAT64 addresses are not. */
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

/** Whether an IP address is on the public internet. False for text that is not an IP address. */
export const isPublicAddress = (address: string): boolean => {
  switch (isIP(address)) {
    case 4:
      return !notPublic.check(address, 'ipv4');
    case 6:
      return globalUnicast.check(address, 'ipv6') && !notPublic.check(address, 'ipv6');
    default:
      return false;
  }
};

/** A URL's host name without the brackets of an IPv6 address. */
export const bareHost = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');

/** Names of this machine, as a resolver knows them (RFC 6761 §6.3). */
const isLocalhost = (host: string): boolean => /(?:^|\.)localhost\.?$/.test(host);

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether an IP address is this machine's own. False for text that is not an IP address, such as `127.example.org`. */
export const isLoopback = (address: string): boolean => {
  const version = isIP(address);
  return version !== 0 && loopback.check(address, version === 4 ? 'ipv4' : 'ipv6');
};

/** Whether a URL names this machine. */
export const namesThisMachine = (url: string): boolean => {
  const host = bareHost(new URL(url).hostname);
  return isLoopback(host) || isLocalhost(host);
};

/**
 * Names that only a private network knows: of one label, and below what the public DNS never delegates (RFC 6762 with its
 * appendix G, RFC 8375, RFC 7686, RFC 9476, and `internal` by ICANN's resolution of 2024).
 */
const isPrivateName = (host: string): boolean =>
  !host.includes('.') ||
  /\.(?:local|internal|home\.arpa|onion|alt|intranet|private|corp|home|lan)\.?$/.test(host) ||
  isLocalhost(host);

/**
 * Whether a URL names this machine, or a host that is not on the public internet, by its address or by its name. It makes no
 * DNS request.
 */
export const namesPrivateAddress = (url: string): boolean => {
  const host = bareHost(new URL(url).hostname);
  return isIP(host) === 0 ? isPrivateName(host) : !isPublicAddress(host);
};
