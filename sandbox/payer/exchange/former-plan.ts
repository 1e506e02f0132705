import type { IncomingMessage, ServerResponse } from 'node:http';
import { keptMap, type Rooms } from '../../state/room.ts';
import { healthPlanNpi } from '../data/directory.ts';
import type { MemberRecord } from '../data/record.ts';
import type { ExchangeFault } from '../faults/exchange.ts';
import { FhirError, notFound, operationOutcome } from '../fhir/outcome.ts';
import { contentOf } from './content.ts';
import { generatedMembers } from './generated.ts';
import type { MatchedGroup } from './groups.ts';
import { createJobs, fileNamed, manifestOf, type Job } from './jobs.ts';
import { startExport, startMatch, type KickOffSetup } from './kick-off.ts';
import type { FormerPlanOptions, HeardRequest } from './options.ts';
import { paceOf } from './pace.ts';
import { readBody, requireAsync } from './request.ts';
import { serveFile } from './serve-file.ts';
import { backendTokens, type Opened } from './tokens.ts';

interface Setup {
  readonly options: FormerPlanOptions;
  readonly displayName: string;
  /** The payer's origin, without a trailing slash. */
  readonly origin: string;
  readonly tokenEndpoint: string;
  readonly records: () => readonly MemberRecord[];
  readonly isOn: (fault: ExchangeFault) => boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly rooms: Rooms;
}

type At = HeardRequest['at'];
type Headers = Readonly<Record<string, string>>;

/** Where statuses and files are, and where redirects lead. */
const statusPath = '/bulk/status/';
const filePath = '/bulk/files/';
const elsewherePath = '/bulk/elsewhere';

const hour = 3_600_000;

/**
 * A payer as the former plan of PDex 2.2: it matches members of another plan's in bulk, and exports their records. It is written
 * from PDex 2.2.0, Bulk Data Access 2.0.0 and SMART 2.2 only.
 */
