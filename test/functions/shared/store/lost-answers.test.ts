import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { ApiResponse } from '../../../../functions/shared/http/api.ts';
import type { PublicJwk, RegistryData } from '../../../../functions/shared/registry/types.ts';
import * as grants from '../../../../functions/shared/store/grants.ts';
import * as loginAttempts from '../../../../functions/shared/store/login-attempts.ts';
import { signalsOf } from '../../../support/embedded-metrics.ts';
import { fetchGateway, fhir, read } from '../../../support/fetch-gateway.ts';
import { startMs } from '../../../support/gateway.ts';
import { basic, bodyOf, formOf, gateway, localRegistry, pkce, sentBack, verifier } from '../../../support/login.ts';
import type { MemoryDynamo } from '../../../support/memory-dynamo.ts';
import { agedGrant, answers, fresh, rotated } from '../payer/aged-grant.ts';

/*
 * The SDK repeats a write if its answer is lost. The first write counted, so the second one fails its condition, though
 * nothing went wrong. Whole lives of grants are run once, and then again for each of their writes, with that write sent
 * twice. No one may notice.
 */

/** The write that each function of the store makes, recognized by its expressions. */
const writers = {
  putLoginAttempt: /^put .*cookieHash/,
  consumeLoginAttempt: /^SET usedAt = :usedAt, usedBy/,
  putGrant: /^put .*codeHash/,
  redeem: /^SET redeemedAt/,
  rotate: /rotatedAt = :rotatedAt/,
  addRepeat: /^ADD repeatHashes/,
  addLinkKey: /^SET linkKey/,
  addMemberIndex: /^SET memberIndex/,
  noteExportEnded: /^SET lastEvent/,
  revoke: /^SET revokedAt/,
  takeLease: /^SET leaseOwner/,
  releaseLease: /^SET leaseUntilMs/,
  storePayerTokens: /^SET sealedPayerTokens/,
  rememberAssertion: /^put .*seenBy/,
} as const;
const readers = new Set(['getGrant', 'getLiveScope']);

interface Lived {
  /** What its callers saw, step by step. */
  readonly seen: readonly string[];
  readonly dynamo: MemoryDynamo;
}
/** A life; it calls `begin` where the counting of its writes starts. */
type Life = (begin: (dynamo: MemoryDynamo) => void) => Promise<Lived>;

const seen = (response: ApiResponse): string => {
  const { error, active, ...rest } = bodyOf(response);
  return [response.statusCode, error, active, Object.keys(rest).sort().join(' ')].join(' ');
};

const signals = ({ lines }: { readonly lines: readonly Parameters<typeof signalsOf>[0][] }) => lines.flatMap(signalsOf);

const withLifetimes = (change: Partial<RegistryData['lifetimes']>): RegistryData => {
  const data = localRegistry();
  return { ...data, lifetimes: { ...data.lifetimes, ...change } };
};
const noGrace = withLifetimes({ refreshGrace: 0, publicRefreshGrace: 0 });

interface Client {
  readonly form: Record<string, string>;
  readonly headers: Record<string, string>;
}
const confidential: Client = { form: {}, headers: basic() };
const open: Client = {
  form: { client_id: 'demo-app', redirect_uri: 'http://localhost:3002/app/callback' },
  headers: {},
};

const login =
  ({ form, headers }: Client, registry = localRegistry()): Life =>
  async (begin) => {
    const test = gateway({ registry });
    begin(test.dynamo);
    const started = await test.start({ ...form, ...pkce });
    const back = await test.callback(test.fromPayer(started.state), { cookie: started.cookie });
    const redeemed = await test.redeem(sentBack(back)['code'] ?? '', { ...form, code_verifier: verifier }, headers);
    const refreshed = await test.refresh(bodyOf(redeemed).refresh_token, form, headers);
    const again = await test.refresh(bodyOf(refreshed).refresh_token, form, headers);
    const revoked = await test.revoke({ ...form, token: bodyOf(again).access_token }, headers);
    const late = await test.refresh(bodyOf(again).refresh_token, form, headers);
    const steps = [redeemed, refreshed, again, revoked, late].map(seen);
    const revocations = test.payer.requests.filter(({ url }) => url.endsWith('/revoke'));
    return {
      seen: [
        Object.keys(sentBack(back)).join(' '),
        ...steps,
        ...signals(test),
        ...revocations.map(({ init }) => `revoked ${formOf(init).get('token')}`),
      ],
      dynamo: test.dynamo,
    };
  };

const repeated: Life = async (begin) => {
  const test = gateway();
  const code = await test.login({ ...open.form, ...pkce });
  const pair = bodyOf(await test.redeem(code, { ...open.form, code_verifier: verifier }, {}));
  begin(test.dynamo);
  await test.refresh(pair.refresh_token, open.form, {});
  const repeat = await test.refresh(pair.refresh_token, open.form, {});
  const next = await test.refresh(bodyOf(repeat).refresh_token, open.form, {});
  const reused = await test.refresh(pair.refresh_token, open.form, {});
  return { seen: [...[repeat, next, reused].map(seen), ...signals(test)], dynamo: test.dynamo };
};

const replayedCode: Life = async (begin) => {
  const test = gateway();
  const code = await test.login();
  begin(test.dynamo);
  const pair = await test.redeem(code);
  const replay = await test.redeem(code);
  const late = await test.refresh(bodyOf(pair).refresh_token);
  return { seen: [...[pair, replay, late].map(seen), ...signals(test)], dynamo: test.dynamo };
};

