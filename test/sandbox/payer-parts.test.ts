import type { IncomingMessage, ServerResponse } from 'node:http';
import { createAdapter } from '../../sandbox/payer/adapter.ts';
import { generateRecords } from '../../sandbox/payer/data/generate.ts';
import { smartConfiguration } from '../../sandbox/payer/discovery.ts';
import { readForm, seeOther } from '../../sandbox/payer/http.ts';
import { createMailbox } from '../../sandbox/payer/mailbox.ts';
import { isEmail, matchMember } from '../../sandbox/payer/members.ts';
import { adminPage } from '../../sandbox/payer/pages/admin.ts';
import { inboxPage } from '../../sandbox/payer/pages/inbox.ts';
import { presets } from '../../sandbox/payer/presets.ts';
import { readCode } from '../../sandbox/payer/walk.ts';
import { words } from '../support/words.ts';

describe('a payer finds the member of an account form', () => {
  const records = generateRecords();
  const right = {
    first_name: 'Mayte822',
    last_name: 'Venegas795',
    birthdate: '01/04/2011',
    member_id: '01-testmemid',
    postal_code: '02116',
    email: 'mayte@example.com',
  };

  it('a payer finds the member of an account form by every field together', () => {
    expect(matchMember(records, right)).toEqual({ record: records[0] });
  });

  it.each([
    ['first_name', 'Maria', undefined],
    ['last_name', 'Venegas', undefined],
    ['birthdate', '01/05/2011', undefined],
    ['postal_code', '02117', undefined],
    ['member_id', '02-testmemid', 'member_id'],
    ['birthdate', '02/30/2011', 'birthdate'],
    ['birthdate', '13/01/2011', 'birthdate'],
    ['email', 'nobody', 'email'],
  ] as const)('a payer finds the member of an account form but not with %s %s', (field, value, about) => {
    const found = matchMember(records, { ...right, [field]: value });
    expect(found).not.toHaveProperty('record');
    expect('problems' in found && found.problems.map((problem) => problem.field)).toEqual([about]);
  });

  it('a payer finds the member of an account form and refuses an address that cannot receive mail', () => {
    const long = `${'a'.repeat(242)}@example.com`;
    expect([long.length, isEmail(long), isEmail(`a${long}`)]).toEqual([254, true, false]);
    expect(['a@b', 'a b@example.com', '@example.com', 'a@example..com', 'a@@example.com'].filter(isEmail)).toEqual([]);
  });
});

describe('the mailbox', () => {
  const message = (count: number) => ({
    to: 'a@example.com',
    sentAt: new Date(0),
    reference: `R${count}`,
    code: '000000',
    verifyPath: '/',
  });

  it('shows the newest hundred messages, newest first', () => {
    const mailbox = createMailbox();
    for (let count = 1; count <= 105; count += 1) mailbox.send(message(count));
    const references = mailbox.messages().map(({ reference }) => reference);
    expect(references).toEqual(Array.from({ length: 100 }, (_none, index) => `R${105 - index}`));
  });

  it('says on its page how many messages there are, or that there is none', () => {
    const pages = [0, 1, 2].map((count) =>
      inboxPage(
        'Northwind',
        Array.from({ length: count }, (_none, index) => message(index)),
      ),
    );

    expect(pages.map(({ title }) => title)).toEqual(['Inbox, empty', 'Inbox (1)', 'Inbox (2)']);
    expect(pages.map(({ body }) => body.markup.includes('No messages yet.'))).toEqual([true, false, false]);
    expect(pages.map(({ body }) => body.markup.split('<article').length - 1)).toEqual([0, 1, 2]);
  });

  it('is searched by the reference of one’s own sign-in', async () => {
    const html = ['AAAA', 'BBBB']
      .map((name, index) => `<article data-reference="${name}"><p data-code="00000${index}"></p></article>`)
      .join('');
    const inbox = { page: { url: 'http://payer/inbox', status: 200, html: `<title>Inbox</title>${html}` } };
    const walker = { open: async () => inbox, follow: async () => inbox, submit: async () => inbox };
    const verify = (name: string) => ({ url: '', status: 200, html: `<p data-reference="${name}"></p>` });
    expect(await readCode(walker, verify('BBBB'))).toBe('000001');
    expect(await readCode(walker, verify('AAAA'))).toBe('000000');
    await expect(readCode(walker, verify('CCCC'))).rejects.toThrow('no message with the reference CCCC');
  });
});

