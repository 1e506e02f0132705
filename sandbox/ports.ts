import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { defaultPorts } from '../config/local.ts';
import { close, listen } from './aws/listen.ts';

/** The local stack's ports. */
export type LocalPorts = typeof defaultPorts;

/**
 * Below the ports that systems give to outgoing connections (Linux from 32768, others from 49152): one of those could be
 * taken between its choice and its use.
 */
const range = [20_000, 32_768] as const;
const mostTries = 100;

const isTaken = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EADDRINUSE';

const listenAnywhere = async (server: Server, tries = 1): Promise<number> => {
  try {
    return await listen(server, randomInt(...range), '127.0.0.1');
  } catch (error) {
    if (!isTaken(error) || tries === mostTries) throw error;
    return listenAnywhere(server, tries + 1);
  }
};

/** A port on which nothing listens. */
export const freePort = async (): Promise<number> => {
  const server = createServer();
  const port = await listenAnywhere(server);
  await close(server);
  return port;
};

/** Replaces each 0 with a free port. Chosen ports are held until all are chosen, so that no two are the same. */
export const freePorts = async (
  ports: LocalPorts = { gateway: 0, demoHealthPlan: 0, partner: 0, northwind: 0, aws: 0, live: 0, identity: 0 },
): Promise<LocalPorts> => {
  const servers = Object.entries(ports).map(([name, port]) => ({ name, port, server: createServer() }));
  const chosen: [string, number][] = [];
  for (const { name, port, server } of servers) {
    chosen.push([name, port === 0 ? await listenAnywhere(server) : port]);
  }
  await Promise.all(servers.map(({ server }) => close(server)));
  return { ...ports, ...Object.fromEntries(chosen) };
};

/** A document's text, which names the usual ports, as it is where these ports run. */
export const atPorts =
  (ports: LocalPorts) =>
  (text: string): string => {
    const running = new Map(
      Object.entries(defaultPorts).map(([name, usual]) => [usual, ports[name as keyof LocalPorts]]),
    );
    return text.replaceAll(/\b(localhost|127\.0\.0\.1):(\d+)\b/g, (whole, host: string, port: string) => {
      const at = running.get(Number(port));
      return at === undefined ? whole : `${host}:${at}`;
    });
  };