const keys = await generateKeyPair('ES384');
const jwks = [{ ...(await exportJWK(keys.publicKey)), kid: 'es', kty: 'EC' }] as PublicJwk[];
const withAssertion: Life = async (begin) => {
  const data = localRegistry();
  const asSigner = { clientAuthentication: ['private_key_jwt' as const], secretHashes: [], jwks };
  const partners = data.partners.map((one) => (one.clientId === 'demo-partner' ? { ...one, ...asSigner } : one));
  const test = gateway({ registry: { ...data, partners } });
  const code = await test.login();
  const assertion = await new SignJWT({ jti: 'once', exp: startMs / 1000 + 60 })
    .setProtectedHeader({ alg: 'ES384', kid: 'es' })
    .setIssuer('demo-partner')
    .setSubject('demo-partner')
    .setAudience('http://localhost:3000/oauth2/token')
    .sign(keys.privateKey);
  const form = {
    client_assertion: assertion,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  };
  begin(test.dynamo);
  const first = await test.redeem(code, form, {});
  const second = await test.redeem(code, form, {});
  return { seen: [...[first, second].map(seen), ...signals(test)], dynamo: test.dynamo };
};

/** A read that needs new payer tokens, and the next one. */
const renewed =
  (http: () => Promise<Response>): Life =>
  async (begin) => {
    const { test, grant, before } = await agedGrant(290);
    test.payer.http = http;
    begin(test.dynamo);
    const ask = (requestId: string) =>
      fresh(test, before, requestId).then(
        ({ tokens }) => tokens.accessToken,
        (error: unknown) => String((error as { code?: string }).code),
      );
    const first = await ask('request-a');
    const second = await ask('request-b');
    const { leaseUntilMs, revokedAt, payerVersion } = grant.stored();
    return { seen: [first, second, String([leaseUntilMs, revokedAt, payerVersion])], dynamo: test.dynamo };
  };

/** Two searches with a grant of version 0.1: the first gives it its key, which opens the links of both. */
const oldGrant: Life = async (begin) => {
  const test = fetchGateway();
  const { grantId, token } = await test.grant();
  delete test.dynamo.items('Grants').get(grantId)!['linkKey'];
  const next = 'http://127.0.0.1:3003/r4?_getpages=a';
  test.payer.http = async () => fhir({ resourceType: 'Bundle', link: [{ relation: 'next', url: next }] });
  begin(test.dynamo);
  const statuses: string[] = [];
  for (let search = 0; search < 2; search += 1) {
    const answer = await read(test.deps, 'Observation', token);
    const { link } = answer.json() as { link: readonly [{ readonly url: string }] };
    const page = await read(test.deps, '', token, { query: new URL(link[0].url).search.slice(1) });
    statuses.push(`${answer.statusCode} ${page.statusCode}`);
  }
  return { seen: statuses, dynamo: test.dynamo };
};

/** An operator gives a grant of version 0.1 the index of its member, and ends its export. */
const indexed: Life = async (begin) => {
  const test = fetchGateway();
  const { grantId } = await test.grant();
  const item = test.dynamo.items('Grants').get(grantId)!;
  delete item['memberIndex'];
  begin(test.dynamo);
  const given = {
    memberIndex: 'index',
    now: startMs / 1000,
    requestId: 'request-a',
    by: { operator: 'arn', note: '0.2' },
  };
  const member = { grantId, payer: item['payer']!.S!, patient: item['patient']!.S! };
  const isAdded = await grants.addMemberIndex(test.deps.grants, member, given);
  const isNoted = await grants.noteExportEnded(test.deps.grants, grantId, given);
  const { memberIndex } = test.dynamo.items('Grants').get(grantId)!;
  return { seen: [`${isAdded} ${isNoted}`, JSON.stringify(memberIndex)], dynamo: test.dynamo };
};

const lives: Record<string, Life> = {
  'a grant of version 0.1 that gets the index of its member, and loses its export': indexed,
  'a grant of version 0.1 that gets its link key': oldGrant,
  'a confidential client': login(confidential),
  'a confidential client without a grace': login(confidential, noGrace),
  'a public client': login(open),
  'a public client without a grace': login(open, noGrace),
  'a public client that repeats a refresh': repeated,
  'a code that is replayed': replayedCode,
  'a client assertion that is used twice': withAssertion,
  'payer tokens that are refreshed': renewed(answers(rotated)),
  'payer tokens that cannot be refreshed now': renewed(answers({}, 503)),
  'payer tokens that the payer has ended': renewed(answers({ error: 'invalid_grant' }, 400)),
  'payer tokens that the payer refuses in other words': renewed(answers({ error: 'invalid_request' }, 400)),
};

const withoutLoss = async (life: Life) => {
  let from: MemoryDynamo | undefined;
  const lived = await life((dynamo) => {
    from = dynamo;
    dynamo.writes();
  });
  return { ...lived, writes: (from ?? lived.dynamo).writes() };
};

describe('a write whose answer is lost, so the SDK repeats it, makes no difference to', () => {
  it.each(Object.entries(lives))('%s, whichever write it is', async (_, life) => {
    const { seen: promised, writes } = await withoutLoss(life);
    expect(writes.length).toBeGreaterThan(0);

    for (const [number, write] of writes.entries()) {
      const lived = await life((dynamo) => dynamo.repeatWrite(number));
      expect({ write, seen: lived.seen }).toEqual({ write, seen: promised });
    }
  });

  it('every writing function of the store, since these lives use them all', async () => {
    const exported = [...Object.entries(grants), ...Object.entries(loginAttempts)]
      .filter(([name, value]) => typeof value === 'function' && !readers.has(name))
      .map(([name]) => name);
    const made = (await Promise.all(Object.values(lives).map(withoutLoss))).flatMap(({ writes }) => writes);

    expect(exported.sort()).toEqual(Object.keys(writers).sort());
    for (const [name, write] of Object.entries(writers)) {
      expect([name, made.some((one) => write.test(one))]).toEqual([name, true]);
    }
  });
});
