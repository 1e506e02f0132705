import { runTool } from '../bin/run-tool.ts';
import { locationOfExport, pollToEnd } from '../conformance/exports-client.ts';
import { eventually } from '../support/eventually.ts';
import { connect, type RunningStack } from './support.ts';

/** How long an event may take, in milliseconds: for one that never comes. */
const longMs = 120_000;

/** Events of a grant and of its export, from a stack whose partner app has none yet. */
export const events = (running: () => RunningStack): void => {
  /** The events that the partner app shows, the newest first. */
  const shown = async (): Promise<string[]> => {
    const page = await (await fetch(`${running().urls.partner}/events`)).text();
    return [...page.matchAll(/data-event="([\w.]+)"/g)].map(([, type = '']) => type);
  };

  const partnersTool = (...args: string[]) =>
    runTool('partners.ts', [...args, '--stage', 'local'], { AWS_ENDPOINT_URL: running().awsEndpoint });

  it('reach the demo partner app, signed: a grant, its export, and the end of both with the files', async () => {
    const { access_token: token, refresh_token: refresh, ...rest } = await connect(running(), 'northwind');
    const grant = (rest as { grant_id?: string }).grant_id ?? '';
    const headers = { authorization: `Bearer ${token}`, prefer: 'respond-async' };
    const kickOff = await fetch(`${running().origin}/r4/northwind/Patient/$export`, { headers });
    expect(kickOff.status).toBe(202);
    expect((await pollToEnd(locationOfExport(kickOff), token)).status).toBe(200);
    await eventually(async () => (await shown()).length >= 2, longMs);
    expect(await shown()).toEqual(['export.completed', 'grant.created']);

    const ofExport = new RegExp(`/${grant}[\\w-]{22}/`);
    const files = () => [...running().storedObjects()].filter(([name]) => ofExport.test(name));
    expect(files().length).toBeGreaterThan(2);
    const basic = Buffer.from('demo-partner:demo-partner-secret').toString('base64');
    await fetch(`${running().origin}/oauth2/revoke`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({ token: refresh ?? '' }),
    });
    await eventually(async () => (await shown()).length >= 3 && files().length === 0, longMs);
    expect(await shown()).toEqual(['grant.ended', 'export.completed', 'grant.created']);
    expect(files()).toEqual([]);
  });

  it('are tested and sent again with npm run partners', async () => {
    const tested = await partnersTool('webhook', 'demo-partner', '--test');
    expect(tested).toMatchObject({ code: 0, err: '' });
    expect((await shown())[0]).toBe('webhook.test');
    const replayed = await partnersTool('replay', 'demo-partner', '--since', '1d', '--dry-run');
    expect(replayed).toMatchObject({ code: 0, out: '', err: expect.stringContaining('Would send 0 events') as string });
  });

  it('leave neither URL, secret nor signature in any log line', () => {
    const lines = running().functionLines.join('\n');
    expect(lines).toContain('"function":"deliver"');
    expect(lines).not.toMatch(/whsec_|v1,|\/webhooks/);
  });
};
