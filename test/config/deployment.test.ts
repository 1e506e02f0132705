import { createHash } from 'node:crypto';
import { checkStage } from '../../config/checks/check-stage.ts';
import { checkSizes } from '../../config/checks/registry-sizes.ts';
import { exchangeRegistry } from '../support/exchange-gateway.ts';
import { problems, refusedFields, stage } from './stages.ts';

const deploymentProblems = (changes: object): string[] => problems(stage({ stage: changes }));

const certificateIn = (region: string, account = '111122223333'): string =>
  `arn:aws:acm:${region}:${account}:certificate/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0`;
const domain = { name: 'gateway.plan.example.org', certificateArn: certificateIn('us-east-1') };
const placed = { account: '111122223333', region: 'us-east-1' };
const vpc = (changes: object) => ({ network: { availabilityZones: 2, cidr: '10.20.0.0/20', ...changes } });

describe('a deployment', () => {
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
    ['a network of three zones, by number', vpc({ availabilityZones: 3 })],
    ['zones by name', { ...placed, network: { zones: ['us-east-1d', 'us-east-1a'], cidr: '10.20.0.0/20' } }],
    ['no web ACL', { waf: 'none' }],
    ['no web ACL, with a reason', { waf: 'none', wafOffReason: 'There is one in front.' }],
    ['an edge in us-east-1', { region: 'us-east-1', edge: true, domain }],
    ['six years of logs and ten of audit', { retention: { logDays: 2192, auditDays: 3653 } }],
    ['a burst that equals the rate', { throttling: { perSecond: 5000, burst: 5000 } }],
    ['reserved concurrency for some functions', { concurrency: { fetch: 100, token: 1 } }],
  ])('accepts %s', (_title, changes) => {
    expect(deploymentProblems(changes)).toEqual([]);
  });
});

describe('domain', () => {
  it('gives the stage its origin', () => {
    expect(checkStage(stage({ stage: { domain } }), 'stage.json').origin).toBe('https://gateway.plan.example.org');
  });

  it('reports a wrong name only once, also beside an origin', () => {
    const origin = 'https://gateway.example.org';
    expect(deploymentProblems({ domain: { ...domain, name: 'Gateway.example.org' }, origin })).toHaveLength(1);
  });

  it('a domain whose certificate is of another kind is refused once, without a word about its region', () => {
    const certificateArn = 'arn:aws:iam:us-west-2:444455556666:server-certificate/gateway';

    expect(refusedFields(stage({ stage: { ...placed, domain: { ...domain, certificateArn } } }))).toEqual([
      'domain.certificateArn',
    ]);
  });

  it('may have a certificate anywhere if the stage names no region and no account', () => {
    expect(
      deploymentProblems({ domain: { ...domain, certificateArn: certificateIn('us-west-2', '444455556666') } }),
    ).toEqual([]);
  });
});

it.each([
  [2, 20, 21],
  [3, 21, 22],
  [1, 19, 20],
])(
  'a network of %i zones has no room for subnets of /%i, but for those of /%i',
  (availabilityZones, subnetPrefix, least) => {
    expect(refusedFields(stage({ stage: vpc({ availabilityZones, subnetPrefix }) }))).toEqual(['network.subnetPrefix']);
    expect(deploymentProblems(vpc({ availabilityZones, subnetPrefix: least }))).toEqual([]);
  },
);

describe('an object instead of "none"', () => {
  it('has all its fields checked, the known and the unknown', () => {
    const unknown = { availabilityZones: 4, cidr: '10.0.0.0', nat: 1 };

    expect(refusedFields(stage({ stage: { waf: { rules: [] } } }))).toEqual(['waf.requestsPer5Minutes', 'waf.rules']);
    expect(refusedFields(stage({ stage: { network: unknown } }))).toEqual([
      'network.availabilityZones',
      'network.cidr',
      'network.nat',
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
      displayName: `Plan ${index}`,
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

  it('needs at most 50 secrets where the stack makes them, those of exchanges among them', () => {
    const inStack = (payers: readonly object[]) =>
      problems({ stage: 'test', production: false, payerSecrets: 'stack', payers, partners: [] });
    const shared = {
      ...payersOf(1)[0],
      id: 'brand',
      displayName: 'Brand',
      fhirBaseUrl: 'https://brand.example.org/r4',
      secretOf: 'plan-0',
    };

    expect(inStack([...payersOf(50), shared])).toEqual([]);
    expect(inStack(payersOf(51))).toEqual([
      'payerSecrets: is "stack", but the payers need 51 secrets, and a stack makes at most 50; write "tool"',
    ]);
    // The secret of exchanges counts too, even if sign-ins need none.
    const { exchange } = exchangeRegistry().payers.find((one) => one.exchange !== undefined)!;
    const [first, ...others] = payersOf(50);
    const former = (changes: object) =>
      problems({
        stage: 'test',
        production: false,
        payerSecrets: 'stack',
        exchanges: {},
        payers: [{ ...first, ...changes, exchange }, ...others],
        partners: [],
      });
    expect(former({ clientAuthentication: 'none' })).toEqual([]);
    expect(former({})).toEqual([
      'payerSecrets: is "stack", but the payers need 51 secrets, and a stack makes at most 50; write "tool"',
    ]);
  });

  it('is limited by the items that they are stored in', () => {
    // An item of DynamoDB has 400 KB, of which an entry leaves a part to a stop and its reasons.
    const refused = (bytes: number): string[] => {
      const issues: string[] = [];
      const note = {
        addIssue: ({ path, message }: { path: unknown[]; message: string }) =>
          void issues.push(`${path.join('.')}: ${message}`),
      };
      const entry = { clientId: 'a', payers: [], webOrigins: [], redirectUris: [], name: '' };
      const name = 'x'.repeat(bytes - JSON.stringify(entry).length);
      checkSizes({ payers: [], partners: [{ ...entry, name }] } as never, note as never);
      return issues;
    };
    expect(refused(390_000)).toEqual([]);
    expect(refused(390_001)).toEqual(['partners.0: has 390001 bytes as JSON; shorten it to at most 390000']);

    const name = 'x'.repeat(100);
    const long = { linesOfBusiness: Array.from({ length: 3900 }, (_, index) => `${index}${name}`) };
    expect(withPayers([...payersOf(1), { ...payersOf(2)[1], ...long }])).toEqual([
      expect.stringMatching(/^payers\[1\]: has \d+ bytes as JSON; shorten it to at most 390000$/),
      'payers: do not fit into the directory; put some of them into another stage',
    ]);
  });

  it('is limited by the file that first fills the registry', () => {
    const found: string[] = [];
    const context = { addIssue: ({ message }: { message: string }) => void found.push(message) };
    const ofBytes = (bytes: number): object => {
      const { length } = JSON.stringify({ id: 'a', text: '' });
      return { id: 'a', text: 'x'.repeat(bytes - length) };
    };
    const sized = (...bytes: number[]) => {
      found.length = 0;
      checkSizes(
        { payers: [...Array<object>(199).fill(ofBytes(1_000_000)), ...bytes.map(ofBytes)], partners: [] } as never,
        context as never,
      );
      return found.filter((line) => line.startsWith('and partners'));
    };
    // Lambda takes 250 MB.
    expect(sized(1_000_000)).toEqual([]);
    expect(sized(1_000_001)).toEqual([
      'and partners have 200000001 bytes as JSON, and at most 200000000 can be deployed; put some of them into another stage',
    ]);
  });
});
