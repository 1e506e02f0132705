import { withReference, type GatewayError } from '../errors.ts';
import type { ApiResponse } from '../http/api.ts';
import { errorUri } from '../http/read-on.ts';
import { redirect } from '../pages/browser-headers.ts';

declare const checked: unique symbol;

/** A redirect URI that the partner has registered. The gateway redirects to no other string. */
export type TrustedRedirectUri = string & { readonly [checked]: true };

/** Where a browser may be sent back to, and the parameters that must go with it. */
export interface PartnerReturn {
  readonly redirectUri: TrustedRedirectUri;
  /** The partner's state, if it sent one. */
  readonly state: string | undefined;
  /** The facade's issuer (RFC 9207). */
  readonly iss: string;
}

/** RFC 8252 §7.3: a loopback URI, split at its port. Only hosts that an app can listen on, in their usual spelling. */
const loopback = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost))(?::([1-9]\d{0,4}))?(\/[^#]*)?$/;

const withoutPort = (uri: string): string | undefined => {
  const match = loopback.exec(uri);
  return match === null || Number(match[2]) > 65_535 ? undefined : uri.replace(loopback, '$1$3');
};

/**
 * Finds a redirect URI among the registered ones. It must match exactly; a public client's loopback URI may differ in
 * its port. Nothing is parsed or normalized, so no other spelling passes.
 */
export const trustRedirectUri = (
  uri: string,
  { redirectUris, clientAuthentication }: { redirectUris: readonly string[]; clientAuthentication: readonly string[] },
): TrustedRedirectUri | undefined => {
  const bare = clientAuthentication.includes('none') ? withoutPort(uri) : undefined;
  const known = redirectUris.some(
    (registered) => registered === uri || (bare !== undefined && withoutPort(registered) === bare),
  );
  return known ? (uri as TrustedRedirectUri) : undefined;
};

/** Sends the browser back to the partner with these parameters, `state` and `iss` (RFC 6749 §4.1.2, RFC 9207). */
export const returnToPartner = (
  { redirectUri, state, iss }: PartnerReturn,
  answer: Readonly<Record<string, string>>,
  cookies: readonly string[],
): ApiResponse => {
  const query = new URLSearchParams({ ...answer, ...(state === undefined ? {} : { state }), iss });
  return redirect(`${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${query}`, cookies);
};

/** Sends the browser back to the partner with an error (RFC 6749 §4.1.2.1). */
export const returnError = (
  to: PartnerReturn,
  error: GatewayError,
  reference: string,
  cookies: readonly string[] = [],
): ApiResponse =>
  returnToPartner(
    to,
    {
      error: error.code,
      error_description: withReference(error.publicMessage, reference),
      ...errorUri('redirect', error, 302),
    },
    cookies,
  );
