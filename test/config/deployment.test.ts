import { createHash } from 'node:crypto';
import { checkStage } from '../../config/check.ts';
import { checkSizes, mostBytes, mostEntryBytes } from '../../config/registry-sizes.ts';
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
      runbookUrl: 'docs/alarms.md',
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
    ['a region with two directions in its name', { region: 'ap-southeast-2' }],
    ['a central region', { region: 'ca-central-1' }],
    ['a domain without a zone', { domain }],
    ['a domain in a zone', { domain: { ...domain, hostedZone: { id: 'Z0ABC', name: 'plan.example.org' } } }],
    ['a domain that is its zone', { domain: { ...domain, hostedZone: { id: 'Z0ABC', name: domain.name } } }],
    ['a domain and the matching origin', { domain, origin: 'https://gateway.plan.example.org' }],
    ['a domain whose certificate is in the same account and region', { ...placed, domain }],
    ['alarm addresses', { alarmAddresses: ['oncall@example.org', 'a.b+p2p@Mail.example.org'] }],
    ['a runbook elsewhere', { runbookUrl: 'https://runbooks.example.org/operate' }],
    ['a runbook in the repository', { runbookUrl: 'docs/operate.md' }],
    ['the largest network', vpc({ cidr: '10.20.0.0/16' })],
    ['subnets that halve the block for two zones', vpc({ subnetPrefix: 21 })],
    ['a subnet that is the whole block', vpc({ availabilityZones: 1, subnetPrefix: 20 })],
    ['the smallest network', vpc({ availabilityZones: 1, cidr: '192.168.7.0/24' })],
    ['three zones', vpc({ availabilityZones: 3 })],
    ['no web ACL', { waf: 'none' }],
    ['no web ACL, with a reason', { waf: 'none', wafOffReason: 'There is one in front.' }],
    ['an edge in us-east-1', { region: 'us-east-1', edge: true, domain }],
    ['six years of logs and ten of audit', { retention: { logDays: 2192, auditDays: 3653 } }],
    ['a burst that equals the rate', { throttling: { perSecond: 5000, burst: 5000 } }],
    ['reserved concurrency for some functions', { concurrency: { fetch: 100, token: 1 } }],
  ])('accepts %s', (_title, changes) => {
    expect(deploymentProblems(changes)).toEqual([]);
  });

  it.each<[string, object, string]>([
    [
      'an account with hyphens',
      { account: '1111-2222-3333' },
      'account: is not an AWS account id; write its 12 digits in quotes, such as "111122223333"',
    ],
    ['an account as a number', { account: 111_122_223_333 }, 'account: is a number; write a string'],
    [
      'a made-up region',
      { region: 'us-east' },
      'region: is not an AWS region; write a region code, such as "us-east-1"',
    ],
    [
      'a region that does not exist',
      { region: 'eu-middle-1' },
      'region: is not an AWS region; write a region code, such as "us-east-1"',
    ],
    [
      'an availability zone',
      { region: 'us-east-1a' },
      'region: is an availability zone; write its region, "us-east-1"',
    ],
    ['a web ACL without a limit', { waf: {} }, 'waf.requestsPer5Minutes: is missing; write a number'],
    [
      'a web ACL with a limit that is too low for AWS',
      { waf: { requestsPer5Minutes: 9 } },
      'waf.requestsPer5Minutes: is too small; write at least 10',
    ],
    ['a list for a web ACL', { waf: [] }, 'waf: is neither "none" nor an object; write "none" or an object'],
    [
      'an unknown word for a web ACL',
      { waf: 'off' },
      'waf: is neither "none" nor an object; write "none" or an object',
    ],
    [
      'a reason for no web ACL where there is one',
      { wafOffReason: 'There is one in front.' },
      'wafOffReason: explains waf: "none", which is not set; remove it, or write waf: "none"',
    ],
    [
      'an edge without a region',
      { edge: true, domain },
      'region: is missing, but edge works only in us-east-1; write "us-east-1", or edge: false',
    ],
    [
      'an edge in another region',
      { edge: true, region: 'us-west-2', domain: { ...domain, certificateArn: certificateIn('us-west-2') } },
      'region: is "us-west-2", but edge works only in us-east-1; write "us-east-1", or edge: false',
    ],
    [
      'an edge without a domain',
      { edge: true, region: 'us-east-1' },
      'domain: is missing, but edge needs one; write the domain, or edge: false',
    ],
    [
      'an unknown removal policy',
      { removalPolicy: 'snapshot' },
      'removalPolicy: is not known; write one of "retain", "destroy"',
    ],
    ['zero audit days', { retention: { auditDays: 0 } }, 'retention.auditDays: is too small; write at least 1'],
    [
      'more than ten years of audit',
      { retention: { auditDays: 3654 } },
      'retention.auditDays: is more than ten years, which no one could shorten later; write at most 3653',
    ],
    ['a rate of zero', { throttling: { perSecond: 0 } }, 'throttling.perSecond: is too small; write at least 1'],
    ['half a burst', { throttling: { burst: 1.5 } }, 'throttling.burst: is not a whole number; write one'],
    ['a concurrency of zero', { concurrency: { fetch: 0 } }, 'concurrency.fetch: is too small; write at least 1'],
    ['half an execution', { concurrency: { token: 0.5 } }, 'concurrency.token: is not a whole number; write one'],
    ['a word for edge', { edge: 'yes' }, 'edge: is a string; write a boolean'],
  ])('refuses %s', (_title, changes, line) => {
    expect(deploymentProblems(changes)).toEqual([line]);
  });
});

