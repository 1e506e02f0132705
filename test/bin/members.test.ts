import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { localStage } from '../../config/local.ts';
import { parseScopes } from '../../functions/shared/scopes/scopes.ts';
import { getGrant, revoke } from '../../functions/shared/store/grants.ts';
import { listGroups } from '../../functions/shared/store/groups.ts';
import { isStoppedSince } from '../../functions/shared/store/member-stops.ts';
import { readEventItem } from '../../functions/shared/store/read-events.ts';
import { startMs } from '../support/gateway.ts';
import { member, membersTool, operator, type MembersTool } from './members-tool.ts';

const now = startMs / 1000;
const whom = `--payer ${member.payer} --patient ${member.patient}`;
const why = '--reason Member-asked';
let tool: MembersTool;
beforeEach(async () => {
  tool = await membersTool();
});
afterEach(() => tool.close());

const isLive = async (id: string): Promise<boolean> => (await getGrant(tool.grants, id))?.revokedAt === undefined;
const areLive = (...ids: readonly string[]): Promise<boolean[]> => Promise.all(ids.map(isLive));
const at = (id: string) => ({ TableName: tool.grants.name, Key: { grantId: { S: id } } });
const indexOf = async (id: string): Promise<AttributeValue> =>
  (await tool.client.send(new GetItemCommand(at(id)))).Item!['memberIndex']!;
const set = (id: string, name: string, value: AttributeValue) =>
  tool.client.send(
    new UpdateItemCommand({
      ...at(id),
      UpdateExpression: `SET ${name} = :value`,
      ExpressionAttributeValues: { ':value': value },
    }),
  );
/** The grant has ended and left the table: the audit alone has it. */
const forget = async (id: string): Promise<void> => {
  await tool.audited();
  await tool.client.send(new DeleteItemCommand(at(id)));
};
/** Whether an approval from before now makes no grant of an app for the member of a grant. */
const isStopped = async (id: string, partner: string): Promise<boolean> =>
  isStoppedSince(tool.grants, { memberIndex: (await indexOf(id)).S ?? '', partner }, now - 1);
const denied = { __type: 'com.amazonaws.dynamodb.v20120810#AccessDeniedException', message: 'no' };

const page = () => join(tool.folder, 'report.html');
const table = () => join(tool.folder, 'report.csv');
const both = () => `--html ${page()} --csv ${table()}`;
const pageText = () => readFile(page(), 'utf8');
const tableText = () => readFile(table(), 'utf8');
const tableLines = async (): Promise<string[]> => (await tableText()).split('\r\n');
/** What there is in the folder of the reports, and what the table holds. */
const left = async () => [await tableText(), (await readdir(tool.folder)).sort()];

