import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { countsByType, readRecord, type Read } from '../../sandbox/partner/record.ts';
import { words } from '../support/words.ts';
import { askOnce, connect, readAllPages, type Bundle, type RunningStack } from './support.ts';

const run = promisify(execFile);
const docs = join(import.meta.dirname, '../../docs');
const payer = 'demo-health-plan';

/** The shell blocks of the page's five calls, in their order: what comes before them, the calls, and the programs. */
const blocksOfCalls = (page: string): string[] => {
  const [section = ''] = /^## Five calls$[^]*?(?=^## )/m.exec(page) ?? [];
  return [...section.matchAll(/^```sh\n([^`]*)^```/gm)].map(([, command = '']) => command);
};

/** Types that R4 searches by `patient`. */
const byPatient: ReadonlySet<string> = new Set(
  words(`
    AllergyIntolerance CarePlan CareTeam Claim Condition Coverage DiagnosticReport DocumentReference Encounter
    ExplanationOfBenefit Goal ImagingStudy Immunization MedicationRequest Observation Procedure Provenance
  `),
);

/** The page's commands and programs, with a running stack. */
export const wholeRecord = (running: () => RunningStack): void => {
  let folder: string;
  let base: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'whole-record-'));
    base = `${running().origin}/r4/${payer}`;
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is downloaded by the five commands on the page', async () => {
    const { access_token: token } = await connect(running(), payer);
    const page = await readFile(join(docs, 'partners', 'whole-record.md'), 'utf8');
    const [before = '', ask = '', look = '', keep = '', download = '', remove = '', programs = '', ...more] =
      blocksOfCalls(page);
    const inShell = [`base=${base}`, `token=${token}`];
    const shell = async (command: string): Promise<string> =>
      (await run('sh', ['-c', [...inShell, command].join('\n')], { cwd: folder })).stdout;
    const asked = await shell(ask);
    const url = /^content-location: (\S+)/im.exec(asked)?.[1] ?? '';
    const [, name = ''] = /^(\w+)='\{content_location\}'$/m.exec(look) ?? [];
    inShell.push(`${name}='${url}'`);
    const lookAgain = look.replace('{content_location}', url);
    let looked = await shell(lookAgain);
    while (looked.startsWith('HTTP/1.1 202')) {
      expect(looked).toMatch(/^x-progress: \S/im);
      await sleep(1000 * Number(/^retry-after: (\d+)/im.exec(looked)?.[1]));
      looked = await shell(lookAgain);
    }
    await shell(keep);
    const { output, error, extension } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as {
      output: { type: string; url: string }[];
      error: unknown[];
      extension: { attachments: { url: string; hash: string }[] };
    };
    await shell(download);
    const removed = await shell(remove);

    expect(more).toEqual([]);
    expect(before).toContain('base=http://localhost:3000/r4/demo-health-plan\n');
    expect(before).toContain('token=$(npm run --silent sign-in -- --client my-app --redirect-uri ');
    for (const program of ['whole_record.py', 'whole-record.mjs']) {
      expect(programs).toContain(`docs/examples/${program} "$base" record\n`);
    }
    expect(asked).toMatch(/^HTTP\/1\.1 202 /);
    expect(looked).toMatch(/^HTTP\/1\.1 200 /);
    expect(error).toEqual([]);
    expect((await readdir(folder)).filter((name_) => name_.endsWith('.ndjson'))).toHaveLength(output.length);
    const documents = await readFile(join(folder, 'DocumentReference-1.ndjson'), 'utf8');
    expect(extension.attachments).toHaveLength(documents.trim().split('\n').length);
    for (const { url: one, hash } of extension.attachments) {
      const saved = await readFile(join(folder, one.split('/').at(-1)!));
      expect(createHash('sha1').update(saved).digest('base64')).toBe(hash);
      expect(documents).toContain(`"url":"${one}","size":${saved.length},`);
    }
    expect(JSON.parse(await readFile(join(folder, 'Patient-1.ndjson'), 'utf8'))).toMatchObject({
      name: [{ family: 'Venegas795' }],
    });
    expect(removed).toMatch(/^HTTP\/1\.1 202 /);
    expect(await shell(lookAgain)).toMatch(/^HTTP\/1\.1 404 /);
  });

  it.each([
    ['python3', 'whole_record.py'],
    [process.execPath, 'whole-record.mjs'],
  ])(
    'comes by %s %s, with as many resources of each type as a partner reads, and a Provenance',
    async (command, file) => {
      const { access_token: token, patient } = await connect(running(), payer);
      const into = join(folder, file);
      const { stdout } = await run(command, [join(docs, 'examples', file), base, into], {
        env: { ...process.env, ACCESS_TOKEN: token },
      });
      const read: Read = async (url) => {
        const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
        return { status: answer.status, text: await answer.text() };
      };
      const record = countsByType((await readRecord(base, read, patient)).resources);
      const files = (await readdir(into)).filter((name) => name.endsWith('.ndjson'));
      const counts = new Map<string, number>();
      for (const name of files) {
        for (const line of (await readFile(join(into, name), 'utf8')).trim().split('\n')) {
          const { resourceType } = JSON.parse(line) as { resourceType: string };
          counts.set(resourceType, (counts.get(resourceType) ?? 0) + 1);
        }
      }

      const expected = new Map(record.map(({ type, count }) => [type, count]));
      expected.set('Provenance', (expected.get('Provenance') ?? 0) + 1);
      expect(Object.fromEntries(counts)).toEqual(Object.fromEntries(expected));
      expect(stdout).toMatch(/^Patient complete 1 ?$/m);
    },
  );

  it('comes with every request at once, as apps send them: files, searches of types, and their pages', async () => {
    const { access_token: token, patient } = await connect(running(), payer);
    const headers = { authorization: `Bearer ${token}` };
    const ask = async (url: string): Promise<string> => {
      const answer = await askOnce(url, { headers });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`);
      return text;
    };
    const begun = await askOnce(`${base}/Patient/$export`, { headers: { ...headers, prefer: 'respond-async' } });
    const url = begun.headers.get('content-location') ?? '';
    let looked = await askOnce(url, { headers });
    for (; looked.status === 202; looked = await askOnce(url, { headers })) await sleep(500);
    const { output } = (await looked.json()) as { output: { type: string; count: number; url: string }[] };

    const lines = await Promise.all(output.map(async (file) => (await ask(file.url)).trim().split('\n').length));
    const searched = output.filter(({ type }) => byPatient.has(type));
    const found = await Promise.all(
      searched.map(async ({ type }) => {
        const read = async (page: string): Promise<Bundle> => JSON.parse(await ask(page)) as Bundle;
        return readAllPages(`${base}/${type}?patient=${patient}&_count=20`, read);
      }),
    );

    expect(output.length).toBeGreaterThan(15);
    expect(lines).toEqual(output.map(({ count }) => count));
    expect(found.flat().length).toBeGreaterThan(searched.length);
  });
};