describe('domain', () => {
  it('gives the stage its origin', () => {
    expect(checkStage(stage({ stage: { domain } }), 'stage.json').origin).toBe('https://gateway.plan.example.org');
  });

  it('refuses a different origin beside it', () => {
    expect(deploymentProblems({ domain, origin: 'https://other.example.org' })).toEqual([
      'origin: does not match the domain; write "https://gateway.plan.example.org", or leave it out',
    ]);
  });

  it('must be a plain name in lower case', () => {
    expect(deploymentProblems({ domain: { ...domain, name: 'https://gateway.example.org' } })).toEqual([
      'domain.name: is not a plain, lower-case DNS name; write "gateway.example.org"',
    ]);
  });

  it('reports a wrong name only once, also beside an origin', () => {
    const origin = 'https://gateway.example.org';
    expect(deploymentProblems({ domain: { ...domain, name: 'Gateway.example.org' }, origin })).toHaveLength(1);
  });

  it('requires an ACM certificate, and reports nothing else about another kind', () => {
    const certificateArn = 'arn:aws:iam:us-west-2:444455556666:server-certificate/gateway';
    expect(deploymentProblems({ ...placed, domain: { ...domain, certificateArn } })).toEqual([
      'domain.certificateArn: is not the ARN of an ACM certificate; write one such as "arn:aws:acm:us-east-1:111122223333:certificate/…"',
    ]);
  });

  it('requires a certificate in the region and account of the stage', () => {
    const elsewhere = { ...domain, certificateArn: certificateIn('us-west-2', '444455556666') };
    expect(deploymentProblems({ region: 'us-east-1', domain: elsewhere })).toEqual([
      "domain.certificateArn: is in us-west-2; write the ARN of a certificate in us-east-1, the stage's region",
    ]);
    expect(deploymentProblems({ account: '111122223333', domain: elsewhere })).toEqual([
      "domain.certificateArn: is in account 444455556666; write the ARN of a certificate in 111122223333, the stage's account",
    ]);
    expect(deploymentProblems({ domain: elsewhere })).toEqual([]);
  });

  it.each([
    [
      { id: 'Z0ABC', name: 'other.example.org' },
      'name: does not contain "gateway.plan.example.org"; write the zone that does, or leave hostedZone out',
    ],
    [
      { id: 'Z0ABC', name: 'an.example.org' },
      'name: does not contain "gateway.plan.example.org"; write the zone that does, or leave hostedZone out',
    ],
    [{ id: 'Z0ABC', name: 'plan.example.org.' }, 'name: is not a plain, lower-case DNS name; write "plan.example.org"'],
    [{ id: '/hostedzone/Z0ABC', name: 'plan.example.org' }, 'id: is more than a hosted zone id; write "Z0ABC"'],
    [
      { id: 'plan', name: 'plan.example.org' },
      'id: is not a hosted zone id; write it as Route 53 shows it, such as "Z0123456789ABCDEFGHIJ"',
    ],
  ])('refuses the zone %j', (hostedZone, message) => {
    expect(deploymentProblems({ domain: { ...domain, hostedZone } })).toEqual([`domain.hostedZone.${message}`]);
  });
});