describe('the page of a payer’s switches', () => {
  it.each([
    [[], [], { title: 'Switches', status: 200 }, 'All switches are off.'],
    [['slow', '429'], [], { title: 'Switches: 2 on', status: 200 }, 'Switched on: slow, 429.'],
    [[], ['fast'], { title: 'Switches', status: 400 }, 'There is no switch fast. There are slow, '],
    [[], ['fast', 'odd'], { title: 'Switches', status: 400 }, 'There is no switch fast, odd. There are slow, '],
  ])('says what is on, %j, and what is no switch, %j', (on, unknown, head, says) => {
    const { body, ...page } = adminPage('Northwind', on, unknown);

    expect(page).toEqual(head);
    expect(body.markup).toContain(says);
    expect(body.markup.includes('role="alert"')).toBe(unknown.length > 0);
    expect(body.markup.split(' checked').length - 1).toBe(on.length);
  });
});

describe('what a payer stores', () => {
  const client = { client_id: 'gateway' };
  let nowMs = 0;
  const adapter = createAdapter([client], () => nowMs);

  beforeEach(() => {
    nowMs = 1_000_000;
  });

  it('is consumed once', async () => {
    const codes = adapter('AuthorizationCode');
    await codes.upsert('c', { grantId: 'g' }, 60);
    await codes.consume('c');
    await expect(codes.consume('c')).rejects.toThrow('invalid_grant');
    await expect(codes.consume('unknown')).rejects.toThrow('invalid_grant');
  });

  it('exists until it expires, to the millisecond, and not after', async () => {
    const tokens = adapter('AccessToken');
    await tokens.upsert('t', { grantId: 'g', uid: 'u' }, 60);
    nowMs += 59_999;
    expect(await tokens.find('t')).toMatchObject({ grantId: 'g' });
    expect(await tokens.findByUid('u')).toMatchObject({ grantId: 'g' });
    nowMs += 1;
    expect(await tokens.find('t')).toBeUndefined();
    expect(await tokens.findByUid('u')).toBeUndefined();
  });

  it('is deleted with its grant, while other grants stay', async () => {
    const tokens = adapter('RefreshToken');
    await tokens.upsert('mine', { grantId: 'g' }, 60);
    await tokens.upsert('other', { grantId: 'h' }, 60);
    await tokens.revokeByGrantId('g');
    expect([await tokens.find('mine'), await tokens.find('other')]).toEqual([undefined, { grantId: 'h' }]);
  });
});

describe('a form', () => {
  const request = (type: string | undefined, ...chunks: string[]) =>
    Object.assign(
      (async function* body() {
        for (const chunk of chunks) yield Buffer.from(chunk);
      })(),
      { headers: type === undefined ? {} : { 'content-type': type } },
    ) as unknown as IncomingMessage;
  const ofType = 'application/x-www-form-urlencoded';

  it('is read in whatever pieces it arrives, and with a charset', async () => {
    expect(String(await readForm(request(`${ofType}; charset=utf-8`, 'a=1&', 'b=%C3%', 'A9')))).toBe('a=1&b=%C3%A9');
  });

  it('is not read if it has another type, or is over 64 KB', async () => {
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x']) {
      expect(await readForm(request(type, 'a=1'))).toBeUndefined();
    }
    expect((await readForm(request(ofType, 'a='.padEnd(64 * 1024, 'x'))))?.get('a')).toHaveLength(64 * 1024 - 2);
    expect(await readForm(request(ofType, 'a='.padEnd(64 * 1024, 'x'), 'x'))).toBeUndefined();
  });

  it('is answered with a redirect that is not cached and sends no Referer', () => {
    const sent: unknown[] = [];
    const response = { writeHead: (...head: unknown[]) => (sent.push(...head), { end: () => {} }) };
    seeOther(response as unknown as ServerResponse, '/next');
    expect(sent).toEqual([303, { location: '/next', 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }]);
  });
});

describe('the presets', () => {
  it('have code lifetimes of five minutes and one, and access tokens of an hour and five minutes', () => {
    const lives = Object.values(presets).map(({ codeSeconds, accessTokenSeconds }) => [
      codeSeconds,
      accessTokenSeconds,
    ]);
    expect(lives).toEqual([
      [300, 3600],
      [60, 300],
    ]);
  });

  it('the presets for SMART publish what SMART App Launch requires, and not the plain challenge method', () => {
    const said = smartConfiguration(presets.smart, 'http://payer', { client: { jwks: [] } });
    expect(said).toMatchObject({
      authorization_endpoint: 'http://payer/oauth2/authorize',
      token_endpoint: 'http://payer/oauth2/token',
      revocation_endpoint: 'http://payer/oauth2/revoke',
      code_challenge_methods_supported: ['S256'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
    });
    expect(said['capabilities']).toEqual(
      expect.arrayContaining(words('launch-standalone context-standalone-patient permission-offline permission-v2')),
    );
  });
});