describe('npm run members -- find', () => {
  it('lists living and ended grants of one member with app, scope, time and state, and no others', async () => {
    const living = await tool.grant();
    const ended = await tool.grant({ partner: 'demo-partner', scope: parseScopes('patient/Patient.rs') });
    await revoke(tool.grants, ended, 'byOperator', { now, requestId: 'r', by: { operator, note: 'Ticket 4711' } });
    const waiting = await tool.grant({}, { redeemed: false, at: now - 10 });
    const expired = await tool.grant({}, { redeemed: false });
    await tool.grant({ patient: 'patient-0815' });
    await tool.grant({ payer: 'demo-health-plan' });

    const { code, out } = await tool.run(`find ${whom}`);

    expect(code).toBe(0);
    const lines = out.split('\n');
    expect(lines[0]).toBe('4 grants at Northwind Health, 2 of them living');
    const lineOf = (id: string): string => lines.find((line) => line.startsWith(id)) ?? '';
    expect(lineOf(living)).toContain('Pocket Record (demo-app)');
    expect(lineOf(living)).toMatch(/2026-06-01T11:00:00Z +2026-11-28T11:00:00Z +valid$/);
    expect(lineOf(waiting)).toMatch(/waiting for its code to be redeemed$/);
    expect(lineOf(expired)).toMatch(/the app never used it$/);
    expect(lineOf(ended)).toMatch(/2026-06-01T12:00:00Z +ended by an operator \(arn:.*operator\): Ticket 4711$/);
    expect(lines[lines.indexOf(lineOf(ended)) + 1]).toBe('  patient/Patient.rs');
  });

  it('finds grants that only the audit still has', async () => {
    const id = await tool.grant({ partner: 'demo-partner' });
    await forget(id);

    const { out } = await tool.run(`find ${whom}`);

    expect(out).toContain('1 grant at Northwind Health, 0 of them living');
    expect(out).toMatch(new RegExp(`^${id} .*2026-11-28T11:00:00Z at the latest +ended$`, 'm'));
  });

  it.each([
    ['spaces around it', ` ${member.patient} `],
    ['a reference', `Patient/${member.patient}`],
    ['a URL below the base of the plan', `http://127.0.0.1:3003/r4/Patient/${member.patient}`],
  ])('takes a patient id with %s, typed at the terminal', async (_what, typed) => {
    await tool.grant();
    const { out, asked } = await tool.run(`find --payer ${member.payer}`, { answers: [typed] });
    expect(asked).toEqual(['The patient id of the member at Northwind Health: ']);
    expect(out).toContain('1 grant');
  });

  it.each(['null', '00000000-0000-0000-0000-000000000000'])(
    'finds the grants of %s, which a sign-in of an earlier version took as an id',
    async (typed) => {
      await tool.grant({ patient: typed });
      expect((await tool.run(`find --payer ${member.payer}`, { answers: [typed] })).out).toContain('1 grant');
    },
  );

  it.each([
    ['', 'Give the patient id'],
    ['pat ient', 'That is no patient id'],
    ['Practitioner/1', 'That is no patient id'],
    ['family/member', 'That is no patient id'],
    ['patient/patient-4711', 'That is no patient id'],
    ['"patient-4711"', 'That is no patient id'],
    ['patient-4711\npatient-0815', 'That is no patient id'],
    ['https://elsewhere.example/fhir/Patient/1', 'Write only what follows Patient/'],
  ])('refuses %j without repeating it', async (typed, text) => {
    const refused = tool.run(`find --payer ${member.payer}`, { piped: typed });
    await expect(refused).rejects.toThrow(text);
    if (typed !== '') await expect(refused).rejects.not.toThrow(typed);
  });

  it('says of an unknown member that nothing is known here, and not whether the plan has such a member', async () => {
    await tool.grant();
    const found = tool.run(`find --payer ${member.payer} --patient nobody`);
    await expect(found).rejects.toThrow('No grant of this member at Northwind Health is known here.');
    await expect(found).rejects.toThrow('says nothing about whether Northwind Health has such a member');
    await expect(found).rejects.not.toThrow('nobody');
  });

  it('finds an id at the plan that was named only, and says that upper and lower case matter', async () => {
    const [mine, elsewhere] = [await tool.grant(), await tool.grant({ payer: 'demo-health-plan' })];
    const { out } = await tool.run(`find ${whom}`);
    expect([out.includes(mine), out.includes(elsewhere)]).toEqual([true, false]);

    const upper = `--payer ${member.payer} --patient ${member.patient.toUpperCase()}`;
    const sentence = 'Write the patient id exactly as the payer does: upper and lower case matter.';
    await expect(tool.run(`find ${upper}`)).rejects.toThrow(sentence);
    await expect(tool.run(`end ${upper} ${why} --yes`)).rejects.toThrow(sentence);
  });

  it.each([
    ['--grant grant-1 --grant grant-2', '--grant was given twice; give one value, or run twice'],
    ['--grant -bcdefghijklmnopqrst-1', '--grant needs a value; if that starts with a hyphen, write --grant=VALUE'],
    ['--grant abcdefghijklmnopqrst-1', 'There is no grant abcdefghijklmnopqrst-1, neither in'],
    ['--payer nowhere --patient x', 'Stage local has no payer "nowhere"'],
    [`${whom} --table none`, 'AWS has nothing by that name'],
    [`${whom} --bucket none`, 'There is no such bucket. Check --bucket and --stage.'],
  ])('says in a sentence what is wrong with %s', async (words, sentence) => {
    const refused = tool.run(`find ${words}`);
    await expect(refused).rejects.toThrow(sentence);
    await expect(refused).rejects.toMatchObject({ name: expect.stringMatching(/^(?:UsageError|Refusal)$/) as string });
  });

  it('finds a grant without an index by reading the table, unless it was told not to, and says so', async () => {
    const id = await tool.grant({}, { indexed: false });

    const whole = await tool.run(`find ${whom}`);
    expect(whole.out).toContain(id);
    expect(whole.told).toContain('1 grant without an index');
    const quick = tool.run(`find ${whom} --index-only`);
    await expect(quick).rejects.toThrow('Grants without an index were not looked for (--index-only)');
  });

  it('--whole-audit finds grants that had ended before there was an index', async () => {
    const id = await tool.grant({}, { indexed: false });
    await forget(id);

    await expect(tool.run(`find ${whom}`)).rejects.toThrow('found only with --whole-audit');
    expect((await tool.run(`find ${whom} --whole-audit`)).out).toContain(id);
  });

  it('--grant is about that grant alone, and --member-of about all grants of its member', async () => {
    const [one, other] = [await tool.grant(), await tool.grant({ partner: 'demo-partner' })];
    const alone = await tool.run(`find --grant ${one}`);
    expect([alone.out.includes(one), alone.out.includes(other)]).toEqual([true, false]);
    expect((await tool.run(`find --member-of ${one}`)).out).toContain(other);
  });

  it('says of a grant without a patient that no request of a member finds it', async () => {
    const id = await tool.grant({ patient: undefined });
    expect((await tool.run(`find --grant ${id}`)).told).toContain('This grant knows no patient');
    await expect(tool.run(`find --member-of ${id}`)).rejects.toThrow('nobody can tell which other grants');
  });

  it('leaves out a grant that someone put under the index of another member', async () => {
    const mine = await tool.grant();
    const theirs = await tool.grant({ patient: 'patient-0815' });
    await set(theirs, 'memberIndex', await indexOf(mine));

    const { out, told } = await tool.run(`find ${whom}`);
    expect(out).not.toContain(theirs);
    expect(told).toContain(`Grant ${theirs} has this member's index and another member's patient`);
    expect((await tool.run(`end ${whom} ${why} --yes`)).code).toBe(0);
    expect(await isLive(theirs)).toBe(true);
  });

  it('says what to do if the key cannot be used', async () => {
    await tool.grant();
    tool.disableKey();
    await expect(tool.run(`find ${whom}`)).rejects.toThrow(/alias\/p2p-local-member-index .*DisabledException/);
    await expect(tool.run(`find ${whom} --key alias/none`)).rejects.toThrow(/alias\/none .*NotFoundException/);
  });
});

