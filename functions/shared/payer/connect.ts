import { once } from 'node:events';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { causeOf } from '../errors.ts';
import { bareHost } from '../http/private-address.ts';

/** The most milliseconds for one try: with the lookup before and the answer after, a payer that hangs takes 10 s. */
const connectMs = 1500;

/** A connection that was opened and closed again. */
export interface Connection {
  /** Absent for plain http, which the configuration allows for loopback hosts only. */
  readonly tls?: {
    /** Such as `TLSv1.3`. */
    readonly protocol: string;
    /** Why clients do not trust the certificate, in OpenSSL's or Node's words; undefined if they do. */
    readonly verdict: string | undefined;
    readonly validUntilMs: number;
  };
}

const tlsOf = (socket: TLSSocket): NonNullable<Connection['tls']> => {
  // The type says Error; it is the error's code.
  const verdict: unknown = socket.authorizationError;
  return {
    protocol: socket.getProtocol() ?? 'TLS',
    verdict: socket.authorized ? undefined : String(verdict),
    validUntilMs: socket.getPeerX509Certificate()?.validToDate.getTime() ?? 0,
  };
};

const connectOnce = async (url: URL, options: ConnectionOptions): Promise<Connection> => {
  const host = bareHost(url.hostname);
  const isTls = url.protocol === 'https:';
  const port = Number(url.port === '' ? (isTls ? 443 : 80) : url.port);
  const socket: Socket = isTls
    ? connectTls({
        host,
        port,
        ...(isIP(host) === 0 ? { servername: host } : {}),
        minVersion: 'TLSv1.2',
        // The certificate is judged afterwards; an error here would say less about it.
        rejectUnauthorized: false,
        ...options,
      })
    : connectTcp({ host, port });
  try {
    await once(socket, isTls ? 'secureConnect' : 'connect', { signal: AbortSignal.timeout(connectMs) });
    return isTls ? { tls: tlsOf(socket as TLSSocket) } : {};
  } finally {
    socket.destroy();
  }
};

/**
 * Connects to an origin, up to the TLS handshake, and sends nothing. If there is no connection in time it tries once more:
 * a lost packet is no fault of the payer's.
 * @param options other TLS options, such as a certificate authority
 * @throws the socket's error; for a server without TLS 1.2 its name contains PROTOCOL
 */
export const connect = async (url: URL, options: ConnectionOptions = {}): Promise<Connection> => {
  try {
    return await connectOnce(url, options);
  } catch (error) {
    if (!/TimeoutError/.test(causeOf(error))) throw error;
    return connectOnce(url, options);
  }
};
