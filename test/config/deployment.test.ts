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
    ['six years of logs and a century of audit', { retention: { logDays: 2192, auditDays: 36_500 } }],
    ['a burst under the rate, as in AWS’s own limits', { throttling: { perSecond: 10_000, burst: 5000 } }],
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
      'more audit days than S3 takes',
      { retention: { auditDays: 36_501 } },
      'retention.auditDays: is too big; write at most 36500',
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

  it.each([
    ['https://gateway.example.org', 'is more than a lower-case DNS name; write "gateway.example.org"'],
    ['Gateway.example.org', 'is more than a lower-case DNS name; write "gateway.example.org"'],
    ['gateway.example.org.', 'is more than a lower-case DNS name; write "gateway.example.org"'],
    ['gateway.example.org:443', 'is more than a lower-case DNS name; write "gateway.example.org"'],
    ['gateway.example.org/r4', 'is more than a lower-case DNS name; write "gateway.example.org"'],
    ['gateway', 'is no DNS name; write one such as "gateway.example.org"'],
    ['*.example.org', 'is no DNS name; write one such as "gateway.example.org"'],
    ['10.0.0.1', 'is no DNS name; write one such as "gateway.example.org"'],
    ['-a.example.org', 'is no DNS name; write one such as "gateway.example.org"'],
    [`${'a'.repeat(64)}.example.org`, 'is no DNS name; write one such as "gateway.example.org"'],
    [`${'a.'.repeat(126)}org`, 'is no DNS name; write one such as "gateway.example.org"'],
  ])('refuses the name %s', (name, message) => {
    expect(deploymentProblems({ domain: { ...domain, name } })).toEqual([`domain.name: ${message}`]);
  });

  it('says once what is wrong with a name, whatever the origin', () => {
    const origin = 'https://gateway.example.org';
    expect(deploymentProblems({ domain: { ...domain, name: 'Gateway.example.org' }, origin })).toHaveLength(1);
  });

  it.each([
    'arn:aws:iam::111122223333:server-certificate/gateway',
    'arn:aws:acm:us-east-1:1111:certificate/0f1e2d3c',
    '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0',
  ])('refuses the certificate %s', (certificateArn) => {
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
  it.each([
    ['10.20.0.0', 'is no IPv4 block; write one such as "10.20.0.0/20"'],
    ['10.256.0.0/20', 'is no IPv4 block; write one such as "10.20.0.0/20"'],
    ['10.20.0.0/33', 'is no IPv4 block; write one such as "10.20.0.0/20"'],
    ['fd00::/16', 'is no IPv4 block; write one such as "10.20.0.0/20"'],
    ['10.0.0.0/15', 'is a /15; write a block between /16 and /24, such as "10.20.0.0/20"'],
    ['10.0.0.0/25', 'is a /25; write a block between /16 and /24, such as "10.20.0.0/20"'],
    ['10.20.1.0/20', 'begins inside its block; write "10.20.0.0/20"'],
    ['192.168.255.9/22', 'begins inside its block; write "192.168.252.0/22"'],
    ['010.20.0.0/20', 'begins inside its block; write "10.20.0.0/20"'],
  ])('refuses the block %s', (cidr, message) => {
    expect(deploymentProblems(vpc({ cidr }))).toEqual([`network.cidr: ${message}`]);
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
  it.each(['oncall', 'oncall@', '@example.org', 'On Call <oncall@example.org>', 'a@b@example.org', 'oncall@localhost'])(
    'go to no address such as %s',
    (address) => {
      expect(deploymentProblems({ alarmAddresses: [address] })).toEqual([
        'alarmAddresses[0]: is no e-mail address; write one such as "oncall@example.org"',
      ]);
    },
  );

  it('go to each address once', () => {
    expect(deploymentProblems({ alarmAddresses: ['a@example.org', 'a@example.org'] })).toEqual([
      'alarmAddresses[1]: "a@example.org" is there twice; write each one once',
    ]);
  });

  it.each([
    'operate',
    '../operate.md',
    '/docs/operate.md',
    'http://runbooks.example.org/',
    'https://a.example.org/x#y',
  ])('link to no runbook such as %s', (runbookUrl) => {
    expect(deploymentProblems({ runbookUrl })).toEqual([expect.stringMatching(/^runbookUrl: /)]);
  });
});

describe('retention of logs', () => {
  it.each([
    [91, 120],
    [89, 90],
    [2, 3],
    [0, 1],
    [9999, 3653],
  ])('of %d days is refused, and the nearest that CloudWatch takes is %d', (logDays, nearest) => {
    expect(deploymentProblems({ retention: { logDays } })).toEqual([
      expect.stringContaining(`retention.logDays: is no retention of CloudWatch Logs; write ${nearest}, or`),
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

describe('the number of payers', () => {
  it('is what one stack holds', () => {
    const [payer] = stage().payers;
    const withPayers = (many: number) => ({
      stage: 'test',
      payers: Array.from({ length: many }, (_, index) => ({ ...payer, id: `plan-${index}` })),
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
