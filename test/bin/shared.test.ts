import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text as streamText } from 'node:stream/consumers';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { askAt, askSecretAt } from '../../bin/shared/ask.ts';
import { awsSettings, explainAwsFailure } from '../../bin/shared/aws.ts';
import { callerOf } from '../../bin/shared/caller.ts';
import { inColumns } from '../../bin/shared/columns.ts';
import { numberCell, textCell } from '../../bin/shared/csv-cell.ts';
import { dayFlag } from '../../bin/shared/day.ts';
import { codeOf, Refusal, UsageError } from '../../bin/shared/errors.ts';
import { failureWords } from '../../bin/shared/failure-words.ts';
import { findNamed, nearest } from '../../bin/shared/find-named.ts';
import { patiently } from '../../bin/shared/patience.ts';
import { inParallel } from '../../bin/shared/pool.ts';
import { progressBar } from '../../bin/shared/progress.ts';
import { noteRunning, runningStack } from '../../bin/shared/running-stack.ts';
import { explainSecretsFailure } from '../../bin/shared/secrets-manager.ts';
import { readUntil } from '../../bin/shared/times.ts';
import { words } from '../support/words.ts';
import { runTool } from './run-tool.ts';

const named = (name: string, message = 'canary'): Error => Object.assign(new Error(message), { name });
const coded = (code: string): Error => Object.assign(new Error('canary'), { code });

describe('a failure of AWS', () => {
  const explained = (error: unknown, stage = 'demo'): unknown =>
    explainAwsFailure(error, { stage, service: 'S3', rights: 's3:GetObject' });

  type Row = [name: string, error: Error, message: string | RegExp];
  const all = (names: readonly string[], make: (name: string) => Error, message: string | RegExp): Row[] =>
    names.map((name) => [name, make(name), message]);

  it.each<Row>([
    ...all(
      ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ECONNRESET', 'EHOSTUNREACH', 'ETIMEDOUT'],
      coded,
      /^S3 cannot be reached \(.*\)\. Check AWS_REGION and AWS_ENDPOINT_URL\.$/,
    ),
    ['TimeoutError', named('TimeoutError'), /^S3 cannot be reached/],
    ...all(
      words(`
        CredentialsProviderError TokenProviderError ExpiredToken ExpiredTokenException InvalidAccessKeyId
        UnrecognizedClientException InvalidSignatureException
      `),
      named,
      'There are no valid AWS credentials. Set AWS_PROFILE, or sign in.',
    ),
    ['a missing region', named('Error', 'Region is missing'), 'There is no AWS region. Set AWS_REGION.'],
    ...all(
      words(`
        ThrottlingException Throttling ProvisionedThroughputExceededException RequestLimitExceeded
        TooManyRequestsException
      `),
      named,
      /^S3 takes no more calls at the moment \(\w+\)\. Run the same command in a minute\.$/,
    ),
    [
      'ResourceNotFoundException',
      named('ResourceNotFoundException', 'table x'),
      'S3 has nothing by that name (table x). Check the names that you gave, the stage, the account and the region.',
    ],
    ...all(
      words(`
        AccessDenied AccessDeniedException AuthorizationErrorException UnauthorizedOperation Forbidden 403
      `),
      named,
      'AWS denied access. The tool needs s3:GetObject.',
    ),
    ...(
      [
        // As DynamoDB, CloudWatch Logs and S3 word it.
        ['ValidationException', "Value 'a b' at 'tableName' failed to satisfy constraint"],
        ['ValidationException', 'TableName must be at least 3 characters long and at most 255 characters long'],
        ['ValidationException', 'Invalid table/index name.'],
        ['InvalidParameterException', "Value '' at 'logGroupName' failed to satisfy constraint"],
        ['InvalidBucketName', 'The specified bucket is not valid.'],
      ] as const
    ).map(([name, message]): Row => [
      `${name}: ${message}`,
      named(name, `${message}\nmore`),
      `S3 does not accept the call (${name}: ${message}). Check the names that you gave.`,
    ]),
    [
      'a failure of its own',
      Object.assign(named('InternalError'), { $metadata: { httpStatusCode: 500 } }),
      'S3 failed (InternalError, 500). Run the same command in a minute.',
    ],
  ])('is told with what to do: %s', (_name, error, message) => {
    const refusal = explained(error);

    expect(refusal).toBeInstanceOf(Refusal);
    if (typeof message === 'string') expect((refusal as Error).message).toBe(message);
    else expect((refusal as Error).message).toMatch(message);
  });

  it('a failure of AWS of the local stack says how to start it', () => {
    expect(explained(coded('ECONNREFUSED'), 'local')).toMatchObject({
      message: 'The local stack does not answer. Run `npm start`, or set AWS_ENDPOINT_URL if it is elsewhere.',
    });
  });

  it.each([
    named('TypeError'),
    named('ValidationException'),
    named('ValidationException', 'ExpressionAttributeNames contains invalid key: Attribute name is reserved'),
    named('MalformedQueryException'),
    new Refusal('x'),
    'a text',
  ])('an unknown failure of AWS stays as it is: %s', (error) => {
    expect(explained(error)).toBe(error);
  });
});