describe('network', () => {
  it('must start at the first address of its block', () => {
    expect(deploymentProblems(vpc({ cidr: '10.20.1.0/20' }))).toEqual([
      'network.cidr: does not begin at the first address of its block; write "10.20.0.0/20"',
    ]);
  });

  it.each([
    [2, 20, 21],
    [3, 21, 22],
    [1, 19, 20],
  ])(
    'of %i zones refuses subnets of /%i, which do not fit, and says what does',
    (availabilityZones, subnetPrefix, least) => {
      expect(deploymentProblems(vpc({ availabilityZones, subnetPrefix }))).toEqual([
        `network.subnetPrefix: is ${subnetPrefix}, and 10.20.0.0/20 does not hold ${availabilityZones} such subnets; write ${least} or more, or leave it out`,
      ]);
    },
  );

  it('must have one to three availability zones', () => {
    expect(deploymentProblems(vpc({ availabilityZones: 0 }))).toEqual([
      'network.availabilityZones: is too small; write at least 1',
    ]);
    expect(deploymentProblems(vpc({ availabilityZones: 4 }))).toEqual([
      'network.availabilityZones: is too big; write at most 3',
    ]);
  });
});

describe('alarms', () => {
  it('refuse what is not an e-mail address', () => {
    expect(deploymentProblems({ alarmAddresses: ['a@example.org', 'oncall'] })).toEqual([
      'alarmAddresses[1]: is not an e-mail address; write one such as "oncall@example.org"',
    ]);
  });

  it('refuse a duplicate address', () => {
    expect(deploymentProblems({ alarmAddresses: ['a@example.org', 'a@example.org'] })).toEqual([
      'alarmAddresses[1]: "a@example.org" appears twice; write each value only once',
    ]);
  });

  it('refuse a runbook that is neither a URL nor a path', () => {
    expect(deploymentProblems({ runbookUrl: 'operate' })).toEqual([
      'runbookUrl: is not a URL; write an absolute one, such as "https://plan.example.org/path"',
    ]);
  });
});

describe('retention of logs', () => {
  it('refuses a number of days that CloudWatch does not offer', () => {
    expect(deploymentProblems({ retention: { logDays: 91 } })).toEqual([
      expect.stringMatching(
        /^retention\.logDays: is not a retention period of CloudWatch Logs; write 120, or another of 1, 3, /,
      ),
    ]);
  });

  it('accepts every number of days that the CDK knows', async () => {
    const { RetentionDays } = await import('aws-cdk-lib/aws-logs');
    const numbers = Object.values(RetentionDays).filter(
      (value) => typeof value === 'number' && value !== RetentionDays.INFINITE,
    );
    expect(numbers.length).toBeGreaterThan(20);
    for (const logDays of numbers) expect(deploymentProblems({ retention: { logDays } })).toEqual([]);
  });
});