describe('npm run members -- end', () => {
  it('ends every living grant of the member with operator and reason, and says what is left at the plan', async () => {
    const [one, two] = [await tool.grant(), await tool.grant({ partner: 'demo-partner' }, { indexed: false })];
    const other = await tool.grant({ patient: 'patient-0815' });

    const { code, out, told, asked } = await tool.run(`end ${whom} ${why}`, { answers: ['yes'] });

    expect([code, asked]).toEqual([0, ['Type yes to end these 2 grants: ']]);
    expect(out).toMatch(new RegExp(`^${one}  ended$`, 'm'));
    expect(told).toContain(`2 grants ended as ${operator}.`);
    for (const said of [
      /payer's own tokens cannot be revoked from here/,
      /sign in to the member portal/,
      /can still make a grant for 30 minutes/,
      /An approval from before the end, .* makes no grant any more/,
    ])
      expect(told).toMatch(said);
    // As at the member's own page (docs/members.md): no approval from before makes another grant.
    const stopped = await Promise.all(['demo-app', 'demo-partner', 'rival'].map((app) => isStopped(one, app)));
    expect([stopped, await areLive(one, two, other)]).toEqual([
      [true, true, false],
      [false, false, true],
    ]);
    const { out: after } = await tool.run(`find ${whom}`);
    expect(after).toContain('0 of them living');
    expect(after).toContain(`ended by an operator (${operator}): Member-asked`);
  });

  it('looks again until there is no new grant', async () => {
    await tool.grant();
    let [rounds, late] = [0, ''];
    const onWait = async (): Promise<void> => {
      if ((rounds += 1) === 1) late = await tool.grant({}, { at: now });
    };

    const { code, told } = await tool.run(`end ${whom} ${why} --yes`, { onWait });

    expect(code).toBe(0);
    expect(told).toContain('signed in again in the meantime: 1 new grant');
    expect([rounds, await isLive(late)]).toEqual([2, false]);
  });

  it('changes nothing without agreement', async () => {
    const id = await tool.grant();
    await expect(tool.run(`end ${whom} ${why}`, { answers: ['no'] })).rejects.toThrow('Nothing was changed');
    await expect(tool.run(`end ${whom} ${why}`)).rejects.toMatchObject({ name: 'UsageError' });
    expect(await isLive(id)).toBe(true);
  });

  it('ends one grant with --grant, and no other of the member', async () => {
    const [one, other] = [await tool.grant(), await tool.grant()];
    expect((await tool.run(`end --grant ${one} ${why} --yes`)).code).toBe(0);
    expect(await areLive(one, other)).toEqual([false, true]);
    expect(await isStopped(one, 'demo-app')).toBe(true);
  });

  it('npm run members -- end that fails in the middle says what is ended and what not, and ends the rest when it runs again', async () => {
    const ids = [await tool.grant(), await tool.grant(), await tool.grant()];
    tool.answer('UpdateItem', denied, 1);

    const first = await tool.run(`end ${whom} ${why} --yes`);

    expect(first.code).toBe(3);
    expect(first.out.match(/  NOT ENDED \(dynamodb: AccessDeniedException\)$/gm)).toHaveLength(1);
    expect(first.out.match(/  ended$/gm)).toHaveLength(2);
    expect(first.told).toContain('1 grant could NOT be ended');
    expect((await tool.run(`end ${whom} ${why} --yes`)).code).toBe(0);
    expect(await areLive(...ids)).toEqual([false, false, false]);
  });

  it('says that nothing is left to end, or that nobody is known', async () => {
    const id = await tool.grant();
    await revoke(tool.grants, id, 'byPartner', { now, requestId: 'r' });
    const all = 'Every grant of this member has ended already. Nothing was changed.';
    expect(await tool.run(`end ${whom} ${why} --yes`)).toMatchObject({ code: 0, told: all });
    const alone = 'This grant has ended already. Nothing was changed.';
    expect(await tool.run(`end --grant ${id} ${why} --yes`)).toMatchObject({ code: 0, told: alone });
    await expect(tool.run(`end --payer northwind --patient nobody ${why} --yes`)).rejects.toThrow('nothing to end');
  });
});