describe('the settings of a client of AWS', () => {
  it('are those of AWS with limits of time, unless the stage is local', () => {
    const requestHandler = { connectionTimeout: 5000, requestTimeout: 60_000, throwOnRequestTimeout: true };
    const environment = { AWS_ENDPOINT_URL: 'http://127.0.0.1:9999' };

    expect(awsSettings({ stage: 'demo', region: 'us-west-2' }, environment, 'x')).toEqual({
      region: 'us-west-2',
      requestHandler,
    });
    expect(awsSettings({ stage: 'demo' }, environment, 'x')).toEqual({ requestHandler });
    expect(awsSettings({ stage: 'local' }, environment, 'x')).toMatchObject({
      endpoint: 'http://127.0.0.1:9999',
      region: 'us-east-1',
      credentials: { accessKeyId: 'x', secretAccessKey: 'none' },
    });
    expect(awsSettings({ stage: 'local' }, {}, 'x')).toMatchObject({
      endpoint: `http://127.0.0.1:${runningStack({})?.ports.aws ?? 3004}`,
    });
  });
});

describe('a call that fails for a moment', () => {
  /** How often it is called, and how long is waited in between, in milliseconds. */
  const called = async (failure: Error, failures: number) => {
    const waits: number[] = [];
    let calls = 0;
    const call = async (): Promise<string> => {
      calls += 1;
      if (calls <= failures) throw failure;
      return 'done';
    };
    const outcome = await patiently(async (ms) => void waits.push(ms), call).catch((thrown: unknown) => thrown);
    return { outcome, calls, waits };
  };
  const pauses = [200, 400, 800, 1600, 3200, 6400, 10_000];

  it('is repeated seven times, after longer and longer pauses of up to ten seconds', async () => {
    const error = named('ThrottlingException');

    expect(await called(error, 7)).toEqual({ outcome: 'done', calls: 8, waits: pauses });
    expect(await called(error, 8)).toEqual({ outcome: error, calls: 8, waits: pauses });
  });

  it.each(
    'ThrottlingException ProvisionedThroughputExceededException RequestLimitExceeded TooManyRequestsException InternalServerError InternalFailure ServiceUnavailableException TransactionConflictException TimeoutError'.split(
      ' ',
    ),
  )('a call that fails for a moment by %s is repeated', async (name) => {
    expect(await called(named(name), 1)).toEqual({ outcome: 'done', calls: 2, waits: [200] });
  });

  it.each(['ETIMEDOUT', 'ECONNRESET', 'EPIPE'])('a call that fails for a moment by %s is repeated', async (code) => {
    expect((await called(coded(code), 1)).calls).toBe(2);
  });

  it.each(['AccessDeniedException', 'ConditionalCheckFailedException', 'ValidationException'])(
    'is not one that fails by %s',
    async (name) => {
      const error = named(name);

      expect(await called(error, 1)).toEqual({ outcome: error, calls: 1, waits: [] });
    },
  );
});

it.each([
  ['ENOTFOUND', 'is at a host without an address; check its spelling'],
  ['EAI_AGAIN', 'is at a host without an address; check its spelling'],
  ['ECONNREFUSED', 'refuses connections'],
  ['ECONNRESET', 'closes the connection'],
  ['EPIPE', 'closes the connection'],
  ['EHOSTUNREACH', 'cannot be reached from this network'],
  ['ENETUNREACH', 'cannot be reached from this network'],
  ['EPROTO', 'does not speak TLS 1.2 or later there; check scheme and port'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'does not speak TLS 1.2 or later there; check scheme and port'],
  ['TimeoutError', 'does not answer in time'],
  ['ETIMEDOUT', 'does not answer in time'],
  ['TypeError', undefined],
])('a network error is put into words: %s', (cause, told) => {
  expect(failureWords(`TypeError < ${cause}`)).toBe(told);
});

