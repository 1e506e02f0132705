/** A bundle of 5,000 brands with planted duplicates and dead hosts, whose truth is known by how it is made. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { importPayers } from '../../bin/payers/import.ts';
import { checkStage } from '../../config/checks/check-stage.ts';
import { shownName } from '../../config/checks/names.ts';
import { visibleLine } from '../../config/checks/visible.ts';
import { localStage } from '../../config/local.ts';
import { brandsBundle } from '../../functions/discovery/brands/bundle.ts';
import { isNpi, npiSystem } from '../../functions/shared/fhir/npi.ts';
import { createPayerHttp } from '../../functions/shared/payer/http-client.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import { registryOf } from '../../functions/shared/registry/registry.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { learned, pasted } from './learn.ts';
import { toolEnvironment } from './run-tool.ts';

/** What becomes of each number, by its last three digits. */
const kindOf = (number: number): string => {
  const at = number % 1000;
  if (at < 60) return 'same endpoint';
  if (at < 80) return 'same endpoint, with a slash';
  if (at < 100) return 'same NPI';
  if (at < 110) return 'no endpoint';
  if (at < 120) return 'DSTU2';
  if (at < 200) return '404';
  if (at < 280) return 'a page';
  if (at < 300) return 'R5';
  if (at < 310) return 'throttles once';
  return at % 2 === 0 ? 'smart' : 'metadata only';
};
const kindsOf = (count: number): string[] => Array.from({ length: count }, (_, number) => kindOf(number));
/** How many of a thousand. */
const of = (...wanted: readonly string[]): number => kindsOf(1000).filter((kind) => wanted.includes(kind)).length;

/** Which number another one shares its endpoint or NPI with: one that lives, of the same thousand. */
const originalOf = (number: number): number => number - (number % 1000) + 400 + (number % 100);

/** An NPI that only this number has. */
const npiOf = (number: number): string =>
  Array.from({ length: 10 }, (_, digit) => `${100_000_000 + number}${digit}`).find(isNpi)!;

/** One whose NPI has another check digit. */
const wrongNpi = 311;

const bundleOf = (hosts: readonly string[], count = 5000): object => {
  const addressOf = (number: number): string => `${hosts[number % hosts.length]}/p${number}/r4`;
  const entry = kindsOf(count).flatMap((kind, number) => {
    const isShared = kind.startsWith('same endpoint');
    const slash = kind.endsWith('slash') ? '/' : '';
    const endpoint = {
      resourceType: 'Endpoint',
      id: `e${number}`,
      status: 'active',
      extension: [
        {
          url: 'http://hl7.org/fhir/StructureDefinition/endpoint-fhir-version',
          valueCode: kind === 'DSTU2' ? '1.0.2' : '4.0.1',
        },
      ],
      connectionType: { code: 'hl7-fhir-rest' },
      address: `${addressOf(isShared ? originalOf(number) : number)}${slash}`,
    };
    const npi = kind === 'same NPI' ? originalOf(number) : number;
    const organization = {
      resourceType: 'Organization',
      id: `o${number}`,
      name: `Plan ${number}`,
      telecom: [{ system: 'url', value: `https://plan-${number}.example.org/` }],
      identifier: [{ system: npiSystem, value: number === wrongNpi ? '1234567890' : npiOf(npi) }],
      ...(kind === 'no endpoint' ? {} : { endpoint: [{ reference: `Endpoint/e${number}` }] }),
    };
    return kind === 'no endpoint' ? [{ resource: organization }] : [{ resource: organization }, { resource: endpoint }];
  });
  return { resourceType: 'Bundle', type: 'collection', entry };
};

/** How a payer of the bundle answers, by its path. @param times how often that number was asked for SMART's document */
const answerOf = (path: string, times: number): readonly [status: number, type: string, body: string] => {
  const [, number = '', document = ''] = /^\/p(\d+)\/r4\/(.+)$/.exec(path) ?? [];
  const kind = kindOf(Number(number));
  const statement = (fhirVersion: string) => JSON.stringify({ resourceType: 'CapabilityStatement', fhirVersion });
  const isSmart = document === '.well-known/smart-configuration';
  if (kind === 'throttles once' && isSmart && times === 1) return [429, 'text/plain', 'later'];
  if (kind === 'a page') return [200, 'text/html', '<html>Welcome</html>'];
  if (isSmart && ['smart', 'same NPI', 'throttles once'].includes(kind))
    return [200, 'application/json', JSON.stringify({ token_endpoint: 'https://login.example.org/token' })];
  if (document === 'metadata' && kind === 'metadata only') return [200, 'application/fhir+json', statement('4.0.1')];
  if (document === 'metadata' && kind === 'R5') return [200, 'application/fhir+json', statement('5.0.0')];
  return [404, 'text/plain', 'not here'];
};

