import { checkStage } from '../../config/check.ts';
import { problems, publicApp, stage } from './stages.ts';

describe('checkStage', () => {
  it('fills in the defaults', () => {
    const { payers, partners, ...rest } = checkStage(stage(), 'stage.json');
    const given = stage();

    expect(rest).toStrictEqual({
      stage: 'test',
      production: false,
      alarmAddresses: [],
      runbookUrl: 'docs/alarms.md',
      network: 'none',
      waf: { requestsPer5Minutes: 20_000 },
      edge: false,
      removalPolicy: 'retain',
      payerSecrets: 'tool',
      retention: { logDays: 90, auditDays: 1, exportFileDays: 7 },
      throttling: { perSecond: 100, burst: 200 },
      concurrency: {},
      accountConcurrency: 1000,
      apiGatewayLogRole: true,
      lifetimes: {
        loginAttempt: 1800,
        code: 60,
        accessToken: 3600,
        grant: 15_552_000,
        refreshGrace: 60,
        publicRefreshGrace: 10,
      },
    });
    expect(payers).toStrictEqual([
      {
        ...given.payers[0],
        fhirBaseUrlAliases: [],
        sendsIss: false,
        publicKeys: [],
        everything: true,
        patientFrom: 'token',
        quirks: {
          responseType: true,
          aud: true,
          pkce: true,
          redirectUriAtToken: true,
          extraAuthorizeParameters: {},
          signInOrigins: [],
        },
      },
    ]);
    expect(partners).toStrictEqual([
      {
        ...given.partners[0],
        jwks: [],
        pkceOptional: false,
        webOrigins: [],
        consent: 'gateway',
        rate: { perSecond: 50, burst: 100 },
      },
    ]);
  });

  it('reports every problem in one line with the file, the field, what is wrong and what to write', () => {
    const value = stage({
      payer: { fhirBaseUrl: 'https://plan.example.org/r4/', id: 'Plan A' },
      partner: { name: '', payers: ['Plan A'] },
    });
    expect(problems(value)).toEqual([
      'payers[0].id: is not a valid id; write 1 to 64 lower-case letters, digits and hyphens, such as "northwind-health"',
      'payers[0].fhirBaseUrl: ends in a slash; write "https://plan.example.org/r4"',
      'partners[0].name: is empty; write some text',
    ]);
  });

  it.each([
    ['nothing', undefined, '(top level): is missing; write an object'],
    ['null', null, '(top level): is null; write an object'],
    ['a list', [], '(top level): is an array; write an object'],
    ['a string', 'local', '(top level): is a string; write an object'],
  ])('refuses %s instead of a stage', (_title, value, line) => {
    expect(problems(value)).toEqual([line]);
  });

  it.each([
    ['at the top', stage({ stage: { color: 'red' } }), 'color'],
    ['in a payer', stage({ payer: { since: 'x' } }), 'payers[0].since'],
    ['in quirks', stage({ payer: { quirks: { nonce: true } } }), 'payers[0].quirks.nonce'],
    ['in a partner', stage({ partner: { phone: 'x' } }), 'partners[0].phone'],
    ['in a rate', stage({ partner: { rate: { perSecond: 1, burst: 1, x: 1 } } }), 'partners[0].rate.x'],
    ['in lifetimes', stage({ stage: { lifetimes: { refresh: 1 } } }), 'lifetimes.refresh'],
    ['in a web ACL', stage({ stage: { waf: { requestsPer5Minutes: 100, rules: [] } } }), 'waf.rules'],
    [
      'in a network',
      stage({ stage: { network: { availabilityZones: 1, cidr: '10.0.0.0/16', nat: 1 } } }),
      'network.nat',
    ],
    ['in retention', stage({ stage: { retention: { days: 1 } } }), 'retention.days'],
    ['in what an account brings', stage({ stage: { existing: { bucket: 'logs' } } }), 'existing.bucket'],
    ['in keys', stage({ stage: { existing: { keys: { logs: 'x' } } } }), 'existing.keys.logs'],
    ['in throttling', stage({ stage: { throttling: { rate: 1 } } }), 'throttling.rate'],
    ['in concurrency', stage({ stage: { concurrency: { canary: 1 } } }), 'concurrency.canary'],
  ])('refuses an unknown field %s', (_title, value, field) => {
    expect(problems(value)).toEqual([`${field}: is not a known field; check its spelling, or remove it`]);
  });

  it.each([
    ['a missing field', { payer: { tokenEndpoint: undefined } }, 'payers[0].tokenEndpoint: is missing; write a string'],
    [
      'a field of the wrong type',
      { payer: { everything: 'yes' } },
      'payers[0].everything: is a string; write a boolean',
    ],
    ['NaN', { stage: { lifetimes: { code: Number.NaN } } }, 'lifetimes.code: is not a number; write one'],
    [
      'an infinite lifetime',
      { stage: { lifetimes: { grant: Infinity } } },
      'lifetimes.grant: is infinite; write a finite number',
    ],
    [
      'a number instead of a string',
      { payer: { displayName: 7 } },
      'payers[0].displayName: is a number; write a string',
    ],
    [
      'an array instead of an object',
      { payer: { quirks: { extraAuthorizeParameters: [] } } },
      'payers[0].quirks.extraAuthorizeParameters: is an array; write an object',
    ],
    [
      'a rate of zero',
      { partner: { rate: { perSecond: 0, burst: 1 } } },
      'partners[0].rate.perSecond: is too small; write more than 0',
    ],
    [
      'half a burst',
      { partner: { rate: { perSecond: 1, burst: 1.5 } } },
      'partners[0].rate.burst: is not a whole number; write one',
    ],
    [
      'a burst of zero',
      { partner: { rate: { perSecond: 1, burst: 0 } } },
      'partners[0].rate.burst: is too small; write at least 1',
    ],
    [
      'a burst that is too big',
      { partner: { rate: { perSecond: 1, burst: 1e17 } } },
      /rate\.burst: is too big; write at most/,
    ],
    [
      'a missing choice',
      { payer: { clientAuthentication: undefined } },
      /clientAuthentication: is missing; write one of "client_secret_basic"/,
    ],
  ])('says what to write for %s', (_title, changes, line) => {
    const [first = ''] = problems(stage(changes));
    expect(first).toEqual(line instanceof RegExp ? expect.stringMatching(line) : line);
  });
});

