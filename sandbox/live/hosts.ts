/**
 * Whether a request's `Host` names this machine. A page elsewhere whose name was pointed to 127.0.0.1 (DNS rebinding)
 * sends its own name, and is refused.
 */
export const isThisMachine = (host: string | undefined, port: number): boolean =>
  host !== undefined && ['localhost', '127.0.0.1', '[::1]'].some((name) => host.toLowerCase() === `${name}:${port}`);
