import { bundles } from '../supply-chain/bundled.ts';

/** What esbuild calls a kilobyte. */
const kilobyte = 1024;

describe("a function's bundle", () => {
  const holding = (prefix: string): string[] =>
    bundles
      .filter(({ packages }) => [...packages.keys()].some((name) => name.startsWith(prefix)))
      .map(({ name }) => name);

  // Why these are larger. fetch: all search parameters and the nearest to a misspelled one, sealed page links in bodies, in any form, and
  // in headers, the partner's rate, the payer's breaker, an HTTP client, the KMS client of a kick-off, what its item is bound to, and the
  // checks of an exchange with R4's shapes. token: the KMS client, what makes a grant of an identity token, and the reader of searches that
  // says whose record it opens. export: four AWS clients besides DynamoDB's.
  // Nobody waits for the rest: audit has two AWS clients, and durable functions bundle their SDK, as AWS advises. The export job also seals
  // files, gets tokens of its own at former plans, settles whose the resources are that name nobody, counts those that only a whole Group
  // vouches for, has the sentences of an account, and knows by what a page may hold more than was read, and to what an export is bound.
  it('is under 350 KB; of those with more clients and the durable SDK, as little as it can be', () => {
    const limits: Readonly<Record<string, number>> = {
      token: 370,
      fetch: 430,
      export: 590,
      audit: 390,
      'export-job': 926,
      sweep: 550,
      deliver: 470,
    };
    const tooLarge = bundles
      .filter(({ name, bytes }) => bytes >= (limits[name] ?? 350) * kilobyte)
      .map(({ name, bytes }) => `${name}: ${bytes}`);
    expect(tooLarge).toEqual([]);
  });

  it('is under 60 KB if it needs no AWS: edge', () => {
    const small = bundles.filter(({ bytes }) => bytes < 60 * kilobyte).map(({ name }) => name);
    expect(small).toEqual(['edge']);
  });

  it('contains only the AWS clients that it calls', () => {
    const reads = ['authorize', 'callback', 'canary', 'connections', 'discovery', 'fetch', 'token'];
    const ofExports = ['deliver', 'export', 'export-job', 'follow-up', 'sweep'];
    const all = [...reads, ...ofExports, 'audit', 'fill-registry'].toSorted();
    const withTables = all.filter((name) => name !== 'sweep');
    expect(holding('@aws-sdk/client-dynamodb')).toEqual(withTables);
    expect(holding('@aws-sdk/client-secrets-manager')).toEqual([
      'callback',
      'deliver',
      'export',
      'export-job',
      'fetch',
      'token',
    ]);
    expect(holding('@aws-sdk/client-s3')).toEqual(['audit', 'export', 'export-job', 'sweep']);
    expect(holding('@aws-sdk/client-kms')).toEqual(['callback', 'export', 'export-job', 'fetch', 'token']);
    expect(holding('@aws-sdk/client-lambda')).toEqual(['deliver', 'export', 'export-job', 'follow-up', 'sweep']);
    expect(holding('@aws/durable-execution-sdk-js')).toEqual(['deliver', 'export-job', 'sweep']);
    // The chain of credential sources: Lambda gives the role's keys as environment variables.
    expect(holding('@aws-sdk/nested-clients')).toEqual([]);
    expect(holding('age-encryption')).toEqual([]);
    expect(holding('@smithy/')).toEqual(all);
  });

  it('contains none of the code that checks the configuration', () => {
    const checking = bundles.flatMap(({ name, files }) =>
      files.filter((file) => /^config\/|node_modules\/zod/.test(file)).map((file) => `${name}: ${file}`),
    );
    expect(checking).toEqual([]);
  });
});
