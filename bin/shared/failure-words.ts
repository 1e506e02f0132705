/** What a known network error means, as the rest of a sentence; `undefined` for other errors. */
export const failureWords = (cause: string): string | undefined => {
  if (/ENOTFOUND|EAI_AGAIN/.test(cause)) return 'is at a host without an address; check its spelling';
  if (/ECONNREFUSED/.test(cause)) return 'refuses connections';
  if (/ECONNRESET|EPIPE/.test(cause)) return 'closes the connection';
  if (/EHOSTUNREACH|ENETUNREACH/.test(cause)) return 'cannot be reached from this network';
  if (/EPROTO|ERR_SSL/.test(cause)) return 'does not speak TLS 1.2 or later there; check scheme and port';
  if (/TimeoutError|ETIMEDOUT/.test(cause)) return 'does not answer in time';
  return undefined;
};
