import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Listens, and returns the port. It never closes an idle connection, since a caller that was busy for seconds may just have
 * sent its next request on it.
 * @throws the server's own error, such as `EADDRINUSE`
 */
export const listen = async (server: Server, port: number, host: string): Promise<number> => {
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
};

/** Closes at once, including open connections. */
export const close = async (server: Server): Promise<void> => {
  if (!server.listening) return;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
};
