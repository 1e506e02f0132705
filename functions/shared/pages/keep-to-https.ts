import type { Middleware } from '../record/request-record.ts';
import type { PageSettings } from './settings.ts';

const name = 'Strict-Transport-Security';

/**
 * Extends what a page says about plain http to all names below the stage's domain (RFC 6797 §6.1.2). Without a domain
 * of its own the gateway is a name of AWS's, for which it cannot speak.
 */
export const keepToHttps = ({ ownDomain = false }: PageSettings): Middleware => {
  const extend: Middleware['after'] = ({ response }) => {
    const value = response?.headers[name];
    if (ownDomain && response && value !== undefined) response.headers[name] = `${value}; includeSubDomains`;
  };
  return { after: extend, onError: extend };
};
