import { createServer } from 'node:http';
import { close, listen } from '../../sandbox/aws/listen.ts';
import { freePorts } from '../../sandbox/ports.ts';

describe('free ports', () => {
  it('are seven different ports, which are free again', async () => {
    const chosen = Object.values(await freePorts());
    expect(new Set(chosen).size).toBe(7);
    // Outside the range from which the system picks ports for outgoing connections.
    expect(Math.max(...chosen)).toBeLessThan(32_768);
    for (const port of chosen) {
      const server = createServer();
      expect(await listen(server, port, '127.0.0.1')).toBe(port);
      await close(server);
    }
  });

  it('replace only those that are 0, even if another is taken', async () => {
    const server = createServer();
    const taken = await listen(server, 0, '127.0.0.1');
    try {
      const ports = await freePorts({
        gateway: 0,
        demoHealthPlan: taken,
        partner: 1,
        northwind: 0,
        aws: 65_535,
        live: 0,
        identity: 0,
      });
      expect(ports).toMatchObject({ demoHealthPlan: taken, partner: 1, aws: 65_535 });
      expect(ports.gateway).toBeGreaterThan(1024);
      expect([taken, 1, 65_535, ports.gateway]).not.toContain(ports.northwind);
    } finally {
      await close(server);
    }
  });
});