describe('a failure of Secrets Manager', () => {
  it.each([
    ['CredentialsProviderError', '', 'was not read: there are no AWS credentials'],
    ['ExpiredTokenException', '', 'was not read: AWS does not accept these credentials'],
    ['UnrecognizedClientException', '', 'was not read: AWS does not accept these credentials'],
    ['InvalidSignatureException', '', 'was not read: AWS does not accept these credentials'],
    ['LimitExceededException', '', 'was not changed: Secrets Manager takes no more calls at the moment'],
    ['TooManyRequestsException', '', 'was not changed: Secrets Manager takes no more calls at the moment'],
    ['InvalidParameterException', '', 'was changed by someone else in the meantime'],
    ['ResourceExistsException', '', 'was made by someone else just now'],
    ['EncryptionFailure', '', "cannot be encrypted with the stage's key"],
    ['DecryptionFailure', '', "cannot be encrypted with the stage's key"],
    ['InvalidRequestException', 'The KMS key is disabled', "cannot be encrypted with the stage's key"],
    ['NotFoundException', 'Alias x is not found', "cannot be encrypted with the stage's key"],
    ['Error', 'Region is missing', 'was not read: no region is set'],
  ])('is told with what to do: %s %s', (name, message, problem) => {
    expect(explainSecretsFailure(named(name, message)).problem).toBe(problem);
  });
});

describe('a flag with a day', () => {
  it('is that day, or absent', () => {
    const since = dayFlag('a day');

    expect(since.take(['2028-02-29'], 'since', 0)).toBe('2028-02-29');
    expect(since.take([], 'since', 0)).toBeUndefined();
  });

  it.each(['2026-02-29', '2026-06-31', '2026-13-01', '2026-6-1', '2026-06-01T00:00Z', '', 'today'])(
    'is refused if there is no such day: %j',
    (text) => {
      expect(() => dayFlag('a day').take([text], 'since', 0)).toThrow(
        `--since is ${JSON.stringify(text)}; write a day such as 2026-06-01`,
      );
    },
  );
});

describe('a cell of a CSV', () => {
  it.each([
    ['plain', 'plain'],
    ['a,b', '"a,b"'],
    ['a"b', '"a""b"'],
    ['a\nb', '"a\nb"'],
    ['a\rb', '"a\rb"'],
    // What separates cells where a comma is the sign of decimals, and when a table is pasted.
    ['a;=1+1;', '"a;=1+1;"'],
    ['a\t=1', '"a\t=1"'],
    // https://owasp.org/www-community/attacks/CSV_Injection
    ...['=', '+', '-', '@', '＝', '＋', '－', '＠'].map((sign) => [`${sign}1`, `'${sign}1`]),
    ['\t1', '"\'\t1"'],
    ['\r1', '"\'\r1"'],
    ['\n1', '"\'\n1"'],
    ['1=1', '1=1'],
  ])('has %j as %j', (text, cell) => {
    expect(textCell(text)).toBe(cell);
  });

  it('has a number as it is, and nothing where it is unknown', () => {
    expect([numberCell(0), numberCell(-1.5), numberCell(undefined)]).toEqual(['0', '-1.5', '']);
  });
});

it('columns are as wide as their longest cell, two spaces apart, and end without spaces', () => {
  expect(
    inColumns([
      ['A', 'LONG', 'C'],
      ['aaa', 'b', ''],
      ['a', '', 'c'],
    ]),
  ).toEqual(['A    LONG  C', 'aaa  b', 'a          c']);
  expect(inColumns([])).toEqual([]);
});

