import { checkStage } from '../../config/check.ts';
import { mostPayers } from '../../config/schema.ts';
import { hash, problems, stage } from './stages.ts';

const deploymentProblems = (changes: object): string[] => problems(stage({ stage: changes }));

const certificateIn = (region: string, account = '111122223333'): string =>
  `arn:aws:acm:${region}:${account}:certificate/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0`;
const domain = { name: 'gateway.plan.example.org', certificateArn: certificateIn('us-east-1') };
const placed = { account: '111122223333', region: 'us-east-1' };
const vpc = (changes: object) => ({ network: { availabilityZones: 2, cidr: '10.20.0.0/20', ...changes } });

describe('a deployment', () => {
  it('has a default for everything', () => {
    expect(checkStage(stage(), 'stage.json')).toMatchObject({
      production: false,
      alarmAddresses: [],
      runbookUrl: 'docs/operate.md',
      network: 'none',
      waf: { requestsPer5Minutes: 20_000 },
      edge: false,
      removalPolicy: 'retain',
      retention: { logDays: 90, auditDays: 1 },
      throttling: { perSecond: 100, burst: 200 },
      concurrency: {},
      apiGatewayLogRole: true,
    });
  });

  it.each<[string, object]>([
    ['an account and a region', placed],
    ['a region of GovCloud', { region: 'us-gov-west-1' }],
    ['a region of two directions', { region: 'ap-southeast-2' }],
    ['a region in the middle', { region: 'ca-central-1' }],
    ['a domain without a zone', { domain }],
    ['a domain in a zone', { domain: { ...domain, hostedZone: { id: 'Z0ABC', name: 'plan.example.org' } } }],
    ['a domain that is its zone', { domain: { ...domain, hostedZone: { id: 'Z0ABC', name: domain.name } } }],
    ['a domain with its own origin beside it', { domain, origin: 'https://gateway.plan.example.org' }],
    ['a domain whose certificate is where the stage is', { ...placed, domain }],
    ['alarm addresses', { alarmAddresses: ['oncall@example.org', 'a.b+p2p@Mail.example.org'] }],
    ['a runbook elsewhere', { runbookUrl: 'https://runbooks.example.org/operate' }],
    ['a runbook in the repository', { runbookUrl: 'docs/operate.md' }],
    ['the largest network', vpc({ cidr: '10.20.0.0/16' })],
    ['the smallest network', vpc({ availabilityZones: 1, cidr: '192.168.7.0/24' })],
    ['three zones', vpc({ availabilityZones: 3 })],
    ['no web ACL', { waf: 'none' }],
    ['no web ACL, and why', { waf: 'none', wafOffReason: 'There is one in front.' }],
    ['an edge in us-east-1', { region: 'us-east-1', edge: true, domain }],
    ['six years of logs and ten of audit', { retention: { logDays: 2192, auditDays: 3653 } }],
    ['a burst that is the rate', { throttling: { perSecond: 5000, burst: 5000 } }],
    ['reserved concurrency of some functions', { concurrency: { fetch: 100, token: 1 } }],
  ])('takes %s', (_title, changes) => {
    expect(deploymentProblems(changes)).toEqual([]);
  });

  it.each<[string, object, string]>([
    [
      'an account with hyphens',
      { account: '1111-2222-3333' },
      'account: is no AWS account; write its 12 digits in quotes, such as "111122223333"',
    ],
    ['an account as a number', { account: 111_122_223_333 }, 'account: is a number; write a string'],
    ['a made-up region', { region: 'us-east' }, 'region: is no AWS region; write its code, such as "us-east-1"'],
    [
      'a region of no direction',
      { region: 'eu-middle-1' },
      'region: is no AWS region; write its code, such as "us-east-1"',
    ],
    ['a zone', { region: 'us-east-1a' }, 'region: is an availability zone; write its region, "us-east-1"'],
    ['a web ACL without a number', { waf: {} }, 'waf.requestsPer5Minutes: is missing; write a number'],
    [
      'a web ACL under what AWS takes',
      { waf: { requestsPer5Minutes: 9 } },
      'waf.requestsPer5Minutes: is too small; write at least 10',
    ],
    ['a list for a web ACL', { waf: [] }, 'waf: is neither "none" nor an object; write one of them'],
    ['another word for a web ACL', { waf: 'off' }, 'waf: is neither "none" nor an object; write one of them'],
    [
      'a reason for a web ACL that is there',
      { wafOffReason: 'There is one in front.' },
      'wafOffReason: explains a web ACL that is there; remove it, or write waf: "none"',
    ],
    [
      'an edge of no region',
      { edge: true, domain },
      'region: is missing, and edge needs another; write "us-east-1", or edge: false',
    ],
    [
      'an edge elsewhere',
      { edge: true, region: 'us-west-2', domain: { ...domain, certificateArn: certificateIn('us-west-2') } },
      'region: is "us-west-2", and edge needs another; write "us-east-1", or edge: false',
    ],
    [
      'an edge without a domain',
      { edge: true, region: 'us-east-1' },
      'domain: is missing, and edge needs one; write the domain, or edge: false',
    ],
    [
      'an unknown removal policy',
      { removalPolicy: 'snapshot' },
      'removalPolicy: is not known; write one of "retain", "destroy"',
    ],
    ['no audit days', { retention: { auditDays: 0 } }, 'retention.auditDays: is too small; write at least 1'],
    [
      'more than ten years of audit',
      { retention: { auditDays: 3654 } },
      'retention.auditDays: is more than ten years, which no one could shorten later; write at most 3653',
    ],
    ['no rate', { throttling: { perSecond: 0 } }, 'throttling.perSecond: is too small; write at least 1'],
    ['half a burst', { throttling: { burst: 1.5 } }, 'throttling.burst: is not whole; write a whole number'],
    ['no concurrency', { concurrency: { fetch: 0 } }, 'concurrency.fetch: is too small; write at least 1'],
    ['half an execution', { concurrency: { token: 0.5 } }, 'concurrency.token: is not whole; write a whole number'],
    ['a word for edge', { edge: 'yes' }, 'edge: is a string; write a boolean'],
  ])('refuses %s', (_title, changes, line) => {
    expect(deploymentProblems(changes)).toEqual([line]);
  });
});

