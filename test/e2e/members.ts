import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from '../bin/run-tool.ts';
import { blocksOf, documentAt } from '../docs/documents.ts';
import type { Tokens } from '../support/login/steps.ts';
import type { Ended } from '../support/run-child.ts';
import { auditObjects } from '../support/stored-text.ts';
import { connect, type RunningStack } from './support.ts';

const payer = 'demo-health-plan';
/** Every token that the gateway issues starts with its grant's id. */
const grantIdOf = ({ access_token: token }: Tokens): string =>
  Buffer.from(token.replace('p2pa_', ''), 'base64url').subarray(0, 16).toString('base64url');

const commands = blocksOf(documentAt('docs/members.md'))
  .filter(({ language }) => language === 'sh')
  .flatMap(({ code }) => code.replaceAll(/\\\n\s*/g, '').split('\n'))
  .filter((line) => line.startsWith('npm run members -- '));

/** What an operator does when members ask: the commands of the document. */
export const requestsOfMembers = (running: () => RunningStack): void => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'members-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const read = (path: string, { access_token: token }: Tokens): Promise<Response> =>
    fetch(`${running().origin}/r4/${payer}/${path}`, { headers: { authorization: `Bearer ${token}` } });

  /** Runs the document's command that begins like this, with its placeholders filled in, and the patient's id typed. */
  const play = async (begin: string, values: Readonly<Record<string, string>>, ...more: string[]): Promise<Ended> => {
    const command = commands.find((line) => line.startsWith(`npm run members -- ${begin}`));
    if (command === undefined) throw new Error(`docs/members.md has no command "${begin}"`);
    const filled = Object.entries(values).reduce((text, [from, to]) => text.replaceAll(from, to), command);
    const words = [...filled.replace('npm run members -- ', '').matchAll(/"([^"]*)"|(\S+)/g)];
    const args = words.map(([, quoted, word]) => quoted ?? word ?? '');
    await running().streamsIdle();
    return runTool('members.ts', [...args, ...more], { AWS_ENDPOINT_URL: running().urls.aws }, values['typed']);
  };

  it('plays three requests of members with the document alone, against a running stack', async () => {
    const [first, second] = [await connect(running(), payer), await connect(running(), payer)];
    const { patient } = first;
    for (const path of [`Patient/${patient}`, 'Observation?_count=5']) await (await read(path, first)).text();
    await (await read('Patient/another', second)).text();
    const values = { PAYER: payer, GRANT_ID: grantIdOf(first), typed: `Patient/${patient}\n` };

    const found = await play('find --payer', values);
    expect(found).toMatchObject({
      code: 0,
      out: expect.stringContaining('2 grants at Demo Health Plan, 2 of them living'),
    });

    // 1. Who read this member's record?
    const [html, csv] = [join(folder, 'report.html'), join(folder, 'report.csv')];
    const report = await play('report', { ...values, 'report.html': html, 'report.csv': csv });
    expect([report.code, report.err]).toEqual([0, expect.stringContaining('2 grants and 3 reads')]);
    const rows = (await readFile(csv, 'utf8')).trim().split('\r\n');
    expect(rows).toHaveLength(1 + 2 + 3);
    expect(rows.filter((row) => /,read Patient,refused,/.test(row))).toHaveLength(1);
    expect(await readFile(html, 'utf8')).toContain('Demo Partner');

    // 2. End one app's access.
    expect(await play('end --grant', values, '--yes')).toMatchObject({ code: 0 });
    expect([(await read('Patient', first)).status, (await read('Patient', second)).status]).toEqual([401, 200]);

    // 3. End everything.
    const ended = await play('end --payer', values, '--yes');
    expect([ended.code, ended.err]).toEqual([0, expect.stringContaining('1 grant ended as arn:aws:iam::')]);
    expect((await read('Patient', second)).status).toBe(401);
    const after = await play('find --payer', values);
    expect(after.out).toContain('2 grants at Demo Health Plan, 0 of them living');
    expect(after.out).toContain('ended by an operator');

    // Nothing that has a name, and nothing that is logged or told, says who the member is.
    const names = [...(await auditObjects(running())).keys(), ...(await readdir(folder))];
    const ids = [first, second].map(grantIdOf);
    expect(names.filter((name) => name.startsWith('members/') && ids.some((id) => name.includes(id)))).toHaveLength(2);
    const calls = running()
      .calls()
      .map((call) => JSON.stringify(call));
    const told = [found, report, ended, after].flatMap(({ out, err }) => [out, err]);
    for (const text of [...names, ...calls, ...running().functionLines, ...told]) expect(text).not.toContain(patient);
  });
};
