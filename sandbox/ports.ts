import { createServer } from 'node:http';
import { defaultPorts } from '../config/local.ts';
import { close, listen } from './aws/listen.ts';

/** The local stack's ports. */
export type LocalPorts = typeof defaultPorts;

/** Replaces each 0 with a free port. Chosen ports are held until all are chosen, so that no two are the same. */
export const freePorts = async (
  ports: LocalPorts = { gateway: 0, demoHealthPlan: 0, partner: 0, northwind: 0, aws: 0 },
): Promise<LocalPorts> => {
  const servers = Object.entries(ports).map(([name, port]) => ({ name, port, server: createServer() }));
  const chosen: [string, number][] = [];
  for (const { name, port, server } of servers) {
    chosen.push([name, port === 0 ? await listen(server, 0, '127.0.0.1') : port]);
  }
  await Promise.all(servers.map(({ server }) => close(server)));
  return { ...ports, ...Object.fromEntries(chosen) };
};
