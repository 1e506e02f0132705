/** Every path through the gateway that calls AWS, over HTTP on a stage on this machine. */
import { isTurn } from '../../functions/canary/watch-drift.ts';
import {
  authorize,
  authorizeParameters,
  begin,
  callback,
  comeBack,
  connect,
  cookiesOf,
  decide,
  introspect,
  locationOf,
  login,
  post,
  postAs,
  read,
  redeem,
  refresh,
  tokensOf,
} from '../conformance/client.ts';
import { partnerKey } from '../conformance/local-config.ts';
import type { LocalTarget } from '../conformance/local-target.ts';
import { patientId } from '../conformance/scripted-payer.ts';
import { assertionForm, type Change } from '../support/login/requests.ts';
import type { Tokens } from '../support/login/steps.ts';
import { answer, answerText, tokens as tokensAnswer } from '../support/payer/answers.ts';
import { words } from '../support/words.ts';
import { driveExports } from './export-paths.ts';

/** @throws Error if a path ends in an unexpected way, since its calls would then prove nothing */
const expectStatus = async (what: string, sent: Promise<Response>, status: number): Promise<Response> => {
  const response = await sent;
  if (response.status !== status) throw new Error(`${what}: ${response.status} ${await response.text()}`);
  return response;
};

/** Sends a request and ignores its answer. */
const drain = async (what: string, sent: Promise<Response>, status: number): Promise<void> => {
  await (await expectStatus(what, sent, status)).text();
};

const signIns = async (target: LocalTarget): Promise<void> => {
  const { asking } = target.apps;
  await connect(target, {}, { app: asking });
  const page = await expectStatus('consent page', authorize(target, {}, { app: asking }), 200);
  await drain('consent denied', decide(page, 'deny'), 302);
  const byForm = { method: 'POST', body: authorizeParameters(target), redirect: 'manual' } as const;
  await drain('authorize by POST', fetch(`${target.origin}/oauth2/authorize/${target.payer}`, byForm), 302);

  const begun = await begin(target);
  await drain('callback', comeBack(begun), 302);
  await drain('callback again', comeBack(begun), 400);
  await drain('unknown state', callback(target, { state: 'unknown', code: 'code' }, { cookie: begun.cookie }), 400);
  await drain('no cookie', callback(target, { state: (await begin(target)).state, code: 'code' }), 400);

  await connect(target, {}, { payer: 'keyed-health' });
  target.payers.script('clear-health', { token: answer(400, { error: 'invalid_grant' }) });
  const refused = locationOf(await comeBack(await begin(target)));
  if (!refused.searchParams.has('error')) throw new Error('a refused code brought no error');
  target.payers.reset();
};

const pairs = async (target: LocalTarget): Promise<void> => {
  const loggedIn = await login(target);
  const first = await tokensOf(await redeem(target, loggedIn));
  await drain('replayed code', redeem(target, loggedIn), 400);
  await drain('token of the revoked grant', read(target, '/Patient', first.access_token), 401);

  const pair = await connect(target);
  const next = await tokensOf(await refresh(target, pair.refresh_token));
  await tokensOf(await refresh(target, pair.refresh_token));
  await tokensOf(await refresh(target, next.refresh_token));
  await drain('reused refresh token', refresh(target, pair.refresh_token), 400);
};

const revocations = async (target: LocalTarget): Promise<void> => {
  for (const payer of ['clear-health', 'keyed-health']) {
    const { access_token: token } = await connect(target, {}, { payer });
    await introspect(target, token);
    await drain('revocation', postAs(target, target.portal, 'revoke', { token }), 200);
    await introspect(target, token);
  }
};

/** The page where a member sees what may read the record: signs in, stops one app, stops all, signs out. */
const memberPage = async (target: LocalTarget): Promise<void> => {
  const url = `${target.origin}/connections/${target.payer}`;
  const send = (form: Record<string, string>, cookie = '') =>
    fetch(url, { method: 'POST', body: new URLSearchParams(form), headers: { cookie }, redirect: 'manual' });
  const begun = await expectStatus('sign-in of a member', send({ act: 'sign-in' }), 302);
  const back = await comeBack({ payerUrl: locationOf(begun), cookie: cookiesOf(begun) });
  const cookie = cookiesOf(back);
  for (const act of ['end', 'end-all', 'sign-out']) {
    await connect(target);
    const page = await (await expectStatus('page of connections', fetch(url, { headers: { cookie } }), 200)).text();
    const valueOf = (name: string): string => new RegExp(`name="${name}" value="([^"]+)"`).exec(page)?.[1] ?? '';
    const form = { act, form_token: valueOf('form_token'), ...(act === 'end' ? { app: valueOf('app') } : {}) };
    const told = locationOf(await send(form, cookie)).searchParams;
    if (told.get('notice') !== (act === 'sign-out' ? 'signedOut' : null)) throw new Error(`${act}: ${told.toString()}`);
  }
};

/** Authenticates as the partner with a key does (RFC 7523). */
const assertion = ({ origin, apps, now }: LocalTarget): Promise<Change> =>
  assertionForm({ clientId: apps.keyed.clientId, key: partnerKey.privateJwk, origin, now: now() });

