import { createHash } from 'node:crypto';
import { base64url } from '../../shared/base64url.ts';
import type { Deps } from '../../shared/deps.ts';
import type { IndexClient } from '../../shared/pages/settings.ts';
import { authorizeUrl, facadeBase, tokenUrl } from '../../shared/registry/urls.ts';

/** The three calls of an app, ready to be copied. */
export interface Calls {
  readonly authorize: string;
  /** With `{code}` for the code. */
  readonly token: string;
  /** With `{access_token}` for the token. */
  readonly read: string;
}

/** What one showing of the page makes: values that work together, and that no one else gets. */
export interface Once {
  readonly state: string;
  readonly verifier: string;
}

export const onceOf = ({ randomBytes }: Pick<Deps, 'randomBytes'>): Once => ({
  state: base64url(randomBytes(16)),
  verifier: base64url(randomBytes(32)),
});

/** A value inside single quotes in a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');

/** The calls of a client at a payer, with PKCE, which every client may use and most must. */
export const callsOf = (
  origin: string,
  { clientId, redirectUris: [redirectUri = ''], isPublic, secret }: IndexClient,
  payer: string,
  { state, verifier }: Once,
): Calls => {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    state,
    code_challenge: challengeOf(verifier),
    code_challenge_method: 'S256',
  });
  const form = {
    grant_type: 'authorization_code',
    client_id: clientId,
    ...(isPublic ? {} : { client_secret: secret ?? '{client_secret}' }),
    redirect_uri: redirectUri,
    code_verifier: verifier,
    code: '{code}',
  };
  const fields = Object.entries(form).map(([name, value]) => `--data-urlencode ${quoted(`${name}=${value}`)}`);
  return {
    authorize: `${authorizeUrl(origin, payer)}?${query.toString()}`,
    token: [`curl ${quoted(tokenUrl(origin))}`, ...fields].join(' \\\n  '),
    read: [
      `curl ${quoted(`${facadeBase(origin, payer)}/Patient`)}`,
      `--header ${quoted('Authorization: Bearer {access_token}')}`,
    ].join(' \\\n  '),
  };
};