describe('work on many things', () => {
  it('is done on so many things at a time, each once and with its index', async () => {
    let [running, most] = [0, 0];
    const seen: [string, number][] = [];
    const work = async (thing: string, index: number): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      seen.push([thing, index]);
      await Promise.resolve();
      running -= 1;
    };

    await inParallel(['a', 'b', 'c', 'd', 'e'], 2, work);

    expect(most).toBe(2);
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e'].map((thing, index) => [thing, index]));
  });

  it('begins on nothing more after the first error, and throws that', async () => {
    const begun: string[] = [];
    const work = async (thing: string): Promise<void> => {
      begun.push(thing);
      await Promise.resolve();
      if (thing !== 'b') throw new Error(thing);
    };

    await expect(inParallel(['a', 'b', 'c', 'd', 'e'], 2, work)).rejects.toThrow('a');
    await new Promise(setImmediate);

    expect(begun).toEqual(['a', 'b']);
  });
});

describe('a question at the terminal', () => {
  const prompts: readonly (readonly [string, typeof askAt])[] = [
    ['for a text', askAt],
    ['for a secret', askSecretAt],
  ];
  const keys: readonly (readonly [string, string])[] = [
    ['^C', '\u0003'],
    ['^D', '\u0004'],
  ];
  const at = (typed: string, ends = false) => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const shown = streamText(output);
    input.write(typed);
    if (ends) input.end();
    return { console: { input, output, terminal: true }, shown: async () => (output.end(), shown) };
  };

  it.each(prompts.flatMap(([kind, ask]) => keys.map(([key, typed]) => [kind, key, typed, ask] as const)))(
    '%s ends at %s in a line of its own, with 130, and nothing is changed',
    async (_kind, _key, typed, ask) => {
      const { console, shown } = at(typed);

      const error = await ask(console, 'Why? ').catch((thrown: unknown) => thrown);

      expect([codeOf(error), (error as Error).message]).toEqual([130, 'Stopped. Nothing was changed.']);
      expect((await shown()).endsWith('\n')).toBe(true);
    },
  );

  it.each(prompts)('%s takes what is typed, and ends where the input does', async (_kind, ask) => {
    expect(await ask(at('an answer\r').console, 'Why? ')).toBe('an answer');
    await expect(ask(at('', true).console, 'Why? ')).rejects.toThrow('Stopped.');
  });

  it('is asked in one way by all tools', () => {
    const root = join(import.meta.dirname, '../..');
    const asking = globSync('bin/**/*.ts', { cwd: root }).filter((file) =>
      readFileSync(join(root, file), 'utf8').includes('createInterface('),
    );
    expect(asking).toEqual(['bin/shared/ask.ts']);
  });
});

describe('the local stack that runs', () => {
  const ports = { gateway: 1, demoHealthPlan: 2, partner: 3, northwind: 4, aws: 5, live: 6, identity: 7 };

  it('is the one whose AWS the environment names, or else the newest that is not dead', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'running-'));
    const note = (aws: number, pid = process.pid) => noteRunning({ pid, ports: { ...ports, aws } }, folder);
    const found = (endpoint?: string) =>
      runningStack(endpoint === undefined ? {} : { AWS_ENDPOINT_URL: endpoint }, folder)?.ports.aws;

    expect(found()).toBeUndefined();
    await note(5);
    await utimes(join(folder, '5.json'), 1, 1);
    const forget = await note(6);
    // No process has the number that Linux allows none.
    await note(7, 2 ** 22 + 1);
    await writeFile(join(folder, 'torn.json'), '{');

    expect(found()).toBe(6);
    expect(found('http://127.0.0.1:5')).toBe(5);
    expect(found('http://localhost:6/')).toBe(6);
    expect(found('http://127.0.0.1:7')).toBeUndefined();
    expect(found('http://stand-in.example.org:5')).toBeUndefined();
    await forget();
    expect(found()).toBe(5);
    await rm(folder, { recursive: true });
  });
});

const partners = [
  { id: 'lakeside-portal', name: 'Lakeside Portal' },
  { id: 'lakeside-app', name: 'Lakeside App' },
  { id: 'northwind-records', name: 'Northwind Records' },
  { id: 'acme', name: 'ACME Health' },
  ...Array.from({ length: 20 }, (_, index) => ({ id: `partner-${index}`, name: `Partner ${index}` })),
];
const options = { stage: 'demo', kind: 'partner', idKind: 'client id' };
const find = (name: string) => findNamed(partners, name, options);