describe('npm run members -- index', () => {
  it('gives grants without an index theirs, with the operator in the audit, and can run again', async () => {
    const old = await tool.grant({}, { indexed: false });
    const ended = await tool.grant({}, { indexed: false });
    await revoke(tool.grants, ended, 'byPartner', { now, requestId: 'r' });
    const unknown = await tool.grant({ patient: undefined });
    await tool.grant();

    expect((await tool.run('index --dry-run')).told).toContain('2 grants of 4 items');
    expect((await tool.objects('members/')).length).toBe(1);
    const told = expect.stringContaining('2 grants of 4 items') as string;
    expect(await tool.run('index')).toMatchObject({ code: 0, told });

    expect((await tool.run(`find ${whom} --index-only`)).out).toMatch(new RegExp(`${old}[^]*|${ended}`));
    expect(await isLive(old)).toBe(true);
    const names = (await tool.objects('members/')).map((name) => name.split('/')[2]);
    expect(names).toEqual(expect.arrayContaining([`${old}.ndjson`, `${ended}.ndjson`]));
    expect(names.join()).not.toContain(unknown);
    expect((await tool.run('index')).told).toContain('0 grants of 4 items');
  });

  it('never changes a grant that is another member’s by then, and leaves the rest of a grant as it was', async () => {
    const id = await tool.grant({}, { indexed: false });
    const before = await getGrant(tool.grants, id);
    await tool.run('index');
    expect(await getGrant(tool.grants, id)).toEqual(before);
  });
});

