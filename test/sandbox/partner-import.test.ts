import { setImmediate } from 'node:timers/promises';
import { browser } from './partner-browser.ts';
import { startAtFakeGateway, type AppAtFakeGateway } from './partner-start.ts';

let app: AppAtFakeGateway;
let form_token: string;

beforeEach(async () => {
  app = await startAtFakeGateway();
  const { text } = await app.visit(`${app.url}/connect/plan`);
  form_token = /name="form_token" value="([^"]+)"/.exec(text)?.[1] ?? '';
});
afterEach(() => app.close());

const begin = () => app.visit(`${app.url}/export/plan/begin`, { form_token });
const look = () => app.visit(`${app.url}/export/plan`);
/** Looks until the page says so. */
const lookFor = async (words: string): Promise<string> => {
  for (;;) {
    const { text } = await look();
    if (text.includes(words)) return text;
    await setImmediate();
  }
};
const looks = () =>
  app.gateway.exports.seen.filter(({ method, path }) => method === 'GET' && /export-\d+$/.test(path)).length;

describe('the import of a whole record', () => {
  it('shows how far it is, and looks again by itself, also in a browser without scripts', async () => {
    app.gateway.exports.retryAfter = '3';
    const { text, url } = await begin();

    expect(url).toBe(`${app.url}/export/plan`);
    expect(text).toContain('1,240 entries so far');
    expect(text).toContain('<progress aria-labelledby="progress" value="12" max="21">');
    expect(text).toContain('12 of 21 kinds are done.');
    expect(text).toContain('<noscript><meta http-equiv="refresh" content="3" /></noscript>');
    expect(text).toContain('data-reload="3"');
    expect(text.match(/<script[^>]*>/g)).toEqual(['<script defer src="/reload.js">']);
  });

  it('shows how many entries are there, where the gateway says how many there are', async () => {
    app.gateway.exports.progress = '1,240 of 3,000 resources';
    const { text } = await begin();

    expect(text).toContain('<progress aria-labelledby="progress" value="1240" max="3000">');
    expect(text).toContain('1,240 of 3,000 entries are done.');
  });

  it('asks the gateway no sooner than Retry-After, however often the page is loaded', async () => {
    app.gateway.exports.retryAfter = '60';
    await begin();
    await look();
    await look();

    expect(looks()).toBe(1);
  });

  it('shows what came, and survives a reload', async () => {
    app.gateway.exports.looksUntilDone = 0;
    await begin();
    const text = await lookFor('Your whole record is here');

    expect(text).toContain('Nothing is known to be missing.');
    expect(text).toMatch(/data-field="total">3</);
    expect(text).toContain('December 4, 2026 at 8:00 AM UTC');
    expect(text).not.toMatch(/http-equiv="refresh"|data-reload/);
    expect(looks()).toBe(1);
  });

  it('says what is missing, and why', async () => {
    app.gateway.exports.looksUntilDone = 0;
    app.gateway.exports.files['errors-1.ndjson'] = ['{"resourceType":"OperationOutcome"}'];
    app.gateway.exports.outcomes = [
      { type: 'Patient', outcome: 'complete', count: 1 },
      { type: 'Observation', outcome: 'incomplete', count: 2, reason: 'Page 3 could not be <read>.' },
      { type: 'Claim', outcome: 'refusedByPayer', count: 0 },
      { type: 'Goal', outcome: 'refusedByScope', count: 0 },
      { type: 'Device', outcome: 'notRead', count: 0 },
      { type: 'Specimen', outcome: 'notRead', count: 0 },
    ];
    const { text } = await begin();

    expect(text).toContain('Your record is here, except for some parts');
    expect([...text.matchAll(/data-missing="([^"]+)"/g)].map(([, type]) => type)).toEqual([
      'Observation',
      'Claim',
      'Goal',
      'Device Specimen',
    ]);
    expect(text).toContain('Page 3 could not be &lt;read&gt;.');
    expect(text).toContain('Old &amp; Gold does not give it out.');
    expect(text).toContain('You did not share it.');
    expect(text).toContain('Some of it could not be read.');
    expect(text).toContain('href="/export/plan/errors-1.ndjson"');
  });

  it('passes a file on unchanged, as a download, with the token', async () => {
    app.gateway.exports.looksUntilDone = 0;
    await begin();
    const { text, headers } = await app.visit(`${app.url}/export/plan/Observation-1.ndjson`);

    expect(text).toBe(`${app.gateway.exports.files['Observation-1.ndjson']?.join('\n')}\n`);
    expect(headers.get('content-disposition')).toBe('attachment; filename="Observation-1.ndjson"');
    expect(app.gateway.exports.seen.at(-1)?.authorization).toMatch(/^Bearer p2pa_/);
  });

  it('offers no file that the manifest has not', async () => {
    app.gateway.exports.looksUntilDone = 0;
    await begin();
    const { url } = await app.visit(`${app.url}/export/plan/Claim-1.ndjson`);

    expect(url).toBe(`${app.url}/export/plan`);
  });

  it('keeps the attachments when its files are deleted', async () => {
    const url = `${app.gateway.origin}/exports/plan/export-1/attachment-1`;
    const note = { resourceType: 'DocumentReference', id: 'd', content: [{ attachment: { title: 'Note', url } }] };
    app.gateway.exports.running = 'export-1';
    app.gateway.exports.looksUntilDone = 0;
    app.gateway.exports.files['DocumentReference-1.ndjson'] = [JSON.stringify(note)];
    app.gateway.exports.files['attachment-1'] = ['Well.'];
    await begin();
    await app.visit(`${app.url}/export/plan/delete`, { form_token });
    const { text } = await app.visit(`${app.url}/record/plan/attachment?type=DocumentReference&id=d`);

    expect(text).toBe('Well.');
  });

  it('is deleted at the gateway, and the page leads back to the record', async () => {
    await begin();
    const { url } = await app.visit(`${app.url}/export/plan/delete`, { form_token });

    expect(url).toBe(`${app.url}/record/plan`);
    expect(app.gateway.exports.seen.map(({ method }) => method)).toContain('DELETE');
    expect((await look()).url).toBe(`${app.url}/record/plan`);
  });

  it('is linked from the record, which does not offer another one', async () => {
    await begin();
    const { text } = await app.visit(`${app.url}/record/plan`);

    expect(text).toContain('href="/export/plan">See the import of the whole record');
    expect(text).not.toContain('Import the whole record');
  });

  it('needs a form of this session', async () => {
    const { status } = await app.visit(`${app.url}/export/plan/begin`, { form_token: 'guess' });

    expect(status).toBe(403);
    expect(app.gateway.exports.seen).toEqual([]);
  });

  it('is shown to no other browser', async () => {
    await begin();

    const { status, text } = await browser()(`${app.url}/export/plan`);
    expect(status).toBe(403);
    expect(text).not.toContain('1,240');
  });

  it('says so if the gateway has no such export any more, and then leads back to the record', async () => {
    await begin();
    app.gateway.exports.running = undefined;
    await lookFor('There is no such export.');

    expect((await look()).url).toBe(`${app.url}/record/plan`);
  });

  it.each([
    [401, 'Your connection to Old &amp; Gold has ended'],
    [403, 'Your connection to Old &amp; Gold has ended'],
    [503, 'can’t be reached right now'],
    [400, 'Something went wrong'],
  ])('the import of a whole record that is refused with %i says so in words', async (status, words) => {
    app.gateway.exports.refusal = status;

    expect((await begin()).text).toContain(words);
  });
});