const living = of('smart', 'metadata only', 'throttles once', 'same NPI');
const dead = of('404', 'a page', 'R5');
const payers = 1000 - of('same endpoint', 'same endpoint, with a slash', 'same NPI', 'no endpoint', 'DSTU2');
/** Of 5,000 brands. */
const written = 5 * (payers - dead);
const report = (folder: string, thousands = 5, kept = 0): string => {
  const all = (count: number): number => thousands * count;
  return [
    `${all(1000)} organizations: 0 inactive, ${all(of('no endpoint'))} without an endpoint, ${all(of('DSTU2'))} without one of an active FHIR R4 API`,
    `${all(living + dead)} endpoints: ${all(living)} living, ${all(dead)} dead, 0 throttled`,
    `${all(payers)} payers: ${all(payers - dead) - kept} written to ${folder}, ${kept} there already, ${all(dead)} dead, 0 to be asked again`,
  ].join('\n');
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-'));
});
afterEach(() => rm(folder, { recursive: true }));

const run = async (http: PayerHttp, from: string, known: readonly Payer[] = []) => {
  const out: string[] = [];
  const notes: string[] = [];
  const output = {
    out: (text: string) => void out.push(text),
    note: (text: string) => void notes.push(text),
    secret: () => undefined,
  };
  const progress = { show: () => undefined, clear: () => undefined };
  const options = { from, folder: join(folder, 'drafts'), dryRun: false, known, progressOf: () => progress };
  const code = await importPayers({ http, now: Date.now, wait: async () => {} }, output, options);
  return { code, out: out.join('\n'), notes };
};
const drafts = async (): Promise<string[]> =>
  (await readdir(join(folder, 'drafts'))).filter((file) => file.endsWith('.json'));

/** The bundle's payers in this process: at most so many requests at once, and one per host. */
const inProcess = () => {
  const hosts = Array.from({ length: 100 }, (_, at) => `https://host-${at}.example.org`);
  const times = new Map<string, number>();
  const open = new Map<string, number>();
  const most = { hosts: 0, perHost: 0, requests: 0 };
  const http: PayerHttp = async (input) => {
    const { host, pathname } = new URL(input);
    most.requests += 1;
    times.set(pathname, (times.get(pathname) ?? 0) + 1);
    open.set(host, (open.get(host) ?? 0) + 1);
    most.perHost = Math.max(most.perHost, open.get(host)!);
    most.hosts = Math.max(most.hosts, open.size);
    await new Promise(setImmediate);
    if (open.get(host) === 1) open.delete(host);
    else open.set(host, open.get(host)! - 1);
    const [status, type, body] = answerOf(pathname, times.get(pathname)!);
    return new Response(body, { status, headers: { 'content-type': type } });
  };
  return { hosts, http, most, times };
};