describe('domain', () => {
  it('gives the stage its origin', () => {
    expect(checkStage(stage({ stage: { domain } }), 'stage.json').origin).toBe('https://gateway.plan.example.org');
  });

  it('refuses another origin beside it', () => {
    expect(deploymentProblems({ domain, origin: 'https://other.example.org' })).toEqual([
      'origin: is not the domain\'s; write "https://gateway.plan.example.org", or leave it out',
    ]);
  });

  it('has a name in lower case, and nothing more', () => {
    expect(deploymentProblems({ domain: { ...domain, name: 'https://gateway.example.org' } })).toEqual([
      'domain.name: is more than a lower-case DNS name; write "gateway.example.org"',
    ]);
  });

  it('says once what is wrong with a name, whatever the origin', () => {
    const origin = 'https://gateway.example.org';
    expect(deploymentProblems({ domain: { ...domain, name: 'Gateway.example.org' }, origin })).toHaveLength(1);
  });

  it('wants a certificate of ACM, and says nothing of where another one is', () => {
    const certificateArn = 'arn:aws:iam:us-west-2:444455556666:server-certificate/gateway';
    expect(deploymentProblems({ ...placed, domain: { ...domain, certificateArn } })).toEqual([
      'domain.certificateArn: is no ARN of an ACM certificate; write one such as "arn:aws:acm:us-east-1:111122223333:certificate/…"',
    ]);
  });

  it('wants its certificate in the region and the account of the stage', () => {
    const elsewhere = { ...domain, certificateArn: certificateIn('us-west-2', '444455556666') };
    expect(deploymentProblems({ region: 'us-east-1', domain: elsewhere })).toEqual([
      "domain.certificateArn: is in us-west-2; write the ARN of a certificate in us-east-1, the stage's region",
    ]);
    expect(deploymentProblems({ account: '111122223333', domain: elsewhere })).toEqual([
      "domain.certificateArn: is of account 444455556666; write the ARN of a certificate of 111122223333, the stage's",
    ]);
    expect(deploymentProblems({ domain: elsewhere })).toEqual([]);
  });

  it.each([
    [
      { id: 'Z0ABC', name: 'other.example.org' },
      'name: does not hold "gateway.plan.example.org"; write the zone in which that name lies, or leave hostedZone out',
    ],
    [
      { id: 'Z0ABC', name: 'an.example.org' },
      'name: does not hold "gateway.plan.example.org"; write the zone in which that name lies, or leave hostedZone out',
    ],
    [{ id: 'Z0ABC', name: 'plan.example.org.' }, 'name: is more than a lower-case DNS name; write "plan.example.org"'],
    [{ id: '/hostedzone/Z0ABC', name: 'plan.example.org' }, 'id: is more than the id of a hosted zone; write "Z0ABC"'],
    [
      { id: 'plan', name: 'plan.example.org' },
      'id: is no id of a hosted zone; write it as Route 53 shows it, such as "Z0123456789ABCDEFGHIJ"',
    ],
  ])('refuses the zone %j', (hostedZone, message) => {
    expect(deploymentProblems({ domain: { ...domain, hostedZone } })).toEqual([`domain.hostedZone.${message}`]);
  });
});