it('says how short and how long a lifetime may be', () => {
  expect(problems(stage({ stage: { lifetimes: { accessToken: 3601 } } }))).toEqual([
    'lifetimes.accessToken: is longer than allowed; write at most 3600 (seconds)',
  ]);
  expect(problems(stage({ stage: { lifetimes: { accessToken: 0 } } }))).toEqual([
    'lifetimes.accessToken: is too short; write at least 1 (seconds)',
  ]);
});

describe('a payer that a partner names', () => {
  it('is suggested from at most ten that there are', () => {
    const [payer] = stage().payers;
    const payers = Array.from({ length: 11 }, (_, index) => ({
      ...payer,
      id: `p${index}`,
      fhirBaseUrl: `https://plan.example.org/${index}`,
    }));
    expect(problems(stage({ stage: { payers } }))).toEqual([
      'partners[0].payers[0]: "plan" is not a payer of this stage; write one of: p0, p1, p2, p3, p4, p5, p6, p7, p8, p9',
    ]);
  });
});

it('the same client id for two partners is refused', () => {
  const { partners } = stage();

  expect(problems(stage({ stage: { partners: [...partners, ...partners] } }))).toEqual([
    expect.stringMatching(/^partners\[1\]\.clientId: "app" appears twice; /),
  ]);
});

it('a public client is accepted without a secret, and with PKCE', () => {
  expect(problems(stage({ partner: publicApp }))).toEqual([]);
});