describe('an import of thousands of brands', () => {
  it('refuses a file as its folder', async () => {
    const file = join(folder, 'drafts');
    await writeFile(file, JSON.stringify(bundleOf([])));
    await expect(run(inProcess().http, file)).rejects.toThrow(`${file} cannot be used (EEXIST). Give another folder.`);
  });

  it('merges duplicates, tells dead endpoints from living ones, and is polite', async () => {
    const { hosts, http, most } = inProcess();
    const file = join(folder, 'bundle.json');
    await writeFile(file, JSON.stringify(bundleOf(hosts)));

    expect(await run(http, file)).toMatchObject({ code: 0, out: report(join(folder, 'drafts')) });
    expect(await drafts()).toHaveLength(written);
    expect([most.hosts, most.perHost]).toEqual([16, 1]);

    const one = JSON.parse(await readFile(join(folder, 'drafts', 'plan-80.json'), 'utf8')) as object;
    expect(one).toEqual({
      displayName: 'Plan 80',
      fhirBaseUrl: `${hosts[80]}/p80/r4`,
      otherBases: [`${hosts[80]}/p480/r4`],
      brand: {
        website: 'https://plan-80.example.org/',
        otherNames: ['Plan 480'],
        identifiers: { npi: [npiOf(480)] },
      },
    });
    expect(await readFile(join(folder, 'drafts', `plan-${wrongNpi}.json`), 'utf8')).not.toContain('identifiers');
  });

  it('leaves drafts and payers that are there as they are, and asks no endpoint twice', async () => {
    const { hosts, http, most } = inProcess();
    const file = join(folder, 'bundle.json');
    await writeFile(file, JSON.stringify(bundleOf(hosts, 1000)));
    const payer = { fhirBaseUrl: `${hosts[1]}/p401/r4` } as Payer;
    await run(http, file, [payer]);
    await writeFile(join(folder, 'drafts', 'plan-500.json'), 'edited by hand');
    const before = most.requests;

    const again = await run(http, file, [payer]);

    expect(most.requests).toBe(before);
    // A draft that cannot be read is not known to be of that payer, but its file stays.
    expect(again.out).toBe(report(join(folder, 'drafts'), 1, payers - dead - 1));
    expect(await readFile(join(folder, 'drafts', 'plan-500.json'), 'utf8')).toBe('edited by hand');
  });

  it('goes on where it was killed, with the same counts', async () => {
    const asked = new Map<string, number>();
    let bundle = '';
    const serve = createServer((req, res) => {
      const path = req.url ?? '';
      if (path === '/brands') return void res.writeHead(200).end(bundle);
      asked.set(path, (asked.get(path) ?? 0) + 1);
      const [status, type, body] = answerOf(path, asked.get(path)!);
      res.writeHead(status, { 'content-type': type }).end(body);
    });
    const servers: Server[] = Array.from({ length: 20 }, () =>
      createServer((req, res) => serve.emit('request', req, res)),
    );
    await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
    const hosts = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    // A thousand: these are asked over HTTP, at which 5,000 take a quarter of a minute.
    bundle = JSON.stringify(bundleOf(hosts, 1000));
    const from = `${hosts[0]}/brands`;
    const state = join(folder, 'drafts', 'asked.jsonl');
    const linesOf = async (): Promise<number> =>
      (await readFile(state, 'utf8').catch(() => '')).split('\n').filter(Boolean).length;

    const args = ['bin/payers.ts', 'import', from, '--out', join(folder, 'drafts')];
    const root = join(import.meta.dirname, '../..');
    const child = spawn(process.execPath, args, { cwd: root, env: toolEnvironment(), stdio: 'ignore' });
    while ((await linesOf()) < 300 && child.exitCode === null) await after(50);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const killedAt = await linesOf();
    const before = [...asked.values()].length;
    await appendFile(state, '{"address":"http');

    const resumed = await run(createPayerHttp(), from);
    for (const server of servers) server.close();

    expect(killedAt).toBeGreaterThanOrEqual(300);
    expect(killedAt).toBeLessThan(600);
    expect(before).toBeGreaterThanOrEqual(killedAt);
    expect(resumed).toMatchObject({ code: 0, out: report(join(folder, 'drafts'), 1) });
    // Only what was under way when it was killed is asked again.
    const twice = [...asked].filter(
      ([path, times]) => times > (kindOf(Number(/\d+/.exec(path)?.[0])) === 'throttles once' ? 2 : 1),
    );
    expect(twice.length).toBeLessThanOrEqual(2 * 16);
  }, 120_000);
});