describe('network', () => {
  it('has a block of addresses', () => {
    expect(deploymentProblems(vpc({ cidr: '10.20.1.0/20' }))).toEqual([
      'network.cidr: begins inside its block; write "10.20.0.0/20"',
    ]);
  });

  it('has one to three zones', () => {
    expect(deploymentProblems(vpc({ availabilityZones: 0 }))).toEqual([
      'network.availabilityZones: is too small; write at least 1',
    ]);
    expect(deploymentProblems(vpc({ availabilityZones: 4 }))).toEqual([
      'network.availabilityZones: is too big; write at most 3',
    ]);
  });
});

describe('alarms', () => {
  it('go to e-mail addresses', () => {
    expect(deploymentProblems({ alarmAddresses: ['a@example.org', 'oncall'] })).toEqual([
      'alarmAddresses[1]: is no e-mail address; write one such as "oncall@example.org"',
    ]);
  });

  it('go to each address once', () => {
    expect(deploymentProblems({ alarmAddresses: ['a@example.org', 'a@example.org'] })).toEqual([
      'alarmAddresses[1]: "a@example.org" is there twice; write each one once',
    ]);
  });

  it('link to a runbook that is there', () => {
    expect(deploymentProblems({ runbookUrl: 'operate' })).toEqual([
      'runbookUrl: is not a URL; write an absolute one, such as "https://plan.example.org/path"',
    ]);
  });
});

describe('retention of logs', () => {
  it('is a number of days that CloudWatch takes', () => {
    expect(deploymentProblems({ retention: { logDays: 91 } })).toEqual([
      expect.stringMatching(/^retention\.logDays: is no retention of CloudWatch Logs; write 120, or another of 1, 3, /),
    ]);
  });

  it('is one of the numbers that CDK knows', async () => {
    const { RetentionDays } = await import('aws-cdk-lib/aws-logs');
    const numbers = Object.values(RetentionDays).filter(
      (value) => typeof value === 'number' && value !== RetentionDays.INFINITE,
    );
    expect(numbers.length).toBeGreaterThan(20);
    for (const logDays of numbers) expect(deploymentProblems({ retention: { logDays } })).toEqual([]);
  });
});

describe('what is written for "none"', () => {
  it('has each of its fields looked at, the known and the unknown', () => {
    expect(deploymentProblems({ waf: { rules: [] } })).toEqual([
      'waf.requestsPer5Minutes: is missing; write a number',
      'waf.rules: is no known field; check its spelling or remove it',
    ]);
    expect(deploymentProblems({ network: { availabilityZones: 4, cidr: '10.0.0.0', nat: 1 } })).toEqual([
      'network.availabilityZones: is too big; write at most 3',
      'network.cidr: is no IPv4 block; write one such as "10.20.0.0/20"',
      'network.nat: is no known field; check its spelling or remove it',
    ]);
  });
});

describe('the number of payers', () => {
  it('is what one stack holds', () => {
    const [payer] = stage().payers;
    const withPayers = (many: number) => ({
      stage: 'test',
      production: false,
      payers: Array.from({ length: many }, (_, index) => ({
        ...payer,
        id: `plan-${index}`,
        fhirBaseUrl: `https://plan.example.org/${index}`,
      })),
      partners: [],
    });
    expect(problems(withPayers(mostPayers))).toEqual([]);
    expect(problems(withPayers(mostPayers + 1))).toEqual([
      `payers: has more than one stack holds; write at most ${mostPayers}, and the others into another stage`,
    ]);
  });
});

describe('a reason', () => {
  it('stands only beside what it explains', () => {
    const partner = { pkceOptional: true, pkceOptionalReason: 'Its library is older than PKCE.' };
    const payer = { quirks: { pkce: false, pkceOffReason: 'It refuses the parameter.' } };
    expect(problems(stage({ partner, payer }))).toEqual([]);
    expect(problems(stage({ partner: { ...partner, pkceOptional: false } }))).toEqual([
      'partners[0].pkceOptionalReason: explains what is not so; remove it, or write pkceOptional: true',
    ]);
    expect(problems(stage({ payer: { quirks: { ...payer.quirks, pkce: true } } }))).toEqual([
      'payers[0].quirks.pkceOffReason: explains what is not so; remove it, or write pkce: false',
    ]);
  });

  it('says something', () => {
    const partner = { secretHashes: [hash], pkceOptional: true, pkceOptionalReason: ' ' };
    expect(problems(stage({ partner }))).toEqual(['partners[0].pkceOptionalReason: is empty; write a text']);
  });
});