describe('npm run members -- report', () => {
  it('shows each of two events that claim to be one, all that is said of an end, and what was put back', async () => {
    const id = await tool.grant();
    await tool.read(id, { requestId: 'rewritten' });
    await tool.read(id, { requestId: 'rewritten', opened: false, end: { status: 403, bytes: 0 } });
    const putBack = readEventItem({
      type: 'ended',
      atMs: startMs - 60_000,
      requestId: 'put-back',
      grantId: id,
      partner: 'demo-app',
      ...member,
      interaction: 'read Patient',
      end: { status: 200 },
    });
    const marked = { ...putBack, refiledAt: { N: String(now) } };
    await tool.client.send(new PutItemCommand({ TableName: tool.auditEvents.name, Item: marked }));
    await tool.run(`end --grant ${id} ${why} --yes`);
    await tool.audited();
    await set(id, 'lastEvent.reason', { S: 'byPartner' });
    await tool.run(`report --grant ${id} ${both()}`);

    const mark = 'another event claims to be this one';
    const lines = await tableLines();
    const of = (text: string) => lines.filter((line) => line.includes(text));
    expect(of('rewritten').map((line) => line.endsWith(mark))).toEqual([true, true, true]);
    expect(of('rewritten').join()).toMatch(/200.*403/s);
    const [ended, ...others] = of('grant ended');
    for (const said of [',unknown,', 'byPartner', 'byOperator', `${mark}: `]) expect(ended).toContain(said);
    expect([others, of('put-back')]).toEqual([[], [expect.stringMatching(/put back 2026-06-01T12:00:00Z$/)]]);
    expect(await pageText()).toContain(`<small>${mark}</small>`);
  });

  it('writes who read what, when, how much and with what outcome, and how grants ended', async () => {
    const id = await tool.grant();
    await tool.read(id);
    await tool.read(id, { interaction: 'read Patient', end: { status: 403, error: 'access_denied' }, opened: false });
    await tool.read(id, { interaction: 'everything Patient', end: null });
    await tool.read(id, { interaction: 'export', end: { status: 202, bytes: 0 } });
    await tool.read(id, { interaction: 'export Observation', end: { status: 200, bytes: 50_000 } });
    await tool.read(id, { interaction: 'export file Observation', end: { status: 200, bytes: 40_000 } });
    await tool.read(await tool.grant({ patient: 'patient-0815' }), { patient: 'patient-0815', requestId: 'not-mine' });
    await tool.run(`end ${whom} ${why} --yes`);

    const { code, told } = await tool.run(`report ${whom} ${both()}`);

    expect(code).toBe(0);
    expect(told).toContain('1 grant and 6 reads');
    const [head, ...lines] = await tableLines();
    const of = (text: string) => lines.filter((line) => line.includes(text));
    expect(head).toBe(
      'time,event,app,app_id,payer_id,patient_id,grant,request,what,outcome,outcome_text,bytes,operator,note',
    );
    const searched = `demo-app,northwind,${member.patient},${id},request-1,searched Observation,complete,200,1234,,`;
    expect(of('searched Observation')).toEqual([expect.stringMatching(new RegExp(`,read,.*,${searched}$`))]);
    expect(of('read Patient')[0]).toMatch(/refused,"403, access_denied",,,$/);
    expect(of('read the whole record')[0]).toMatch(/,open,,,,$/);
    expect(of('grant ended')[0]).toContain(`${operator},Member-asked`);
    expect(of('not-mine')).toEqual([]);
    const text = await pageText();
    const ended = /How it ended<\/dt><dd>(.*?)<\/dd>/.exec(text)?.[1];
    expect(ended).toBe(`Ended by an operator (${operator}): Member-asked`);
    for (const said of [
      `patient ${member.patient}`,
      // What the job read stays in files: 1,234 bytes of a read and 40,000 of a download left.
      '<b>41.2 KB</b>',
      'How one read will end',
      'What apps did with the data that they were sent, and whom they gave it to.',
      'What was in an answer. The gateway keeps which type of data was read, when, how much and with what outcome, and never the data.',
      'What others read at Northwind Health directly, without this gateway',
      'Grants that know no patient. A health plan can be set up without one',
      'What happened in the last minute: events reach the audit some seconds after they happen.',
      'What is older than the audit is kept: 1 days.',
    ])
      expect(text).toContain(said);
    expect(text).not.toMatch(/<script|src=|@import|url\(|<link/);
    const modes = await Promise.all([page(), table()].map(async (name) => (await stat(name)).mode & 0o777));
    expect([modes, (await left())[1]]).toEqual([
      [0o600, 0o600],
      ['report.csv', 'report.html'],
    ]);
  });

  it('runs no formula in a spreadsheet and no markup in a browser, whatever the stage and the audit hold', async () => {
    await tool.close();
    const stage = localStage();
    const name = '=HYPERLINK("http://evil")<img src=x onerror=alert(1)>';
    const partners = stage.partners.map((partner) => Object.assign({}, partner, { name }));
    tool = await membersTool({ ...stage, partners });
    const id = await tool.grant();
    await tool.read(id, { interaction: '+cmd <b>' });

    await tool.run(`report ${whom} ${both()}`);

    expect(await tableText()).toContain(`"'=HYPERLINK(""http://evil"")`);
    expect(await tableText()).toContain("'+cmd");
    expect(await pageText()).not.toMatch(/<img|<b>"?</);
  });

  it('counts only the days that were asked for', async () => {
    const id = await tool.grant({}, { at: now - 3 * 86_400 });
    await tool.read(id, { atMs: startMs - 2 * 86_400_000 });
    await tool.read(id);
    const { told } = await tool.run(`report ${whom} --csv ${table()} --since 2026-06-01`);
    expect(told).toContain('1 grant and 1 read');
  });

  it('has no read of a period in which the audit has nothing, and of no day that is yet to come', async () => {
    await tool.read(await tool.grant());
    const { told } = await tool.run(`report ${whom} ${both()} --since 2020-01-01 --until 2020-01-02`);
    expect(told).toContain('1 grant and 0 reads');
    expect(await pageText()).toContain('No app read the record in this period.');
    for (const days of ['--until 2027-01-01', '--since 2027-01-01 --until 2027-01-02']) {
      await expect(tool.run(`report ${whom} ${both()} ${days}`)).rejects.toThrow('2027-01-01, which is yet to come');
    }
  });

  it('refuses a folder, or a place that cannot be, before it asks or reads anything, and replaces nothing', async () => {
    await tool.grant();
    await mkdir(table());
    await writeFile(page(), 'mine');
    const reads = tool.calls().length;
    await expect(tool.run(`report ${whom} ${both()} --replace`)).rejects.toThrow(
      'report.csv is a folder; write the path of a file. Nothing was written.',
    );
    for (const name of ['report.html/x.csv', 'none/x.csv', 'x'.repeat(300)]) {
      const refused = tool.run(`report ${whom} --csv ${join(tool.folder, name)}`);
      await expect(refused).rejects.toThrow(/ cannot be written \(E[A-Z]+\)\. Nothing was written\.$/);
    }
    await expect(tool.run(`report ${whom} --csv /dev/null --replace`)).rejects.toThrow('/dev/null is no file');
    await expect(tool.run(`report ${whom} --html ${table()}/a --csv ${table()}/./a`)).rejects.toThrow('the same file');
    const actions = tool
      .calls()
      .slice(reads)
      .map(({ action }) => action);
    expect(actions).not.toContain('s3:GetObject');
    expect([await pageText(), ...(await readdir(tool.folder)).sort()]).toEqual(['mine', 'report.csv', 'report.html']);
  });

  it('says with --dry-run that a file is there', async () => {
    await tool.grant();
    await writeFile(table(), 'mine');
    expect((await tool.run(`report ${whom} ${both()} --dry-run`)).told).toContain('report.csv is there already.');
    expect(await tableText()).toBe('mine');
  });

  it('never replaces a file unless it was asked to, and then leaves the old one if it cannot write', async () => {
    await tool.grant();
    await writeFile(table(), 'mine');
    await expect(tool.run(`report ${whom} ${both()}`)).rejects.toThrow('report.csv is there already');
    await expect(tool.run(`report ${whom} ${both()}`, { answers: ['no'] })).rejects.toThrow('Nothing was written');
    expect(await left()).toEqual(['mine', ['report.csv']]);
    expect((await tool.run(`report ${whom} ${both()} --replace`)).code).toBe(0);
    expect(await tableText()).toContain('grant created');
  });

  it('leaves a file that somebody makes while the report is made', async () => {
    await tool.grant();
    const answer = async (): Promise<string> => {
      await writeFile(table(), 'mine');
      return member.patient;
    };
    await expect(tool.run(`report --payer northwind ${both()}`, { answers: [answer] })).rejects.toThrow(
      'report.csv is there already. Nothing was written.',
    );
    expect(await left()).toEqual(['mine', ['report.csv']]);
  });

  it('writes nothing with --dry-run, and nothing for a member that nobody knows', async () => {
    await tool.grant();
    expect((await tool.run(`report ${whom} ${both()} --dry-run`)).told).toContain('Nothing was written');
    await expect(tool.run(`report --payer northwind --patient nobody ${both()}`)).rejects.toThrow('No grant');
    expect(await readdir(tool.folder)).toEqual([]);
  });
});

it('no log line, no name of an object or resource and no call to S3 has the id of the patient', async () => {
  const id = await tool.grant();
  await tool.read(id);
  const told = [
    await tool.run(`find ${whom} --whole-audit`),
    await tool.run(`report ${whom} --html ${page()}`),
    await tool.run(`end ${whom} ${why} --yes`),
  ];

  const names = await tool.objects();
  expect(names.filter((name) => name.startsWith('members/'))).toHaveLength(1);
  const places = [names, tool.auditLines, tool.calls(), told, await readdir(tool.folder)];
  expect(JSON.stringify(places)).not.toContain(member.patient);
});

describe('npm run members, of exchanges between plans', () => {
  const consent = { id: 'consent-1', hash: 'h'.repeat(43) };
  const reference = `Patient/${member.patient}`;
  const mine = { submitted: 'new-plan-7', consent, reference };
  const theirs = { ...consent, id: 'consent-2' };
  const other = { submitted: 'new-plan-8', consent: theirs, reference: 'Patient/patient-0815' };

  const endedInGroup = async () => {
    const { groups } = await listGroups(tool.exchanges, `${member.payer}/demo-app`, { limit: 10, now });
    return groups[0]?.ended;
  };

  const exchanged = async (): Promise<void> => {
    await tool.exchange('match', [
      { ...mine, outcome: 'match' },
      { ...other, outcome: 'match' },
    ]);
    await tool.exchange('group', [
      { ...mine, outcome: 'exported', resources: 7 },
      { ...other, outcome: 'exported', resources: 9 },
    ]);
    const file = { exchange: 'group-exchange', interaction: 'export file Observation' };
    await tool.read('not-a-grant', { ...file, requestId: 'download', end: { status: 200, bytes: 40_000 } });
  };

  it('find and report say who asked for the member, under which consent, what came, and who downloaded it', async () => {
    await exchanged();
    const found = await tool.run(`find ${whom}`);
    const { code, told } = await tool.run(`report ${whom} ${both()}`);

    expect([found.code, code]).toEqual([0, 0]);
    expect(found.out).toContain('2 exchanges between plans with this member');
    expect(told).toContain('0 grants and 0 reads, and 2 exchanges');
    const rows = (await tableLines()).slice(1, -1).map((line) => line.replaceAll('"', ''));
    expect(rows).toEqual(
      [
        /,exchange file,.*,group-exchange,download,downloaded a file Observation,complete,200,40000,,$/,
        /,exchange,.*,match-exchange,,asked for a match: the health plan knows the member,completed,/,
        /,exchange,.*,group-exchange,,asked for the record: 7 resources about the member,completed,/,
      ].map((row) => expect.stringMatching(row) as string),
    );
    const submitted = `submitted as new-plan-7; consent consent-1 (SHA-256 ${consent.hash})`;
    expect(rows.map((row) => row.includes(submitted))).toEqual([false, true, true]);
    for (const said of [
      'Other health plans asked for it in 2 exchanges, and downloaded files 1 time.',
      '<b>0</b><span>reads and downloads by apps</span>',
      '<b>1</b><span>downloads by other health plans</span>',
      'An operator can end\nthe member in every such Group',
      'its files were downloaded 1 time',
    ])
      expect(await pageText()).toContain(said);
    // Nothing of the other member.
    expect(`${rows.join()} ${await pageText()} ${found.out}`).not.toMatch(/new-plan-8|patient-0815|consent-2/);
  });

  it('end ends the member in every Group, after the audit says so, and no other member; a second time nothing is left', async () => {
    await exchanged();
    const out = expect.stringContaining('Group group-1  member ended') as string;
    expect(await tool.run(`end ${whom} ${why} --yes`)).toMatchObject({ code: 0, out });
    expect(await endedInGroup()).toEqual([createHash('sha256').update(member.patient).digest('base64url')]);

    const again = tool.run(`end ${whom} ${why} --yes`);
    await expect(again).rejects.toThrow('no Group has the member, so there is nothing to end');
    await tool.run(`report ${whom} ${both()}`);
    expect(await tableText()).toContain(`by an operator (${operator}): Member-asked`);
  });

  it.each(['=a:b', '_a@b', 'a+b,c', '~a._-'])('end and report know a member by any id of a Group: %s', async (id) => {
    await tool.exchange('match', [{ ...mine, reference: `Patient/${id}`, outcome: 'match' }]);
    const typed = `--payer ${member.payer} --patient ${id}`;
    expect((await tool.run(`end ${typed} ${why} --yes`)).out).toContain('Group group-1  member ended');
    expect((await tool.run(`report ${typed} ${both()}`)).told).toContain('1 exchange');
  });

  it('end ends the member in a Group that is not usable yet, which leaves the member out once it is there', async () => {
    await tool.exchange('match', [{ ...mine, outcome: 'match' }], { isReady: false });
    const ended = await tool.run(`end ${whom} ${why} --yes`);
    expect(ended.out).toContain('Group group-1 of');
    expect(ended.out).toContain('which is not usable yet');
    expect(await endedInGroup()).toBeUndefined();
    await expect(tool.run(`end ${whom} ${why} --yes`)).rejects.toThrow('no Group has the member');

    await tool.exchange('match', [{ ...mine, outcome: 'match' }]);
    expect(await endedInGroup()).toEqual([createHash('sha256').update(member.patient).digest('base64url')]);
  });

  it('end ends the member once in a Group whose id a later match has again, under the match that made the usable one', async () => {
    for (const exportId of ['first', 'second'])
      await tool.exchange('match', [{ ...mine, outcome: 'match' }], { exportId });
    await tool.exchange('match', [{ ...mine, outcome: 'match' }], { exportId: 'third', isReady: false });
    const { out } = await tool.run(`end ${whom} ${why} --yes`);

    expect(out.split('\n').filter((line) => line.startsWith('Group '))).toEqual([
      expect.stringContaining('which can export the member until'),
      'Group group-1  member ended',
    ]);
    await tool.run(`report ${whom} ${both()}`);
    const ended = (await tableLines()).filter((line) => line.includes('by an operator'));
    expect(ended).toEqual([expect.stringContaining('second')]);
  });

  it('end knows no Group that a later match of others has replaced, unless an export that began before may still run', async () => {
    await tool.exchange('match', [{ ...mine, outcome: 'match' }], { exportId: 'first' });
    await tool.exchange('match', [{ ...other, outcome: 'match' }], { exportId: 'second', startedAfter: 60 });
    await expect(tool.run(`end ${whom} ${why} --yes`)).rejects.toThrow('no Group has the member');

    await tool.exchange('group', [{ ...mine, outcome: 'asked' }], { hasEnded: false });
    const { out } = await tool.run(`end ${whom} ${why} --yes`);
    expect(out.split('\n').filter((line) => line.startsWith('Group '))).toEqual([
      expect.stringContaining("which is a later match's now, while an export of the member from it may still run"),
      'Group group-1  member ended',
    ]);
    expect(await endedInGroup()).toEqual([createHash('sha256').update(member.patient).digest('base64url')]);
  });

  it.each([
    ['match', 'match', 'notDelivered', 'the health plan knows the member'],
    ['match', 'match', 'nomatch', 'the health plan knows the member'],
    ['match', 'notDelivered', 'nomatch', 'the health plan found nobody'],
    ['group', 'exported', 'notDelivered', '3 resources'],
    ['group', 'exported', 'exported', '3 resources'],
    ['group', 'exported', 'match', '3 resources'],
  ] as const)('find tells of a %s whose ends are %s and then %s by which the new plan has most', async (...ends) => {
    const [kind, outcome, laterEnd, told] = ends;
    await tool.exchange(kind, [{ ...mine, outcome, ...(outcome === 'exported' && { resources: 3 }) }], { laterEnd });
    expect((await tool.run(`find ${whom}`)).out).toContain(told);
  });

  it('end changes no Group if the audit cannot be written, and says so', async () => {
    await exchanged();
    await tool.audited();
    tool.answer('PutItem', denied, 1);
    const out = expect.stringContaining('Group group-1  NOT ENDED') as string;
    expect(await tool.run(`end ${whom} ${why} --yes`)).toMatchObject({ code: 3, out });
    expect(await endedInGroup()).toEqual([]);
  });
});
