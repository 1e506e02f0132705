import { checkStage } from '../../config/checks/check-stage.ts';
import { changed, problems, publicApp, stage, type Values } from './stages.ts';

describe('checkStage', () => {
  it('fills in the defaults', () => {
    const { payers, partners, ...rest } = checkStage({ ...stage(), exchanges: {} }, 'stage.json');
    const given = stage();

    expect(rest).toStrictEqual({
      stage: 'test',
      production: false,
      alarmAddresses: [],
      ticketAddresses: [],
      runbookUrl: 'docs/alarms.md',
      network: 'none',
      waf: { requestsPer5Minutes: 20_000 },
      edge: false,
      longestConsentAge: 600,
      exchanges: { groupDays: 396, mostRunning: 20 },
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

  it.each<[field: string, value: unknown, beside?: Values]>([
    ['color', 'red'],
    ['payers[0].since', 'x'],
    ['payers[0].quirks.nonce', true],
    ['partners[0].phone', 'x'],
    ['partners[0].rate.x', 1, { 'partners[0].rate': { perSecond: 1, burst: 1 } }],
    ['lifetimes.refresh', 1],
    ['waf.rules', [], { waf: { requestsPer5Minutes: 100 } }],
    ['network.nat', 1, { network: { availabilityZones: 1, cidr: '10.0.0.0/16' } }],
    ['retention.days', 1],
    ['existing.bucket', 'logs'],
    ['existing.keys.logs', 'x'],
    ['throttling.rate', 1],
    ['concurrency.canary', 1],
  ])('refuses the unknown field %s', (field, value, beside = {}) => {
    expect(problems(changed({ ...beside, [field]: value }, stage()))).toEqual([
      `${field}: is not a known field; check its spelling, or remove it`,
    ]);
  });

  it.each<[field: string, value: unknown, message: string | RegExp, beside?: Values]>([
    ['payers[0].tokenEndpoint', undefined, 'is missing; write a string'],
    ['payers[0].everything', 'yes', 'is a string; write a boolean'],
    ['lifetimes.code', Number.NaN, 'is not a number; write one'],
    ['lifetimes.grant', Infinity, 'is infinite; write a finite number'],
    ['payers[0].displayName', 7, 'is a number; write a string'],
    ['payers[0].quirks.extraAuthorizeParameters', [], 'is an array; write an object'],
    ['partners[0].rate.perSecond', 0, 'is too small; write more than 0', { 'partners[0].rate.burst': 1 }],
    ['partners[0].rate.burst', 1.5, 'is not a whole number; write one', { 'partners[0].rate.perSecond': 1 }],
    ['partners[0].rate.burst', 0, 'is too small; write at least 1', { 'partners[0].rate.perSecond': 1 }],
    ['partners[0].rate.burst', 1e17, /^is too big; write at most/, { 'partners[0].rate.perSecond': 1 }],
    ['payers[0].clientAuthentication', undefined, /^is missing; write one of "client_secret_basic"/],
  ])('says what to write into %s in place of %p', (field, value, message, beside = {}) => {
    const [first = ''] = problems(changed({ ...beside, [field]: value }, stage()));
    expect(first.startsWith(`${field}: `)).toBe(true);
    expect(first.slice(field.length + 2)).toEqual(message instanceof RegExp ? expect.stringMatching(message) : message);
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
      displayName: `Plan ${index}`,
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