describe('an import', () => {
  it('reads our own /brands, and its drafts are completed by learn', async () => {
    const registry = registryOf(localStage());
    const bundle = brandsBundle(
      { origin: 'https://gateway.example.org', developers: 'https://gateway.example.org/' },
      await registry.directory(),
    );
    const file = join(folder, 'brands.json');
    await writeFile(file, JSON.stringify(bundle));
    const endpoints = {
      authorization_endpoint: 'https://plan.test/authorize',
      token_endpoint: 'https://plan.test/token',
    };
    const http: PayerHttp = async (input) =>
      String(input).endsWith('/r4/northwind/.well-known/smart-configuration')
        ? Response.json(endpoints)
        : new Response('', { status: 404 });

    const { out } = await run(http, file);
    expect(out).toContain('2 endpoints: 1 living, 1 dead, 0 throttled\n2 payers: 1 written');

    const draft = JSON.parse(await readFile(join(folder, 'drafts', 'northwind-health.json'), 'utf8')) as never;
    const { out: entry } = await learned(http, 'https://gateway.example.org/r4/northwind', { draft });
    const { brand } = localStage().payers[1]!;
    expect(pasted(entry)).toMatchObject({ id: 'northwind-health', displayName: 'Northwind Health', brand });
    expect(() =>
      checkStage({ stage: 'x', production: false, payers: [pasted(entry)], partners: [] }, 'x'),
    ).not.toThrow();
  });

  it.each([
    ['Hawai\u02bci Care', ['Hawai\u02bci', 'Island Care'], 'Island Care', ['Hawaii']],
    ['Blue\u2011Plan \u2212 North\u20e0', [], 'Blue-Plan - North', undefined],
    ['Ｗｉｄｅ\u00a0Plan\u200b 健', [], 'Wide Plan', undefined],
    ['健康', ['\u0421are'], 'A payer without a name', ['are']],
    ['Plan® Ñ', ['Plan\t A'], 'Plan® Ñ', ['Plan A']],
  ])(
    'writes the nearest name to one that pages may not show, and says so: %j',
    async (name, alias, shown, otherNames) => {
      const telecom = [{ system: 'url', value: 'https://plan.example.org/' }];
      const endpoint = [{ reference: 'Endpoint/e' }];
      const address = 'https://a.example.org/r4';
      const entry = [
        { resource: { resourceType: 'Organization', id: 'o', name, alias, telecom, endpoint } },
        { resource: { resourceType: 'Endpoint', id: 'e', status: 'active', address } },
      ];
      const file = join(folder, 'bundle.json');
      await writeFile(file, JSON.stringify({ resourceType: 'Bundle', entry }));

      const { notes } = await run(
        async () => Response.json({ token_endpoint: 'https://login.example.org/token' }),
        file,
      );

      const [draft = ''] = await drafts();
      const { displayName, brand } = JSON.parse(await readFile(join(folder, 'drafts', draft), 'utf8')) as Payer;
      expect([displayName, brand?.otherNames]).toEqual([shown, otherNames]);
      const told = notes.filter((note) => note.includes('pages may not show'));
      const odd = [name, ...alias]
        .map((one) => one.replaceAll(/\s/g, ' '))
        .filter((one) => shownName(one) !== undefined);
      expect(told).toHaveLength(odd.length);
      for (const [at, one] of odd.entries()) expect(told[at]).toContain(`"${visibleLine(one)}"`);
    },
  );

  it('takes the base from an address that is that of a document at it', async () => {
    const base = 'https://a.example.org/r4';
    const entry = ['/metadata', '', '/.well-known/smart-configuration'].flatMap((more, at) => [
      { resource: { resourceType: 'Endpoint', id: `e${at}`, status: 'active', address: base + more } },
      {
        resource: {
          resourceType: 'Organization',
          id: `o${at}`,
          name: 'Plan',
          endpoint: [{ reference: `Endpoint/e${at}` }],
        },
      },
    ]);
    const file = join(folder, 'bundle.json');
    await writeFile(file, JSON.stringify({ resourceType: 'Bundle', entry }));

    await run(async () => Response.json({ token_endpoint: 'https://login.example.org/token' }), file);

    expect(await drafts()).toEqual(['plan.json']);
    const draft = JSON.parse(await readFile(join(folder, 'drafts', 'plan.json'), 'utf8')) as Payer;
    expect(draft.fhirBaseUrl).toBe(base);
  });

  it('gives a payer no invented name where one of its organizations has a name', async () => {
    const entry = [
      ...['健康', 'Plan', '健'].map((name, at) => ({
        resource: {
          resourceType: 'Organization',
          id: `o${at}`,
          name,
          telecom: [{ system: 'url', value: 'https://plan.example.org/' }],
          endpoint: [{ reference: 'Endpoint/e' }],
        },
      })),
      { resource: { resourceType: 'Endpoint', id: 'e', status: 'active', address: 'https://a.example.org/r4' } },
    ];
    const file = join(folder, 'bundle.json');
    await writeFile(file, JSON.stringify({ resourceType: 'Bundle', entry }));

    await run(async () => Response.json({ token_endpoint: 'https://login.example.org/token' }), file);

    const draft = JSON.parse(await readFile(join(folder, 'drafts', 'plan.json'), 'utf8')) as Payer;
    expect([draft.displayName, draft.brand]).toEqual(['Plan', { website: 'https://plan.example.org/' }]);
  });

  it('asks again where version 0.2 recorded an address as dead without asking it', async () => {
    const address = 'https://a.example.org/r4';
    const entry = [
      { resource: { resourceType: 'Organization', id: 'o', name: 'Plan', endpoint: [{ reference: 'Endpoint/e' }] } },
      { resource: { resourceType: 'Endpoint', id: 'e', status: 'active', address } },
    ];
    const file = join(folder, 'bundle.json');
    await writeFile(file, JSON.stringify({ resourceType: 'Bundle', entry }));
    await mkdir(join(folder, 'drafts'));
    // As 0.2 wrote it.
    const noted = { address, result: 'dead', why: 'it is no public address', atMs: Date.now() };
    await writeFile(join(folder, 'drafts', 'asked.jsonl'), `${JSON.stringify(noted)}\n`);

    const { out } = await run(async () => Response.json({ token_endpoint: 'https://login.example.org/token' }), file);

    expect(out).toContain('1 endpoint: 1 living, 0 dead');
  });

  describe('from a directory', () => {
    const at = 'https://directory.example.org';
    const plan = (id: string, more: object = {}) => ({
      fullUrl: `${at}/Organization/${id}`,
      resource: {
        resourceType: 'Organization',
        id,
        name: `Plan ${id}`,
        endpoint: [{ reference: `Endpoint/${id}` }],
        ...more,
      },
    });
    const endpointOf = (id: string, more: object = {}) => ({
      resourceType: 'Endpoint',
      id,
      status: 'active',
      address: `https://${id}.example.org/r4`,
      ...more,
    });
    const included = (id: string, more: object = {}) => ({
      fullUrl: `${at}/Endpoint/${id}`,
      resource: endpointOf(id, more),
      search: { mode: 'include' },
    });
    const bundle = (entry: readonly object[], more: object = {}) => ({ resourceType: 'Bundle', entry, ...more });
    const nextTo = (url: string) => ({ link: [{ relation: 'next', url }] });
    const json = (body: object, headers: Record<string, string> = {}) => Response.json(body, { headers });
    /** Imports from a directory with these pages, by path. All of its endpoints answer. */
    const imported = async (pages: Readonly<Record<string, () => Response>>, from = `${at}/brands`) => {
      const asked: string[] = [];
      const http: PayerHttp = async (input) => {
        const url = String(input);
        if (!url.startsWith(at)) return Response.json({ token_endpoint: 'https://login.example.org/token' });
        asked.push(url.slice(at.length));
        return pages[url.slice(at.length)]?.() ?? new Response('', { status: 404 });
      };
      const { code, out } = await run(http, from);
      return { code, out, asked, first: out.split('\n').slice(0, -2) };
    };
    const both = '2 organizations: 0 inactive, 0 without an endpoint, 0 without one of an active FHIR R4 API';
    const one = both.replace('2', '1').replace('organizations', 'organization');

    it.each<[string, () => Response]>([
      ['its Bundle', () => json(bundle([plan('a'), included('a')], { total: 2, ...nextTo('?page=2') }))],
      ['a Link header', () => json(bundle([plan('a'), included('a')]), { link: '</brands?page=2>; rel="next"' })],
    ])('reads all pages, by the links in %s, and what they repeat once', async (_, page) => {
      const { code, first, asked } = await imported({
        '/brands': page,
        '/brands?page=2': () => json(bundle([plan('b'), included('b'), included('a')], { total: 2 })),
      });

      expect([code, first]).toEqual([0, [both]]);
      expect(asked).toEqual(['/brands', '/brands?page=2']);
      expect(await drafts()).toEqual(['plan-a.json', 'plan-b.json']);
    });

    const rest = bundle([plan('b'), included('b')]);
    it.each<[string, () => Response, Readonly<Record<string, () => Response>>, string, string]>([
      [
        'a total of more than came',
        () => json(bundle([plan('a'), included('a')], { total: '30' })),
        {},
        'its total is 30, but 1 came',
        one,
      ],
      [
        'a total that cannot be read',
        () => json(bundle([plan('a'), included('a')], { total: 'many' })),
        {},
        'its total cannot be read',
        one,
      ],
      [
        'a next page elsewhere',
        () => json(bundle([plan('a'), included('a')], nextTo('https://other.example.org/brands'))),
        {},
        `its next page https://other.example.org/brands is not at ${at}; it was not read`,
        one,
      ],
      [
        'a next page without a URL',
        () => json(bundle([plan('a'), included('a')], { link: [{ relation: 'next' }] })),
        {},
        'its next page has no URL; it was not read',
        one,
      ],
      [
        'links that cannot be read',
        () => json(bundle([plan('a'), included('a')], { link: ['x'] })),
        {},
        `${at}/brands has links that cannot be read; one may lead to a next page`,
        one,
      ],
      [
        'pages in a circle',
        () => json(bundle([plan('a'), included('a')], nextTo(`${at}/brands?page=2`))),
        { '/brands?page=2': () => json({ ...rest, ...nextTo(`${at}/brands#top`) }) },
        `${at}/brands?page=2 leads back to a page that was read already`,
        both,
      ],
      [
        'two next pages',
        () =>
          json(
            bundle([plan('a'), included('a')], {
              link: [2, 3].map((page) => ({ relation: 'next', url: `${at}/brands?page=${page}` })),
            }),
          ),
        { '/brands?page=2': () => json(rest) },
        `${at}/brands has more than one next page; ${at}/brands?page=3 was not read`,
        both,
      ],
      [
        'a page that fails',
        () => json(bundle([plan('a'), included('a')], nextTo(`${at}/gone`))),
        {},
        `${at}/gone answers 404; this page and what follows it were not read`,
        one,
      ],
      [
        'a page that is no Bundle',
        () => json(bundle([plan('a'), included('a')], nextTo(`${at}/list`))),
        { '/list': () => json({ resourceType: 'List' }) },
        `${at}/list is not a FHIR Bundle in JSON; give a User-access Brands Bundle; this page and what follows it were not read`,
        one,
      ],
    ])('says that not all came, and exits with 1: %s', async (_, page, others, why, organizations) => {
      const { code, first } = await imported({ '/brands': page, ...others });

      expect([code, first]).toEqual([1, [`Not all of the directory was read: ${why}`, organizations]]);
    });

    it('reads a thousand pages, and says that there are more', async () => {
      let page = 0;
      const http: PayerHttp = async () => json(bundle([], nextTo(`?page=${(page += 1)}`)));
      const { code, out } = await run(http, `${at}/brands`);

      expect([code, page]).toEqual([1, 1000]);
      expect(out).toContain(`only its first 1000 pages were read; the next is ${at}/brands?page=1000\n`);
    });

    it('waits where a directory throttles', async () => {
      let times = 0;
      const throttled = () => new Response('', { status: 429 });
      const page = () => ((times += 1) === 1 ? throttled() : json(rest));

      expect(
        await imported({
          '/brands': () => json(bundle([plan('a'), included('a')], nextTo('?page=2'))),
          '/brands?page=2': page,
        }),
      ).toMatchObject({ code: 0, first: [both], asked: ['/brands', '/brands?page=2', '/brands?page=2'] });
    });

    it('says of a file that it is one page of more', async () => {
      const file = join(folder, 'bundle.json');
      await writeFile(file, JSON.stringify(bundle([plan('a'), included('a')], nextTo(`${at}/brands?page=2`))));
      const { code, first } = await imported({}, file);

      const why = `it is a page of a directory with more, such as ${at}/brands?page=2; give the URL of the directory`;
      expect([code, first]).toEqual([1, [`Not all of the directory was read: ${why}`, one]]);
    });

    it('finds endpoints by references with a version, and contained ones, and counts each organization once', async () => {
      const contained = (id: string) => ({ contained: [endpointOf(id)], endpoint: [{ reference: `#${id}` }] });
      const page = bundle([
        plan('a', { endpoint: [{ reference: `${at}/Endpoint/a/_history/3` }] }),
        included('a'),
        plan('b', contained('b')),
        plan('b2', { endpoint: [], partOf: { reference: 'Organization/b/_history/1' } }),
        // FHIR has contained resources refer to one another by what holds them.
        plan('c', {
          contained: [endpointOf('c'), { resourceType: 'Organization', id: 'p', endpoint: [{ reference: '#c' }] }],
          endpoint: [],
          partOf: { reference: '#p' },
        }),
        plan('d', { active: false }),
        included('d'),
        plan('e', { endpoint: [] }),
        plan('f'),
        plan('g', { endpoint: [{ reference: '#b' }] }),
        plan('h'),
        included('h', { status: 'off' }),
        plan('i', { active: false }),
        included('i', { status: 'off' }),
      ]);
      const { code, out, first } = await imported({ '/brands': () => json(page) });

      expect([code, first]).toEqual([
        0,
        ['10 organizations: 2 inactive, 3 without an endpoint, 1 without one of an active FHIR R4 API'],
      ]);
      expect(out).toContain('3 endpoints: 3 living, 0 dead');
      expect(await drafts()).toEqual(['plan-a.json', 'plan-b.json', 'plan-c.json']);
    });
  });

  it.each([
    ['no JSON', 'x', 'is not a FHIR Bundle in JSON'],
    ['another resource', '{"resourceType":"Patient"}', 'is not a FHIR Bundle in JSON'],
  ])('refuses %s', async (_, text, says) => {
    const file = join(folder, 'bundle.json');
    await writeFile(file, text);

    await expect(run(async () => new Response(''), file)).rejects.toThrow(says);
  });

  it('asks no address of a private network that a public bundle names, and calls none of them dead', async () => {
    const addresses = {
      o: ['http://127.0.0.1:8080/r4'],
      p: [
        'https://fhir.plan.internal/r4',
        'https://gone.example.org/r4',
        'https://busy.example.org/r4',
        'https://a.example.org/r4',
      ],
    };
    const organizations = Object.entries(addresses).map(([id, named]) => ({
      resource: {
        resourceType: 'Organization',
        id,
        name: id,
        endpoint: named.map((_, at) => ({ reference: `Endpoint/${id}${at}` })),
      },
    }));
    const endpoints = Object.entries(addresses).flatMap(([id, named]) =>
      named.map((address, at) => ({
        resource: { resourceType: 'Endpoint', id: `${id}${at}`, status: 'active', address },
      })),
    );
    const entry = [...organizations, ...endpoints];
    const file = join(folder, 'bundle.json');
    await writeFile(file, JSON.stringify({ resourceType: 'Bundle', entry }));
    const asked: string[] = [];

    const { out } = await run(async (url) => {
      const { host } = new URL(url);
      asked.push(host);
      if (host.startsWith('busy')) return new Response('', { status: 429 });
      return host.startsWith('a.')
        ? Response.json({ token_endpoint: 'https://login.example.org/token' })
        : new Response('', { status: 404 });
    }, file);

    expect(new Set(asked)).toEqual(new Set(['gone.example.org', 'busy.example.org', 'a.example.org']));
    expect(out).toContain('5 endpoints: 1 living, 1 dead, 1 throttled, 2 not asked (no public address)\n');
    expect(out).toMatch(/^2 payers: 1 written to .*, 0 there already, 0 dead, 0 to be asked again, 1 not asked \(/m);
    expect(JSON.parse(await readFile(join(folder, 'drafts', 'p.json'), 'utf8'))).toEqual({
      displayName: 'p',
      fhirBaseUrl: 'https://a.example.org/r4',
      otherBases: ['https://fhir.plan.internal/r4', 'https://busy.example.org/r4'],
      deadBases: ['https://gone.example.org/r4'],
    });
    // What was not asked is not noted, so that a bundle from the same network has it asked.
    expect(await readFile(join(folder, 'drafts', 'asked.jsonl'), 'utf8')).not.toMatch(/internal|127\.0\.0\.1/);
  });
});
