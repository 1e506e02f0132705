import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { S3Client } from '@aws-sdk/client-s3';
import { exchangeFactsOf } from '../../bin/audit/exchange-facts.ts';
import { findEventsOfExchanges } from '../../bin/audit/find-events.ts';
import { findExchanges } from '../../bin/members/find-exchanges.ts';
import { createValidator } from '../profiles/validate.ts';
import type { RunningStack } from './support.ts';

const run = promisify(execFile);
const docs = join(import.meta.dirname, '../../docs');

/** The shell blocks of the page's walk, in their order. */
const walkOf = (page: string): string[] => {
  const [section = ''] = /^## The walk$[^]*?(?=^## )/m.exec(page) ?? [];
  return [...section.matchAll(/^```sh\n([^`]*)^```/gm)].map(([, command = '']) => command);
};

/** The page's commands, with a running stack. */
export const payerExchange = (running: () => RunningStack): void => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'payer-exchange-'));
    await symlink(docs, join(folder, 'docs'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is walked by the commands on its page, from a token to the files and the next quarter', async () => {
    const page = await readFile(join(docs, 'payer-exchange.md'), 'utf8');
    const [
      token = '',
      match = '',
      look = '',
      groups = '',
      ask = '',
      download = '',
      remove = '',
      quarter = '',
      ...more
    ] = walkOf(page);
    const known: string[] = [];
    const shell = async (command: string): Promise<string> =>
      (await run('sh', ['-ec', [...known, command].join('\n')], { cwd: folder })).stdout;
    /** Keeps what a command has put into a variable. */
    const keep = async (command: string, name: string): Promise<void> => {
      const value = (await shell(`${command}\nprintf %s "$${name}"`)).trim();
      known.push(`${name}='${value}'`);
    };
    /** Asks for the status of what was asked for, until it is done. @returns its URL */
    const wait = async (asked: string): Promise<string> => {
      expect(asked).toMatch(/^HTTP\/1\.1 202 /);
      const url = /^content-location: (\S+)/im.exec(asked)?.[1] ?? '';
      for (;;) {
        const looked = await shell(look.replace('{match_url}', url));
        if (looked.startsWith('HTTP/1.1 200 ')) return url;
        expect(looked).toMatch(/^HTTP\/1\.1 202 /);
        await sleep(1000 * Number(/^retry-after: (\d+)/im.exec(looked)?.[1]));
      }
    };

    known.push(`base=${running().origin}/r4/demo-health-plan`);
    await keep(token.replace(/^base=.*\n/m, ''), 'token');
    known.push(`match_url='${await wait(await shell(match))}'`);
    await keep(groups, 'group');
    const exported = await wait(await shell(ask));
    await shell(download.replace('{export_url}', exported));
    known.push(`export_url='${exported}'`);

    const { output, extension } = JSON.parse(await readFile(join(folder, 'record', 'manifest.json'), 'utf8')) as {
      output: readonly { type: string; url: string; count: number }[];
      extension: { complete: boolean };
    };
    expect(extension.complete).toBe(true);
    const files = await readdir(join(folder, 'record'));
    for (const { url, count } of output) {
      const name = url.slice(url.lastIndexOf('/') + 1);
      expect(files).toContain(name);
      const lines = (await readFile(join(folder, 'record', name), 'utf8')).trim().split('\n');
      expect([name, lines.length]).toEqual([name, count]);
    }
    expect(output.filter(({ type }) => type === 'Patient').map(({ count }) => count)).toEqual([2]);
    await shell(remove);
    const next = await shell(quarter);
    expect(next).toMatch(/^HTTP\/1\.1 202 /m);
    await wait(next.slice(next.indexOf('HTTP/1.1')));
    expect(more).toEqual([]);
  });

  it('is in the audit: of each member who asked, under which consent, what came, and who downloaded it', async () => {
    const { awsEndpoint: endpoint, buckets, streamsIdle } = running();
    await streamsIdle();
    const credentials = { accessKeyId: 'test', secretAccessKey: 'local' };
    const client = new S3Client({ endpoint, region: 'us-east-1', credentials });
    const bucket = { client, name: buckets['bucket'] ?? '' };
    const today = new Date().toISOString().slice(0, 10);
    const events = await findEventsOfExchanges(
      bucket,
      { payer: 'demo-health-plan', since: '', until: today },
      () => {},
    );
    const facts = events.map(exchangeFactsOf).filter((one) => one !== undefined);
    const [patient = ''] = facts.flatMap(({ members }) => members.flatMap((one) => one.patient ?? []));
    const found = await findExchanges(bucket, { payer: 'demo-health-plan', patient }, { until: today });
    client.destroy();

    const validate = createValidator();
    expect(events.flatMap((event) => validate({ ...event }))).toEqual([]);
    // Consent.id as match.json has it, and the SHA-256 of the Consent, which has 43 characters in base64url.
    const consent = expect.stringMatching(/^consent-member-[12]$/) as string;
    const consentHash = expect.stringMatching(/^[\w-]{43}$/) as string;
    expect(found.map(({ kind, how, partner, about }) => ({ kind, how, partner, ...about }))).toMatchObject([
      { kind: 'match', how: 'completed', partner: 'new-plan', patient, outcome: 'match', consent, consentHash },
      { kind: 'group', how: 'completed', partner: 'new-plan', patient, outcome: 'exported', consent, consentHash },
      { kind: 'group', partner: 'new-plan', patient, outcome: 'exported', consent, consentHash },
    ]);
    expect(found[1]?.about.resources).toBeGreaterThan(10);
    expect(found.map(({ downloads }) => downloads.length > 0)).toEqual([true, true, false]);
  });
};