export const formerPlan = (setup: Setup) => {
  const { options, origin, isOn, now, records } = setup;
  const baseUrl = `${origin}/r4`;
  const elsewhere = origin.replace('127.0.0.1', 'localhost');
  const plan = healthPlanNpi;
  const tokens = backendTokens(options, setup.tokenEndpoint, now);
  const generated = generatedMembers(options.generated, baseUrl);
  const jobs = createJobs();
  const pace = paceOf(options.pace);
  const groups = keptMap<MatchedGroup>(setup.rooms('exchange-groups'));
  const fileOfToken = new Map<string, string>();
  const begun = new Set<string>();
  let kickOffs = 0;
  let requests = 0;

  /** Records a request, and waits as long as this payer takes before it answers. */
  const hear = (at: At, req: IncomingMessage, body = ''): Promise<void> => {
    options.heard?.({
      at,
      method: req.method ?? '',
      host: req.headers.host ?? '',
      path: req.url ?? '',
      headers: req.headers,
      body,
    });
    return pace.beforeAnswer();
  };

  const tokenOf = (req: IncomingMessage): string | undefined =>
    /^bearer +(\S+)$/i.exec(req.headers.authorization ?? '')?.[1];

  /** Whether a request has no system token. At this plan a member's app finds no Groups. */
  const isOfMember = (req: IncomingMessage): boolean => {
    const token = tokenOf(req);
    return token !== undefined && tokens.openedBy(token) === undefined;
  };

  /** Reads the token of a request, and checks that it allows this. @throws FhirError */
  const requireToken = (req: IncomingMessage, opened: Opened): string => {
    const token = tokenOf(req);
    const opens = token === undefined ? undefined : tokens.openedBy(token);
    if (token === undefined || opens === undefined) {
      const challenge = token === undefined ? 'Bearer' : 'Bearer error="invalid_token"';
      throw new FhirError(401, 'login', 'A system’s access token is required', { 'www-authenticate': challenge });
    }
    if (!opens.has(opened)) {
      const challenge = { 'www-authenticate': 'Bearer error="insufficient_scope"' };
      throw new FhirError(403, 'forbidden', 'The access token’s scope does not open this', challenge);
    }
    return token;
  };

  const throttle = (): void => {
    requests += 1;
    if (isOn('429') && requests % 2 === 1) {
      throw new FhirError(429, 'throttled', 'Ask less often', { 'retry-after': '2' });
    }
  };

  const refuseWhileBusy = (): void => {
    kickOffs += 1;
    if (isOn('409') && kickOffs % 2 === 1) {
      throw new FhirError(409, 'conflict', 'Another request runs', { 'retry-after': '2' });
    }
  };

  let content = { records: records(), of: contentOf(records(), generated, baseUrl) };
  const kickOffSetup = (): KickOffSetup => {
    // The admin page changes records while the payer runs.
    if (content.records !== records()) content = { records: records(), of: contentOf(records(), generated, baseUrl) };
    return {
      options,
      plan,
      planName: setup.displayName,
      records: content.records,
      generated,
      contentOf: content.of,
      isOn,
      now: now(),
    };
  };

  const accept = (
    res: ServerResponse,
    url: URL,
    scope: Opened,
    started: Pick<Job, 'files' | 'deleted' | 'group'>,
  ): void => {
    const job = jobs.add({ ...started, scope, request: url.href, startedAtMs: now() });
    res.writeHead(202, { 'content-location': `${origin}${statusPath}${job.id}`, 'cache-control': 'no-store' }).end();
  };

  const kickOff = async (
    at: 'match' | 'export',
    req: IncomingMessage,
    res: ServerResponse,
    url: URL,
    id = '',
  ): Promise<void> => {
    const body = await readBody(req);
    await hear(at, req, body);
    if (isOn('redirect-kick-off')) return redirect(res, 307);
    const method = at === 'match' ? 'POST' : (options.exportMethod ?? 'POST');
    if (req.method !== method)
      throw new FhirError(405, 'not-supported', `This operation is ${method}`, { allow: method });
    const scope = at === 'match' ? 'match' : 'groups';
    requireToken(req, scope);
    requireAsync(req);
    throttle();
    refuseWhileBusy();
    if (at === 'match') {
      const { matched, ...started } = startMatch(req, body, kickOffSetup());
      for (const group of matched) groups.set(group.id, group);
      return accept(res, url, scope, started);
    }
    accept(res, url, scope, startExport(req, url, body, groupOf(id), kickOffSetup()));
  };

  const groupOf = (id: string): MatchedGroup => {
    const group = groups.get(id);
    if (group === undefined) throw notFound(`There is no Group/${id}`);
    return group;
  };

  /** Group search and read (pdex-157, 161, 163). */
  const readGroups = async (
    req: IncomingMessage,
    res: ServerResponse,
    url: URL,
    id: string | undefined,
  ): Promise<void> => {
    await hear('group', req);
    requireToken(req, 'groups');
    if (req.method !== 'GET') throw new FhirError(405, 'not-supported', 'Groups are read only', { allow: 'GET' });
    if (id !== undefined) return sendFhir(res, groupOf(id).text);
    const wanted = [...url.searchParams];
    const unknown = wanted.find(([name]) => !['identifier', 'characteristic', 'code', '_id'].includes(name));
    if (unknown !== undefined) throw new FhirError(400, 'not-supported', `Groups are not searched by ${unknown[0]}`);
    const found = [...groups.entries()].filter(([, group]) =>
      wanted.every(([name, value]) => groupHas(group, name, value)),
    );
    const entry = found.map(([, { id: own, text }]) => `{"fullUrl":"${baseUrl}/Group/${own}","resource":${text}}`);
    sendFhir(res, `{"resourceType":"Bundle","type":"searchset","total":${found.length},"entry":[${entry.join()}]}`);
  };

  const redirect = (res: ServerResponse, status: 302 | 307): void => {
    res.writeHead(status, { location: elsewhere + elsewherePath }).end();
  };

  const status = async (req: IncomingMessage, res: ServerResponse, id: string): Promise<void> => {
    await hear('status', req);
    if (isOn('redirect-status')) return redirect(res, 302);
    const job = jobs.get(id);
    requireToken(req, job?.scope ?? 'groups');
    if (job === undefined) throw notFound('This request is unknown, or was deleted');
    if (req.method === 'DELETE') {
      jobs.delete(id);
      if (isOn('delete-ends-group') && job.group !== undefined) groups.delete(job.group);
      return void res.writeHead(202).end();
    }
    throttle();
    if (isOn('fails')) throw new FhirError(500, 'exception', 'The request could not be completed');
    if (isOn('500-once') && job.asked === 0) {
      job.asked += 1;
      throw new FhirError(500, 'transient', 'Ask again');
    }
    const isOver = isOn('hour') ? now() - job.startedAtMs >= hour : job.asked >= (options.polls ?? 1);
    job.asked += 1;
    if (!isOver) {
      const progress = isOn('hour') ? 'waiting for the night' : `${Math.min(99, job.asked * 50)}% complete`;
      const retryAfter = isOn('hour') ? 120 : (options.retryAfter ?? 1);
      return void res.writeHead(202, { 'x-progress': progress, 'retry-after': String(retryAfter) }).end();
    }
    const fileOrigin = isOn('elsewhere') ? elsewhere : origin;
    const manifest = manifestOf(job, {
      url: (name) => `${fileOrigin}${filePath}${name}`,
      count: ({ announced, count }) => (announced ?? count) + (isOn('counts-lie') ? 1 : 0),
      requiresAccessToken: options.requiresAccessToken ?? true,
    });
    res.writeHead(200, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      expires: new Date(now() + 24 * hour).toUTCString(),
    });
    res.end(JSON.stringify(manifest));
  };

  const file = async (req: IncomingMessage, res: ServerResponse, path: string): Promise<void> => {
    await hear('file', req);
    if (isOn('redirect-files')) return redirect(res, 307);
    const [id = '', name = ''] = path.split('/');
    const job = jobs.get(id);
    if (options.requiresAccessToken === false) {
      if (req.headers.authorization !== undefined) throw new FhirError(400, 'invalid', 'These files need no token');
    } else {
      const token = requireToken(req, job?.scope ?? 'groups');
      const known = fileOfToken.get(token) ?? path;
      fileOfToken.set(token, known);
      if (isOn('token-per-file') && known !== path) {
        const challenge = { 'www-authenticate': 'Bearer error="invalid_token"' };
        throw new FhirError(401, 'login', 'The access token is unknown, expired or revoked', challenge);
      }
    }
    const found = job && fileNamed(job, name);
    if (found === undefined) throw notFound('There is no such file');
    throttle();
    const cut = isOn('cut') && !begun.has(path);
    begun.add(path);
    await serveFile(req, res, found, { ranges: !isOn('no-ranges'), gzip: isOn('gzip'), cut, send: pace.send });
  };

  const answering = async (res: ServerResponse, answer: () => Promise<void> | void): Promise<void> => {
    try {
      await answer();
    } catch (error) {
      if (!(error instanceof FhirError)) throw error;
      sendFhir(res, operationOutcome(error.code, error.message), error.status, error.headers);
    }
  };

  return {
    /** Whether a token request is for this, and not for a sign-in. */
    asksForToken: tokens.isAsked,

    token: async (req: IncomingMessage, form: URLSearchParams, res: ServerResponse): Promise<void> => {
      await hear('token', req, form.toString());
      await tokens.answer(form, res);
    },

    /** Answers a request below the FHIR base, if it is about Groups. Returns whether it was. */
    fhir: async (req: IncomingMessage, res: ServerResponse, url: URL): Promise<boolean> => {
      const [type, id, operation, ...rest] = url.pathname.slice('/r4/'.length).split('/').map(decodeURIComponent);
      if (type !== 'Group' || rest.length > 0) return false;
      if (id === undefined && isOfMember(req)) return false;
      await answering(res, () => {
        if (id === '$bulk-member-match' && operation === undefined) return kickOff('match', req, res, url);
        if (operation === '$davinci-data-export') return kickOff('export', req, res, url, id);
        if (operation !== undefined) throw notFound('There is nothing at this path');
        return readGroups(req, res, url, id);
      });
      return true;
    },

    /** Statuses and files. */
    bulk: (req: IncomingMessage, res: ServerResponse, url: URL): Promise<void> =>
      answering(res, async () => {
        const { pathname } = url;
        if (pathname.startsWith(statusPath)) return status(req, res, pathname.slice(statusPath.length));
        if (pathname.startsWith(filePath)) return file(req, res, pathname.slice(filePath.length));
        if (pathname !== elsewherePath) throw notFound('There is nothing at this path');
        await hear('elsewhere', req, await readBody(req));
        sendFhir(res, '{}');
      }),
  };
};

const sendFhir = (res: ServerResponse, text: string, status = 200, headers: Headers = {}): void => {
  const length = String(Buffer.byteLength(text));
  res.writeHead(status, { 'content-type': 'application/fhir+json', 'content-length': length, ...headers });
  res.end(text);
};

/** Whether a Group is found by a search parameter. A characteristic is its code. */
const groupHas = ({ id, newPlan }: MatchedGroup, name: string, value: string): boolean => {
  if (name === '_id') return value.split(',').includes(id);
  const wanted = value.split('|').at(-1);
  if (name === 'identifier') return newPlan.some((plan) => plan.value === wanted);
  return wanted === 'match';
};