const partnerWithKey = async (target: LocalTarget): Promise<void> => {
  const { code, verifier } = await login(target, {}, { app: target.apps.keyed });
  const redemption = { grant_type: 'authorization_code', code, code_verifier: verifier };
  const pair = await tokensOf(await post(target, 'token', { ...redemption, ...(await assertion(target)) }));
  const used = await assertion(target);
  const rotation = { grant_type: 'refresh_token', refresh_token: pair.refresh_token, ...used };
  const { access_token: token } = await tokensOf(await post(target, 'token', rotation));
  await drain('assertion used twice', post(target, 'token', rotation), 401);
  await drain('introspection', post(target, 'introspect', { token, ...(await assertion(target)) }), 200);
  await drain('revocation', post(target, 'revoke', { token, ...(await assertion(target)) }), 200);
};

const reads = async (target: LocalTarget): Promise<void> => {
  const { access_token: token } = await connect(target);
  for (const path of words(`
    /Patient/${patientId} /Observation?_count=1 /Patient/${patientId}/$everything ?_lastUpdated=ge2020
  `)) {
    await drain(path, read(target, path, token), 200);
  }
  const next = `${target.payers.origin}/clear-health/r4?_getpages=1`;
  target.payers.script('clear-health', {
    r4: answer(200, { resourceType: 'Bundle', link: [{ relation: 'next', url: next }] }),
  });
  const page = (await (await read(target, '/Observation', token)).json()) as { link: readonly [{ url: string }] };
  target.payers.reset();
  await drain('page', read(target, new URL(page.link[0].url).search, token), 200);
  const search = { method: 'POST', body: new URLSearchParams({ code: '1234-5' }) };
  await drain('_search', read(target, '/Observation/_search', token, search), 200);
  await drain('another patient', read(target, '/Patient/another', token), 403);
  target.payers.script('clear-health', { r4: answer(404, { resourceType: 'OperationOutcome', issue: [] }) });
  await drain('payer 404', read(target, '/Observation/none', token), 404);
  target.payers.reset();
};

/** A partner over its rate: environments without a lease find that another has taken one, and read how much is left. */
const flood = async (target: LocalTarget): Promise<void> => {
  const { access_token: token } = await connect(target, {}, { app: target.apps.flooding });
  // On a busy machine the limiter may give up on a slow table, which lets a read through.
  for (let wave = 0; wave < 10; wave += 1) {
    const answers = await Promise.all(Array.from({ length: 12 }, () => read(target, '/Patient', token)));
    await Promise.all(answers.map((one) => one.text()));
    if (answers.some(({ status }) => status === 429)) return;
  }
  throw new Error('a flood met no limit');
};

/** A grant whose payer tokens expire at once. */
const shortLived = async (target: LocalTarget, payer = target.payer): Promise<Tokens> => {
  target.payers.script(payer, { token: tokensAnswer({ expires_in: 1 }) });
  const pair = await connect(target, {}, { payer });
  target.payers.reset();
  return pair;
};

const payerTokenRefreshes = async (target: LocalTarget): Promise<void> => {
  for (const payer of ['clear-health', 'keyed-health']) {
    const { access_token: token } = await shortLived(target, payer);
    await drain(`refresh at ${payer}`, read(target, '/Patient', token, { payer }), 200);
  }

  const outage = await shortLived(target);
  target.payers.script('clear-health', { token: answerText(503, 'later', {}) });
  await (await read(target, '/Patient', outage.access_token)).text();
  target.payers.reset();

  const ended = await shortLived(target);
  target.payers.script('clear-health', { token: answer(400, { error: 'invalid_grant' }) });
  await drain('refused by the payer', read(target, '/Patient', ended.access_token), 401);
  target.payers.reset();
};

const documents = async ({ origin, cloud, payers }: LocalTarget): Promise<void> => {
  for (const path of words(`
    /r4/clear-health/.well-known/smart-configuration /r4/clear-health/.well-known/oauth-authorization-server
    /.well-known/oauth-authorization-server/r4/clear-health /r4/clear-health/metadata /oauth2/jwks/keyed-health
  `)) {
    await drain(path, fetch(`${origin}${path}`), 200);
  }
  await cloud.invoke('canary', {});
  // Of a payer whose FHIR API is silent, the canary opens the breaker.
  payers.script('keyed-health', { r4: 'reset' });
  await cloud.invoke('canary', {});
  // When a payer's turn comes, it compares what that publishes with its profile, and keeps what it reports.
  payers.script('keyed-health', { r4: answer(200, { resourceType: 'CapabilityStatement', fhirVersion: '5.0.0' }) });
  const turn = Array.from({ length: 288 }, (_, at) => at * 300_000).find((at) => isTurn({ id: 'keyed-health' }, at));
  await cloud.invoke('canary', { time: new Date(turn ?? 0).toISOString() });
  payers.reset();
};

/** A read whose process died, which the audit closes on its schedule. */
const unknownEnds = async ({ store, cloud }: LocalTarget): Promise<void> => {
  await store.leaveReadOpen('read-without-end', Date.now() - 16 * 60_000);
  await cloud.invoke('audit', { source: 'aws.events' });
};

/** Follows every path, and waits until the audit function has processed every record. */
export const driveEveryPath = async (target: LocalTarget): Promise<void> => {
  await signIns(target);
  await pairs(target);
  await revocations(target);
  await memberPage(target);
  await partnerWithKey(target);
  await reads(target);
  // Before the flood, which uses up the rate of a partner that also starts an export.
  await driveExports(target);
  await flood(target);
  await payerTokenRefreshes(target);
  await documents(target);
  await unknownEnds(target);
  await target.cloud.streamsIdle();
};
