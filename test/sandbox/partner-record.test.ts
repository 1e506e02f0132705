import { words } from '../support/words.ts';
import { browser } from './partner-browser.ts';
import { startAtFakeGateway, type AppAtFakeGateway } from './partner-start.ts';

let app: AppAtFakeGateway;

beforeEach(async () => {
  app = await startAtFakeGateway();
});
afterEach(() => app.close());

const connect = () => app.visit(`${app.url}/connect/plan`);
const open = (path: string) => app.visit(`${app.url}/record/plan${path}`);
const tokenCalls = (grantType: string) =>
  app.gateway.seen.filter(({ path, form }) => path === '/oauth2/token' && form.get('grant_type') === grantType).length;

describe('the pages of a record', () => {
  it.each(['', '/timeline', '/results', '/health', '/care', '/claims', '/documents', '/list?type=Observation'])(
    'are there at %s, with one heading, the way to the others, and nothing of the payer unescaped',
    async (path) => {
      app.gateway.more = words(`
        {"resourceType":"Condition","id":"<c>","code":{"text":"<i>Asthma</i>"},"onsetDateTime":"2015"}
        {"resourceType":"CareTeam","id":"t","name":"<i>Team</i>","participant":[{"member":{"display":"<i>A</i>"}}]}
        {"resourceType":"ExplanationOfBenefit","id":"e","type":{"text":"<i>Oral</i>"},"provider":{"display":"<i>B</i>"}}
        {"resourceType":"DocumentReference","id":"d","type":{"text":"<i>Note</i>"},"content":[{"attachment":{"url":"Binary/b1"}}]}
        {"resourceType":"Observation","id":"o9","code":{"text":"<i>Pulse</i>"},"effectiveDateTime":"2016-01-01","valueQuantity":{"value":7,"unit":"<i>"}}
        {"resourceType":"Observation","id":"o8","code":{"text":"<i>Pulse</i>"},"effectiveDateTime":"2017-01-01","valueQuantity":{"value":8,"unit":"<i>"}}
      `);
      await connect();
      const { status, text } = await open(path);

      expect(status).toBe(200);
      expect(text.match(/<h1/g)).toHaveLength(1);
      expect(text).toMatch(/aria-label="Your record"[\s\S]*href="\/record\/plan\/claims"/);
      expect(text).not.toMatch(/<i>|<c>/);
    },
  );

  it.each(['/results', '/results?of=Body%20weight%20o1'])(
    'draw charts at %s with scripts of this server alone',
    async (path) => {
      await connect();
      const { headers } = await open(path);
      const policy = headers.get('content-security-policy') ?? '';

      expect(policy).toContain("script-src 'self'");
      expect(policy).not.toMatch(/connect-src|unsafe/);
      for (const file of ['/uplot.js', '/uplot.css', '/charts.js'])
        expect((await fetch(app.url + file)).status).toBe(200);
    },
  );

  it.each(['/nowhere', '/entry?type=Observation&id=none', '/attachment?type=Observation&id=o1', '/timeline/2'])(
    'answer 404 at %s',
    async (path) => {
      await connect();
      expect((await open(path)).status).toBe(404);
    },
  );

  it.each(['page=-1', 'page=0', 'page=x', 'page=99999999999', 'show=__proto__', 'show=<b>'])(
    'show the beginning if the list is asked for with %s',
    async (query) => {
      await connect();
      const { status, text } = await open(`/timeline?${query}`);

      expect(status).toBe(200);
      expect(text).toContain('Body weight o2');
    },
  );

  it('show an entry as the payer wrote it', async () => {
    await connect();
    expect((await open('/entry?type=Observation&id=o1')).text).toContain('&quot;value&quot;: 71.00');
  });

  it('give the whole of what is here as a file, a resource a line', async () => {
    await connect();
    const { text, headers } = await open('/download');
    const lines = text.trimEnd().split('\n');

    expect(headers.get('content-disposition')).toBe('attachment; filename="plan.ndjson"');
    expect(lines.map((line) => (JSON.parse(line) as { id: string }).id).sort()).toEqual(['i1', 'o1', 'o2', 'p1']);
    expect(text).toContain('"value":71.00');
  });
});

describe('a document', () => {
  const note = (attachment: object) =>
    JSON.stringify({ resourceType: 'DocumentReference', id: 'd1', content: [{ attachment }] });

  it('is sent as a download under a harmless name, whatever the payer calls it', async () => {
    app.gateway.more = [note({ contentType: 'text/html', url: 'Binary/b1', title: '"../../<b>note' })];
    await connect();
    const { text, headers } = await open('/attachment?type=DocumentReference&id=d1&n=0');

    expect(text).toBe('<script>alert(1)</script>');
    expect(headers.get('content-type')).toBe('application/octet-stream');
    expect(headers.get('content-disposition')).toBe('attachment; filename="b-note.html"');
  });

  it('may be in the record itself', async () => {
    app.gateway.more = [note({ contentType: 'text/plain', data: Buffer.from('Well.').toString('base64') })];
    await connect();
    expect((await open('/attachment?type=DocumentReference&id=d1')).text).toBe('Well.');
  });

  it('a document on another server is not fetched: the token stays here', async () => {
    app.gateway.more = [note({ contentType: 'text/plain', url: `${app.gateway.origin}.example/r4/plan/Binary/b1` })];
    await connect();
    expect((await open('/attachment?type=DocumentReference&id=d1')).text).toContain('on another server');
  });
});

describe('a read that the gateway refuses', () => {
  it.each([
    ['401 is made again with renewed tokens, once', { fhirStatus: 401, fhirFailures: 1 }, 'Venegas795', 1, 2],
    [
      '401 again ends the connection, after one renewal',
      { fhirStatus: 401 },
      'Your connection to Old &amp; Gold has ended',
      1,
      2,
    ],
    ['429 waits as long as it asks', { fhirStatus: 429, fhirRetryAfter: '0', fhirFailures: 3 }, 'Venegas795', 0, 4],
    ['429 four times is given up', { fhirStatus: 429, fhirRetryAfter: '0' }, 'Too many requests right now', 0, 4],
    [
      'a long wait is not made again while a member waits',
      { fhirStatus: 503, fhirRetryAfter: '600' },
      'can’t be reached right now',
      0,
      1,
    ],
  ])('a read that the gateway refuses with %s', async (_, refusals, said, renewals, reads) => {
    Object.assign(app.gateway, refusals);

    expect((await connect()).text).toContain(said);
    expect(tokenCalls('refresh_token')).toBe(renewals);
    const asked = app.gateway.seen.filter(({ path }) => path === '/r4/plan/Patient/p1');
    expect(asked).toHaveLength(reads);
  });
});

describe('an app that has lost its state', () => {
  it('says so at every page of a record, and leads to a new sign-in', async () => {
    await connect();
    for (const path of ['', '/timeline', '/download', '/disconnect', '/attachment?id=1']) {
      const { status, text } = await browser()(`${app.url}/record/plan${path}`);
      expect(status).toBe(403);
      expect(text).toContain('This browser is not connected to Old &amp; Gold');
      expect(text).toContain('href="/connect/plan"');
    }
  });

  it('says so to a form of before, and leads to the start', async () => {
    const { status, text } = await browser()(`${app.url}/record/plan/disconnect`, { form_token: 'of before' });

    expect(status).toBe(403);
    expect(text).toContain('This app no longer knows the page that you came from');
    expect(text).toContain('href="/">Back to the start');
  });
});
