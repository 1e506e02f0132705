import { createHash } from 'node:crypto';

/*
 * What events have in common. Keys never leave the process.
 */

/** @param stateHash the key of a login attempt's item, which is a hash of our state */
export const attemptKey = (stateHash: string): string => `state ${stateHash}`;
/** Our state and a partner's alike. */
const stateKey = (state: string): string => attemptKey(createHash('sha256').update(state).digest('base64url'));
export const grantKey = (grantId: string): string => `grant ${grantId}`;
/** The id of a delivery, which its request names too. */
export const eventKey = (eventId: string): string => `event ${eventId}`;
/** A hop, for what happens while it runs. */
export const hopKey = (id: number): string => `hop ${id}`;

/** An export's id begins with its grant's. */
export const grantOfExport = (exportId: string): string | undefined => /^([\w-]{22})[\w-]{22}$/.exec(exportId)?.[1];

/** The sign-in at a payer that a path belongs to. */
const signInOf = (path: string): string | undefined =>
  /^\/interaction\/([\w-]{8,})/.exec(path)?.[1] ??
  /^\/oauth2\/authorize(?:\/payer2payer)?\/([\w-]{20,})$/.exec(path)?.[1];

const hashed = (what: string, value: string): string =>
  `${what} ${createHash('sha256').update(value).digest('base64url')}`;

/** Parameters whose values tell one flow from all others, in a query, a form or a token answer. */
const telling: Readonly<Record<string, string>> = {
  code: 'code',
  access_token: 'bearer',
  refresh_token: 'bearer',
  token: 'bearer',
};

/** What parameters have in common with those of other requests: a state, a code, a token. */
export const keysOfParameters = (parameters: Iterable<readonly [string, string]>): string[] =>
  [...parameters].flatMap(([name, value]) => {
    if (value === '') return [];
    if (name === 'state') return [stateKey(value)];
    const what = Object.hasOwn(telling, name) ? telling[name] : undefined;
    return what === undefined ? [] : [hashed(what, value)];
  });

/** The token that a request is made with. */
export const keysOfAuthorization = (authorization: string | undefined): string[] => {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  return token === undefined ? [] : [hashed('bearer', token)];
};

/** What an address has in common with others of its flow. */
export const keysOfUrl = (url: URL): string[] => {
  const signIn = signInOf(url.pathname);
  const grant = grantOfExport(/^\/exports\/([\w-]+)/.exec(url.pathname)?.[1] ?? '');
  return [
    ...keysOfParameters(url.searchParams),
    ...(signIn === undefined ? [] : [`sign-in ${signIn}`]),
    ...(grant === undefined ? [] : [grantKey(grant)]),
  ];
};