describe('a partner that is named', () => {
  it('is found by its id, or by its name as it is written', () => {
    expect(find('acme').id).toBe('acme');
    expect(find('ACME Health').id).toBe('acme');
  });

  it('a partner that is named by an id is not another with that name', () => {
    expect(
      findNamed(
        [
          { id: 'x', name: 'y' },
          { id: 'y', name: 'x' },
        ],
        'y',
        options,
      ).id,
    ).toBe('y');
  });

  it.each([
    ['lakesideportal', 'did you mean lakeside-portal (Lakeside Portal)?'],
    ['Lakeside', 'did you mean lakeside-portal (Lakeside Portal), or lakeside-app (Lakeside App)?'],
    ['norhtwind-records', 'did you mean northwind-records (Northwind Records)?'],
    ['Acme health', 'did you mean acme (ACME Health)?'],
    ['somebody else', 'nor one with a similar name; list them with: npm run partners -- list --stage demo'],
    ['---', 'nor one with a similar name'],
    ['', 'nor one with a similar name'],
  ])('%j, which is none, says what was probably meant', (name, hint) => {
    expect(() => find(name)).toThrow(Refusal);
    expect(() => find(name)).toThrow(hint);
  });

  it('a partner that is named where there are few, lists them all', () => {
    expect(() => findNamed(partners.slice(0, 3), 'x', options)).toThrow(
      'Stage demo has no partner "x"; it has: lakeside-portal, lakeside-app, northwind-records',
    );
    expect(() => findNamed([], 'x', { ...options, Wrong: UsageError })).toThrow(
      new UsageError('Stage demo has no partner "x"; it has: none'),
    );
  });
});

it('what is nearest comes first, and is never more than three', () => {
  const of = (names: readonly string[]) => nearest('partner-1', names, (name) => [name]);

  expect(of(['portner-2', 'partner-2', 'partner-1', 'completely different'])).toEqual([
    'partner-1',
    'partner-2',
    'portner-2',
  ]);
  expect(of(Array.from({ length: 50 }, (_, index) => `partner-1${index}`))).toHaveLength(3);
});

const bar = (total: number, columns = 80) => {
  const written: string[] = [];
  const time = { ms: 0 };
  const terminal = { write: (text: string) => void written.push(text), columns };
  return { written, time, progress: progressBar(terminal, total, () => time.ms) };
};

describe('a progress bar', () => {
  it('says how many are done, over the line before', () => {
    const { written, time, progress } = bar(200);
    progress.show(0);
    time.ms = 100;
    progress.show(100, '3 of them with something to do');

    expect(written).toEqual([
      `\r\u001B[K[${'.'.repeat(30)}] 0 of 200`,
      `\r\u001B[K[${'#'.repeat(15)}${'.'.repeat(15)}] 100 of 200  3 of them with something to do`,
    ]);
  });

  it('is drawn ten times a second at most, and at once after it was removed for a result', () => {
    const { written, time, progress } = bar(200);
    for (let done = 0; done < 50; done += 1) progress.show(done);
    expect(written).toHaveLength(1);
    progress.clear();
    progress.show(50);
    expect(written).toHaveLength(3);
    time.ms = 99;
    progress.show(51);
    expect(written).toHaveLength(3);
  });

  it('never wraps, and is not drawn for one thing or where there is no terminal', () => {
    const narrow = bar(200, 20);
    narrow.progress.show(7, 'a long remark');
    expect(narrow.written[0]?.replace('\r\u001B[K', '')).toHaveLength(19);
    const one = bar(1);
    one.progress.show(0);
    one.progress.clear();
    expect(one.written).toEqual([]);
    const none = progressBar(undefined, 200, () => 0);
    expect([none.show(1), none.clear()]).toEqual([undefined, undefined]);
  });
});

