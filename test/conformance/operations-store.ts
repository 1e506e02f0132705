import { authorize, begin, callback, comeBack, connect, login, postAs, read, redeem, refresh } from './client.ts';
import { expectErrorPage, expectOAuthError, expectOutcome, expectSentBack } from './expectations.ts';
import { localRequirement, promises, type Requirement } from './requirement.ts';
import type { StoreFault } from './target.ts';
import { walk } from './walk.ts';

/** What the tables hold and how they are read. */
export const store: readonly Requirement[] = promises({
  'DynamoDB read consistency: reads strongly consistent what decides anything, by key, and from no index': async (
    target,
  ) => {
    const before = target.wire.calls().length;
    await walk(target);
    const calls = target.wire
      .calls()
      .slice(before)
      .filter(({ caller }) => caller !== 'audit');
    // A breaker protects capacity, and opens or closes by conditional writes only.
    const ofBreaker = ({ parameters }: (typeof calls)[number]): boolean =>
      JSON.stringify(parameters['Key']).includes('"breaker#');
    const reads = calls.filter((one) => one.operation === 'GetItem' && !ofBreaker(one));
    expect(reads.length).toBeGreaterThan(4);
    expect(reads.filter(({ parameters }) => parameters['ConsistentRead'] !== true)).toEqual([]);
    // The end of a grant takes its export's item with it, whenever the stream says so.
    const { exports } = target.tables;
    const isSwept = ({ caller, operation, parameters }: (typeof calls)[number]): boolean =>
      caller === 'followUp' && operation === 'DeleteItem' && parameters['TableName'] === exports;
    expect([...new Set(calls.filter((one) => !isSwept(one)).map(({ operation }) => operation))].sort()).toEqual([
      'GetItem',
      'PutItem',
      'UpdateItem',
    ]);
  },
  'OWASP ASVS 15.4.2: changes a grant or a login attempt only under a condition': async (target) => {
    const { grants, loginAttempts } = target.tables;
    const before = target.wire.calls().length;
    await walk(target);
    const updates = target.wire
      .calls()
      .slice(before)
      .filter(({ operation }) => operation === 'UpdateItem')
      .filter(({ parameters }) => [grants, loginAttempts].includes(String(parameters['TableName'])));
    expect(updates.length).toBeGreaterThan(3);
    for (const { parameters } of updates) {
      // A lease of the rate limit may be the first one: its condition is on what others took.
      const isLease = 'limitId' in (parameters['Key'] as object);
      expect(parameters['ConditionExpression']).toMatch(
        isLease ? /takenUntilMs/ : /attribute_exists\((?:grantId|stateHash)\)/,
      );
    }
  },
  'OWASP ASVS 11.4.1: keeps no token, code, state, cookie, verifier or payer token in the clear': async (target) => {
    const secrets = await walk(target);
    const stored = await target.store.dump();
    expect(secrets.every((secret) => secret.length > 30)).toBe(true);
    expect(secrets.filter((secret) => stored.includes(secret))).toEqual([]);
    expect(stored).not.toMatch(/p2p[acr]_[\w-]{20}|payer-\w+-canary|state-canary|secret-canary/);
  },
});

const faultsOfStore: readonly (readonly [StoreFault, string])[] = [
  ['throttled', 'throttled'],
  ['down', 'down'],
];

/** Faults of DynamoDB. */
export const storeFaults: readonly Requirement[] = faultsOfStore.map(([fault, how]) =>
  localRequirement(
    'OWASP ASVS 16.5.3',
    `answers 503 with Retry-After, and never authorizes anyone, while DynamoDB is ${how}; afterwards all works again`,
    async (target) => {
      const logged = await login(target);
      const issued = await connect(target);
      const begun = await begin(target);
      target.wire.setFault(fault);
      const refusals = [
        redeem(target, logged),
        refresh(target, issued.refresh_token),
        postAs(target, target.portal, 'introspect', { token: issued.access_token }),
        postAs(target, target.portal, 'revoke', { token: issued.access_token }),
      ];
      for (const response of await Promise.all(refusals)) {
        expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
        await expectOAuthError(response, 503, 'temporarily_unavailable');
      }
      // An export that another requirement began may still ask the payer: this read alone names this code.
      const code = `store-is-${fault}`;
      const unread = await read(target, `/Observation?code=${code}`, issued.access_token);
      expect(Number(unread.headers.get('retry-after'))).toBeGreaterThan(0);
      await expectOutcome(unread, 503);
      const asked = target.payers.requests('clear-health', 'r4').map(({ url }) => url.searchParams.get('code'));
      expect(asked).not.toContain(code);
      expectSentBack(target, await authorize(target), 'temporarily_unavailable');
      const parameters = { state: begun.state, code: 'x', iss: `${target.payers.origin}/clear-health` };
      await expectErrorPage(await callback(target, parameters, begun), 503);
      target.wire.setFault(undefined);
      expect((await redeem(target, logged)).status).toBe(200);
      expect((await refresh(target, issued.refresh_token)).status).toBe(200);
      expect((await comeBack(begun)).headers.get('location')).toContain('code=p2pc_');
    },
  ),
);
