import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../sandbox/ports.ts';
import { startFakeGateway, type FakeGateway } from '../sandbox/partner-fake-gateway.ts';
import { eventually } from '../support/eventually.ts';
import { words } from '../support/words.ts';

const run = promisify(execFile);
const examples = join(import.meta.dirname, '../../docs/examples');
const programs = [
  ['whole_record.py', 'python3'],
  ['whole-record.mjs', process.execPath],
] as const;

let gateway: FakeGateway;
let folder: string;

beforeEach(async () => {
  gateway = await startFakeGateway();
  folder = join(await mkdtemp(join(tmpdir(), 'whole-record-')), 'record');
});
afterEach(async () => {
  await gateway.close();
  await rm(join(folder, '..'), { recursive: true });
});

describe.each(programs)('the program for partners: %s', (program, command) => {
  const fetchRecord = () =>
    run(command, [join(examples, program), `${gateway.origin}/r4/plan`, folder], {
      env: { ...process.env, ACCESS_TOKEN: 'token' },
    });

  it('saves every file as it is, says what is missing, and deletes the export', async () => {
    gateway.exports.files['errors-1.ndjson'] = ['{"resourceType":"OperationOutcome"}'];
    gateway.exports.files['attachment-1'] = ['Well.', 'A line'];
    gateway.exports.outcomes = [{ type: 'Goal', outcome: 'refusedByPayer', count: 0, reason: 'The plan refused it.' }];
    const { stdout } = await fetchRecord();

    expect((await readdir(folder)).sort()).toEqual(
      words('Observation-1.ndjson Patient-1.ndjson attachment-1 errors-1.ndjson manifest.json'),
    );
    expect(await readFile(join(folder, 'attachment-1'), 'utf8')).toBe('Well.\nA line');
    expect(await readFile(join(folder, 'Observation-1.ndjson'), 'utf8')).toBe(
      `${gateway.exports.files['Observation-1.ndjson']?.join('\n')}\n`,
    );
    expect(stdout).toBe('1,240 resources, 12 of 21 types\nGoal refusedByPayer 0 The plan refused it.\n');
    expect(gateway.exports.seen.at(-1)).toMatchObject({ method: 'DELETE', authorization: 'Bearer token' });
  });

  it('follows an export that is already running', async () => {
    gateway.exports.running = 'export-of-another-try';
    await fetchRecord();

    expect(gateway.exports.seen.at(-1)?.path).toBe('/exports/plan/export-of-another-try');
  });

  it('waits and retries while the gateway is briefly unavailable', async () => {
    gateway.exports.away = 1;
    await fetchRecord();

    expect(gateway.exports.seen.filter(({ path }) => path.endsWith('$export'))).toHaveLength(2);
  });

  it.each([
    ['Patient-1.ndjson', 2, 'Patient-1.ndjson has 1 lines instead of 2.'],
    ['attachment-1', 6, 'attachment-1 has 5 bytes instead of 6.'],
  ])('fails if a file breaks off, and deletes nothing: %s', async (file, count, sentence) => {
    gateway.exports.files['attachment-1'] = ['Well.'];
    gateway.exports.counts[file] = count;

    await expect(fetchRecord()).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(sentence) });
    expect(gateway.exports.seen.map(({ method }) => method)).not.toContain('DELETE');
  });

  it('says why it was refused', async () => {
    gateway.exports.refusal = 403;

    await expect(fetchRecord()).rejects.toMatchObject({ stderr: expect.stringContaining('403 {"resourceType"') });
  });

  it('is short', async () => {
    expect((await readFile(join(examples, program), 'utf8')).trim().split('\n').length).toBeLessThanOrEqual(50);
  });
});

describe.each([
  ['read-record.mjs', process.execPath],
  // Debian's Python has Debian's Authlib.
  ['read_record.py', '/usr/bin/python3'],
  ['read-record.sh', 'sh'],
] as const)('the program of the quick start: %s', (program, command) => {
  /** Signs the member in as a browser would. Undefined if the machine lacks Authlib or jq. */
  const read = async () => {
    await mkdir(folder);
    const redirectUri = `http://localhost:${await freePort()}/callback`;
    const asked = [join(examples, program), `${gateway.origin}/r4/plan`, 'my-app', redirectUri];
    const child = spawn(command, asked, { cwd: folder, env: { ...process.env, NODE_OPTIONS: '' } });
    const said = { out: '', err: '' };
    const signIn = async (url: string) => {
      const { headers } = await fetch(url, { redirect: 'manual' });
      const back = headers.get('location') ?? '';
      if (program.endsWith('.sh')) child.stdin.end(`${back}\n`);
      else {
        const come = async () => {
          const answer = await fetch(back);
          await answer.text();
          return answer.ok;
        };
        // It printed the URL before it listened.
        await eventually(() => come().catch(() => false), 30_000);
      }
    };
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const before = said.out;
      said.out += text;
      const url = /^http\S+(?=\n)/m.exec(said.out)?.[0];
      if (url === undefined || /^http\S+\n/m.test(before)) return;
      void signIn(url);
    });
    const [code] = (await once(child, 'close')) as [number | null];
    const isMissing = /No module named|jq: not found/.test(said.err) && process.env['CI'] === undefined;
    return isMissing ? undefined : { code, ...said };
  };

  // functions/shared/fhir/page-link.ts: `{base}?_link=…`.
  it('reads every page', async () => {
    const ended = await read();
    if (ended === undefined) return;

    expect(ended).toMatchObject({ code: 0, out: expect.stringContaining('record.ndjson has 5 resources.') });
    expect((await readFile(join(folder, 'record.ndjson'), 'utf8')).split('\n')).toHaveLength(6);
  });

  it.each(words('-other?_link=2 .example.org/r4/plan @evil.example/'))(
    'sends the token to no page elsewhere: {base}%s',
    async (rest) => {
      gateway.nextLink = `${gateway.origin}/r4/plan${rest}`;
      const ended = await read();
      if (ended === undefined) return;

      expect(ended).toMatchObject({ code: 1, err: `The next page is elsewhere: ${gateway.nextLink}\n` });
      expect(gateway.seen.filter(({ authorization }) => authorization?.startsWith('Bearer'))).toHaveLength(1);
    },
  );
});
