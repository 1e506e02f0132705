import { bundled, functionNames, type Bundled } from '../supply-chain/bundled.ts';

/** What esbuild calls a kilobyte. */
const kilobyte = 1024;

describe("a function's bundle", () => {
  let bundles: readonly Bundled[];
  const holding = (prefix: string): string[] =>
    bundles
      .filter(({ packages }) => [...packages.keys()].some((name) => name.startsWith(prefix)))
      .map(({ name }) => name);

  beforeAll(() => {
    bundles = functionNames.map((name) => bundled(name));
  });

  // fetch knows every search parameter, seals page links, leases its partner's rate, watches its payer's breaker and
  // contains an HTTP client; audit needs two AWS clients, and no one waits for it.
  it('is under 430 KB; fetch 465 KB, audit 490 KB', () => {
    const limits: Readonly<Record<string, number>> = { fetch: 465, audit: 490 };
    const tooLarge = bundles
      .filter(({ name, bytes }) => bytes >= (limits[name] ?? 430) * kilobyte)
      .map(({ name, bytes }) => `${name}: ${bytes}`);
    expect(tooLarge).toEqual([]);
  });

  it('is under 60 KB if it needs no AWS: edge', () => {
    const small = bundles.filter(({ bytes }) => bytes < 60 * kilobyte).map(({ name }) => name);
    expect(small).toEqual(['edge']);
  });

  it('contains only the AWS clients that it calls', () => {
    const all = ['audit', 'authorize', 'callback', 'canary', 'discovery', 'fetch', 'fill-registry', 'token'];
    expect(holding('@aws-sdk/client-dynamodb')).toEqual(all);
    expect(holding('@aws-sdk/client-secrets-manager')).toEqual(['callback', 'fetch', 'token']);
    expect(holding('@aws-sdk/client-s3')).toEqual(['audit']);
    expect(holding('@smithy/')).toEqual(all);
  });

  it('contains none of the code that checks the configuration', () => {
    const checking = bundles.flatMap(({ name, files }) =>
      files.filter((file) => /^config\/|node_modules\/zod/.test(file)).map((file) => `${name}: ${file}`),
    );
    expect(checking).toEqual([]);
  });
});
