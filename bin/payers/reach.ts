import { isIP } from 'node:net';
import { causeOf } from '../../functions/shared/errors.ts';
import { bareHost } from '../../functions/shared/http/private-address.ts';
import type { Connection } from '../../functions/shared/payer/connect.ts';
import { serversOf } from '../../functions/shared/payer/drift.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { withinMs } from '../shared/deadline.ts';
import { failureWords } from '../shared/failure-words.ts';
import { certificateFault } from './certificates.ts';
import { fault, pass, type Finding } from './finding.ts';

export interface ReachDeps {
  readonly now: () => number;
  /** The addresses of a host name. */
  readonly lookup: (hostname: string) => Promise<readonly string[]>;
  /** Connects to an origin, within its own time limit. */
  readonly connect: (url: URL) => Promise<Connection>;
}

/** The most milliseconds for a DNS lookup. */
const lookupMs = 1500;

/** With fewer days left, the payer's own renewal has failed or was forgotten. */
const fewDays = 7;
const dayMs = 86_400_000;

const checkName = async ({ lookup }: ReachDeps, hostname: string): Promise<Finding> => {
  if (isIP(bareHost(hostname)) !== 0) return pass('name', `${hostname} is an address, with no name to look up`);
  try {
    return pass('name', `${hostname} is ${(await withinMs(lookupMs, lookup(hostname))).join(', ')}`);
  } catch (error) {
    const unknown = /ENOTFOUND|ENODATA/.test(causeOf(error));
    return fault(
      'name',
      `${hostname} ${unknown ? 'is not a known host' : `cannot be looked up (${causeOf(error)})`}`,
      unknown
        ? 'check its spelling, or ask the payer for its host, and run again'
        : "check this machine's DNS, and run again",
    );
  }
};

interface Judged {
  readonly finding: Finding;
  /** Whether requests would get through. */
  readonly usable: boolean;
}

const judgeCertificate = (host: string, { tls }: Connection, nowMs: number): Judged => {
  if (tls === undefined) return { finding: pass('connection', `${host}: TLS not checked: loopback`), usable: true };
  if (tls.verdict !== undefined) {
    const [what, todo] = certificateFault(tls.verdict) ?? [
      `is refused (${tls.verdict})`,
      'ask the payer for a certificate that clients trust',
    ];
    return { finding: fault('connection', `${host}: the certificate ${what}`, todo), usable: false };
  }
  const days = Math.floor((tls.validUntilMs - nowMs) / dayMs);
  const text = `${host}: ${tls.protocol}, the certificate is valid for ${days} more days`;
  const finding =
    days < fewDays ? fault('connection', text, 'ask the payer to renew it now') : pass('connection', text);
  return { finding, usable: true };
};

const noConnection = (host: string, cause: string): Finding => {
  if (/PROTOCOL/.test(cause)) {
    return fault('connection', `${host}: offers no TLS 1.2 or later`, 'ask the payer to offer it');
  }
  return fault(
    'connection',
    `${host} ${failureWords(cause) ?? `cannot be connected to (${cause})`}`,
    'check host and port, ask the payer whether it is up and lets our addresses in, and run again',
  );
};

const checkConnection = async ({ connect, now }: ReachDeps, server: URL): Promise<Judged> => {
  const host = server.port === '' ? server.hostname : server.host;
  try {
    return judgeCertificate(host, await connect(server), now());
  } catch (error) {
    return { finding: noConnection(host, causeOf(error)), usable: false };
  }
};

/** Findings about hosts, and which of them are down. */
export interface Reached {
  readonly findings: readonly Finding[];
  readonly isDown: (url: string) => boolean;
}

/** Looks up each of the payer's hosts and connects to it, all in parallel. */
export const reach = async (deps: ReachDeps, payer: Payer): Promise<Reached> => {
  const servers = serversOf(payer);
  const hostnames = [...new Set(servers.map(({ hostname }) => hostname))];
  const names = new Map(
    await Promise.all(hostnames.map(async (hostname) => [hostname, await checkName(deps, hostname)] as const)),
  );
  const named = servers.filter(({ hostname }) => names.get(hostname)?.todo === undefined);
  const connections = await Promise.all(
    named.map(async (server) => {
      const { finding, usable } = await checkConnection(deps, server);
      return { origin: server.origin, finding, usable };
    }),
  );
  const up = new Set(connections.filter(({ usable }) => usable).map(({ origin }) => origin));
  const down = new Set(servers.map(({ origin }) => origin).filter((origin) => !up.has(origin)));
  return {
    findings: [...names.values(), ...connections.map(({ finding }) => finding)],
    isDown: (url) => down.has(new URL(url).origin),
  };
};
