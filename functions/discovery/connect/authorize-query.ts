import type { RequestParameters } from '../../shared/http/api.ts';
import { facadeBase } from '../../shared/registry/urls.ts';

/** The page's own parameters. All others are the authorize request's. */
export const own = { payer: 'payer', typed: 'q' } as const;

const isOwn = (name: string): boolean => name === own.payer || name === own.typed;

/** What the page carries of the authorize request. */
export const carriedOf = ({ values }: RequestParameters): readonly (readonly [string, string])[] =>
  [...values].filter(([name]) => !isOwn(name));

/** The authorize request for a payer: the same, with this payer's `aud` (SMART) and, if it is sent, `resource` (RFC 8707). */
export const requestFor = (
  origin: string,
  payerId: string,
  { values, repeated }: RequestParameters,
): RequestParameters => {
  const base = facadeBase(origin, payerId);
  const asked = new Map([...values].filter(([name]) => !isOwn(name)));
  asked.set('aud', base);
  if (asked.has('resource')) asked.set('resource', base);
  return { values: asked, repeated: new Set([...repeated].filter((name) => !isOwn(name))) };
};