describe('work in parallel', () => {
  it('begins the next thing as soon as one is done, and does each once', async () => {
    const doors = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
    const begun: number[] = [];
    const all = inParallel(doors, 2, async ({ promise }, index) => {
      begun.push(index);
      await promise;
    });
    expect(begun).toEqual([0, 1]);
    doors[1]?.resolve();
    await new Promise(setImmediate);
    expect(begun).toEqual([0, 1, 2]);
    for (const { resolve } of doors) resolve();
    await all;
    expect(begun).toEqual([0, 1, 2, 3, 4]);
  });

  it('work in parallel of nothing is done, and an error is thrown', async () => {
    await inParallel([], 8, async () => {});
    await expect(
      inParallel([1, 2, 3], 2, async () => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
  });
});

const sts = new STSClient({ region: 'us-east-1' });
const mock = mockClient(sts);
const arn = 'arn:aws:sts::111122223333:assumed-role/operators/one';
const isIn = (account: string | undefined) =>
  mock.on(GetCallerIdentityCommand).resolves({ Arn: arn, Account: account });

describe('who runs a tool', () => {
  it('is named by AWS', async () => {
    isIn('111122223333');
    expect(await callerOf(sts, { stage: 'mine', account: '111122223333' })).toEqual({ arn, isStandIn: false });
    expect(await callerOf(sts, { stage: 'mine' })).toEqual({ arn, isStandIn: false });
    isIn('000000000000');
    expect(await callerOf(sts, { stage: 'mine', account: '111122223333' })).toEqual({ arn, isStandIn: true });
  });

  it('must be in the account of the stage, if the stage names one', async () => {
    isIn('444455556666');
    await expect(callerOf(sts, { stage: 'mine', account: '111122223333' })).rejects.toThrow(
      'Stage mine is in account 111122223333, but your credentials are for 444455556666. Set AWS_PROFILE.',
    );
  });

  it('must have a name', async () => {
    mock.on(GetCallerIdentityCommand).resolves({});
    await expect(callerOf(sts, { stage: 'mine' })).rejects.toThrow('AWS does not say who you are');
  });
});

const nowMs = Date.parse('2026-11-26T21:00:00.500Z');
const now = Math.floor(nowMs / 1000);

describe('--until', () => {
  it.each([
    ['30m', now + 1800],
    ['2h', now + 7200],
    ['3d', now + 3 * 86_400],
    [' 1h ', now + 3600],
    ['2026-11-26T22:00Z', now + 3600],
    ['2026-11-26T22:00:30Z', now + 3630],
    ['2026-11-26T17:00-05:00', now + 3600],
    ['2028-02-29T00:00Z', undefined],
  ])('%j is read', (text, until) => {
    if (until === undefined) expect(() => readUntil(text, nowMs)).toThrow('over a year away');
    else expect(readUntil(text, nowMs)).toBe(until);
  });

  it.each([
    ['', 'cannot be read'],
    ['tomorrow', 'cannot be read'],
    ['2 hours', 'cannot be read'],
    ['-2h', 'cannot be read'],
    ['1.5h', 'cannot be read'],
    ['2026-11-27', 'cannot be read'],
    // Without a zone it would mean another time on another machine.
    ['2026-11-27T06:00', 'cannot be read'],
    ['2026-11-31T06:00Z', 'cannot be read'],
    ['2026-13-01T06:00Z', 'cannot be read'],
    ['2026-11-27T25:00Z', 'cannot be read'],
    ['0h', 'in the past'],
    ['2026-11-26T21:00Z', 'in the past'],
    ['2025-11-26T22:00Z', 'in the past'],
    ['999999d', 'over a year away'],
    ['2126-11-26T22:00Z', 'over a year away'],
  ])('%j is refused', (text, why) => {
    expect(() => readUntil(text, nowMs)).toThrow(`--until ${why.startsWith('cannot') ? why : `is ${why}`}`);
  });
});

it('npm run stages prints the stages that can be deployed, of this checkout or of another', async () => {
  const checkout = mkdtempSync(join(tmpdir(), 'stages-'));
  mkdirSync(join(checkout, 'config'));
  for (const name of ['pilot', 'local', 'a1'])
    writeFileSync(join(checkout, `config/${name}.ts`), 'export default {};\n');
  writeFileSync(join(checkout, 'config/presets.ts'), 'export const preset = 1;\n');

  const [own, other, none] = await Promise.all(
    [[], [checkout], [join(checkout, 'config')]].map((args) => runTool('stages.ts', args)),
  );
  rmSync(checkout, { recursive: true });

  expect(own).toEqual({ code: 0, out: 'demo\nproduction-example\n', err: '' });
  expect(other).toEqual({ code: 0, out: 'a1\npilot\n', err: '' });
  const refusal = `${join(checkout, 'config/config')} is not there. Give the folder of a checkout.\n`;
  expect(none).toEqual({ code: 1, out: '', err: refusal });
});
