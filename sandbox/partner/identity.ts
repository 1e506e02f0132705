import * as openid from 'openid-client';
import { connect, type App } from './actions.ts';
import { problemAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import { tokensOf } from './gateway-client.ts';
import { identifyPage } from './pages/identify.ts';
import type { PayerChoice } from './payer-choice.ts';
import { discovered, presentIdentity, type PresentedIdentity } from './present-identity.ts';
import { expiredSignIn, problemOf, problemOfIdentity } from './problem.ts';
import { rememberProof, type Session } from './sessions.ts';

const redirectUri = (app: App): string => `${app.origin}/identity/callback`;

/** Asks whether the member agrees, since no page of the payer will. */
export const askToIdentify = (app: App, session: Session, payer: PayerChoice): Answer => {
  session.hasForm = true;
  return {
    status: 200,
    page: identifyPage(payer, session.formToken, new URL(app.identity?.issuer ?? app.origin).host),
    leavesApp: app.identity?.issuer,
  };
};

/** Sends the browser to the identity provider. */
export const beginProof = async (app: App, session: Session, payer: PayerChoice): Promise<Answer> => {
  try {
    const provider = await providerOf(app);
    const state = openid.randomState();
    const proof = {
      payerId: payer.id,
      codeVerifier: openid.randomPKCECodeVerifier(),
      nonce: openid.randomNonce(),
      agreedAtMs: Date.now(),
    };
    rememberProof(session, state, proof);
    const url = openid.buildAuthorizationUrl(provider, {
      redirect_uri: redirectUri(app),
      scope: 'openid',
      state,
      nonce: proof.nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(proof.codeVerifier),
      code_challenge_method: 'S256',
    });
    return { redirect: url.href };
  } catch (error) {
    return problemAnswer(problemOf(error, payer.displayName), payer);
  }
};

/** Takes the identity token, and gets the gateway's tokens with it in one call. The identity is kept nowhere. */
export const finishProof = async (app: App, session: Session, url: URL): Promise<Answer> => {
  const state = url.searchParams.get('state') ?? '';
  const proof = session.proofs.get(state);
  session.proofs.delete(state);
  const payer = app.payers.find(({ id }) => id === proof?.payerId);
  if (proof === undefined || payer === undefined || app.identity === undefined)
    return problemAnswer(expiredSignIn, undefined);
  try {
    const callback = new URL(url.pathname + url.search, app.origin);
    const { id_token: idToken = '' } = await openid.authorizationCodeGrant(await providerOf(app), callback, {
      pkceCodeVerifier: proof.codeVerifier,
      expectedState: state,
      expectedNonce: proof.nonce,
    });
    return await present(app, session, payer, { idToken, agreedAtMs: proof.agreedAtMs });
  } catch (error) {
    return problemAnswer(problemOf(error, payer.displayName), payer);
  }
};

const present = async (
  app: App,
  session: Session,
  payer: PayerChoice,
  identity: PresentedIdentity,
): Promise<Answer> => {
  const base = app.gateway.base(payer.id);
  try {
    const answer = await presentIdentity(base, app.clientId, app.identity!.key, identity);
    await connect(app, session, payer, tokensOf(answer, Date.now()));
    return { redirect: `/record/${payer.id}` };
  } catch (error) {
    return problemAnswer(problemOfIdentity(error, payer.displayName), payer);
  }
};

const providerOf = ({ identity }: App): Promise<openid.Configuration> => {
  const { issuer = '', clientId = '' } = identity ?? {};
  return discovered(issuer, clientId, 'oidc');
};