describe('an object instead of "none"', () => {
  it('has all its fields checked, the known and the unknown', () => {
    expect(deploymentProblems({ waf: { rules: [] } })).toEqual([
      'waf.requestsPer5Minutes: is missing; write a number',
      'waf.rules: is not a known field; check its spelling, or remove it',
    ]);
    expect(deploymentProblems({ network: { availabilityZones: 4, cidr: '10.0.0.0', nat: 1 } })).toEqual([
      'network.availabilityZones: is too big; write at most 3',
      'network.cidr: is not an IPv4 block; write one such as "10.20.0.0/20"',
      'network.nat: is not a known field; check its spelling, or remove it',
    ]);
  });
});

describe('the number of payers and partners', () => {
  const {
    payers: [payer],
    partners: [partner],
  } = stage();
  const payersOf = (many: number, changes: object = {}) =>
    Array.from({ length: many }, (_, index) => ({
      ...payer,
      id: `plan-${index}`,
      fhirBaseUrl: `https://plan.example.org/${index}`,
      ...changes,
    }));
  const withPayers = (payers: readonly object[], partners: readonly object[] = []) =>
    problems({ stage: 'test', production: false, payers, partners });

  it('has room for 5,000 payers and 1,000 partners, the last of which may read from all', () => {
    const payers = payersOf(5000);
    const ids = payers.map(({ id }) => id);
    const partners = Array.from({ length: 1000 }, (_, index) => ({
      ...partner,
      clientId: `app-${index}`,
      secretHashes: [createHash('sha256').update(`secret ${index}`).digest('base64url')],
      payers: index === 999 ? ids : ids.slice(index * 5, index * 5 + 5),
    }));
    expect(withPayers(payers, partners)).toEqual([]);
  });

  it('is limited by the items that they are stored in', () => {
    const name = 'x'.repeat(100);
    const long = { linesOfBusiness: Array.from({ length: mostEntryBytes / 100 }, (_, index) => `${index}${name}`) };
    expect(withPayers([...payersOf(1), { ...payersOf(2)[1], ...long }])).toEqual([
      expect.stringMatching(/^payers\[1\]: has \d+ bytes as JSON; shorten it to at most 390000$/),
      'payers: do not fit into the directory; put some of them into another stage',
    ]);
  });

  it('is limited by the file that first fills the registry', () => {
    const found: string[] = [];
    const context = { addIssue: ({ message }: { message: string }) => void found.push(message) };
    const [large] = payersOf(1, { scopes: ['x'.repeat(300_000)] });
    const sized = (many: number) => {
      found.length = 0;
      checkSizes({ payers: Array(many).fill(large), partners: [] } as never, context as never);
      return found;
    };
    expect(sized(600)).toEqual([]);
    expect(sized(Math.ceil(mostBytes / 300_000))).toEqual([
      expect.stringMatching(/^and partners have \d+ bytes as JSON, and at most 200000000 can be deployed; /),
    ]);
  });
});

describe('a reason', () => {
  it('is allowed only beside the exception that it explains', () => {
    const partner = { pkceOptional: true, pkceOptionalReason: 'Its library is older than PKCE.' };
    const payer = { quirks: { pkce: false, pkceOffReason: 'It refuses the parameter.' } };
    expect(problems(stage({ partner, payer }))).toEqual([]);
    expect(problems(stage({ partner: { ...partner, pkceOptional: false } }))).toEqual([
      'partners[0].pkceOptionalReason: explains pkceOptional: true, which is not set; remove it, or write pkceOptional: true',
    ]);
    expect(problems(stage({ payer: { quirks: { ...payer.quirks, pkce: true } } }))).toEqual([
      'payers[0].quirks.pkceOffReason: explains pkce: false, which is not set; remove it, or write pkce: false',
    ]);
  });

  it('must not be blank', () => {
    const partner = { secretHashes: [hash], pkceOptional: true, pkceOptionalReason: ' ' };
    expect(problems(stage({ partner }))).toEqual(['partners[0].pkceOptionalReason: is empty; write some text']);
  });
});
