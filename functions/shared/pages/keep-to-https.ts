import type { Middleware } from '../record/request-record.ts';
import type { PageSettings } from './settings.ts';

const name = 'Strict-Transport-Security';

/**
 * Extends a page's HSTS header to all names below the stage's domain (RFC 6797 §6.1.2). Without a domain of its own, the
 * gateway has a name of AWS's, and must not speak for the names below that.
 */
export const keepToHttps = ({ ownDomain = false }: PageSettings): Middleware => {
  const extend: Middleware['after'] = ({ response }) => {
    const value = response?.headers[name];
    if (ownDomain && response && value !== undefined) response.headers[name] = `${value}; includeSubDomains`;
  };
  return { after: extend, onError: extend };
};
