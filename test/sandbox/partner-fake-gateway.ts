import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerExport, fakeExports, type FakeExports } from './fake-exports.ts';

/** What the fake gateway does next, and what it saw. */
export interface FakeGateway {
  readonly origin: string;
  /** The error that ends the next sign-in. */
  signInError: string | undefined;
  /** The `iss` of redirects. @default the issuer of `plan` */
  issuer: string | undefined;
  /** The status of every FHIR read; 200 returns a record of two pages. */
  fhirStatus: number;
  /** How many of the next FHIR reads are answered with `fhirStatus`. @default all */
  fhirFailures: number;
  /** `Retry-After` on failed FHIR reads. */
  fhirRetryAfter: string | undefined;
  tokenStatus: number;
  /** How many seconds access tokens live. */
  expiresIn: number;
  everything: boolean;
  /** Where `next` on the record's first page points, if not to its second page. */
  nextLink: string | undefined;
  patientInTokenAnswer: boolean;
  /** The refresh token that a refresh returns; the first one is `p2pr_refresh`. */
  refreshTokenOnRenewal: string | undefined;
  /** Further resources of the record, as JSON. */
  more: readonly string[];
  readonly exports: FakeExports;
  readonly seen: { method: string; path: string; form: URLSearchParams; authorization: string | undefined }[];
  close(): Promise<void>;
}

const observation = (id: string, date: string, rest: string) =>
  `{"resourceType":"Observation","id":"${id}","code":{"text":"Body weight ${id}"},"effectiveDateTime":"${date}",${rest}}`;

/** A member whose name contains markup, and a value whose decimals must survive. */
const patient =
  '{"resourceType":"Patient","id":"p1","name":[{"given":["<b>Mayte822</b>"],"family":"Venegas795"}],"birthDate":"2011-01-04"}';

const bundle = (resources: readonly string[], next?: string) =>
  `{"resourceType":"Bundle","type":"searchset","link":[${next === undefined ? '' : `{"relation":"next","url":"${next}"}`}],` +
  `"entry":[${resources.map((resource) => `{"resource":${resource}}`).join(',')}]}`;

/** A stand-in for the gateway of one payer, `plan`: just enough for the app's pages, and errors on demand. */
export const startFakeGateway = async (): Promise<FakeGateway> => {
  const server = createServer();
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const challenges = new Map<string, string>();
  let redeemed = 0;
  const fake: FakeGateway = {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    signInError: undefined,
    issuer: undefined,
    fhirStatus: 200,
    fhirFailures: Infinity,
    fhirRetryAfter: undefined,
    tokenStatus: 200,
    expiresIn: 3600,
    everything: true,
    nextLink: undefined,
    patientInTokenAnswer: true,
    refreshTokenOnRenewal: 'p2pr_refresh',
    more: [],
    exports: fakeExports(),
    seen: [],
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const url = new URL(request.url ?? '/', fake.origin);
    const form = new URLSearchParams(body);
    const { authorization } = request.headers;
    fake.seen.push({ method: request.method ?? '', path: url.pathname, form, authorization });
    if (answerExport(fake.exports, fake.origin, request, response)) return;
    const json = (status: number, value: unknown, type = 'application/json') =>
      response
        .writeHead(status, { 'Content-Type': type })
        .end(typeof value === 'string' ? value : JSON.stringify(value));
    const base = `${fake.origin}/r4/plan`;
    if (url.pathname.includes('/.well-known/')) return void json(200, metadata(base));
    // Whoever searches finds `plan` at once.
    if (['/connect', '/oauth2/authorize/plan'].includes(url.pathname)) return authorize(url, response);
    if (url.pathname === '/oauth2/revoke') return void json(200, {});
    if (url.pathname === '/oauth2/token') {
      const code = form.get('code');
      const verifier = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url');
      const right = code === null || challenges.get(code) === verifier;
      if (!right || fake.tokenStatus === 400)
        return void json(400, { error: 'invalid_grant', error_description: 'no' });
      if (fake.tokenStatus !== 200) return void json(fake.tokenStatus, { error: 'temporarily_unavailable' });
      if (code !== null) redeemed += 1;
      const ofSignIn = redeemed === 1 ? 'p2pr_refresh' : `p2pr_refresh_${redeemed}`;
      const patientId = fake.patientInTokenAnswer ? { patient: 'p1' } : {};
      return void json(200, {
        access_token: `p2pa_${randomUUID()}`,
        refresh_token: code === null ? fake.refreshTokenOnRenewal : ofSignIn,
        token_type: 'Bearer',
        expires_in: fake.expiresIn,
        scope: 'patient/*.rs',
        ...patientId,
      });
    }
    const fails = fake.fhirStatus !== 200 && fake.fhirFailures > 0;
    if (fails) fake.fhirFailures -= 1;
    if (fails && fake.fhirRetryAfter !== undefined) response.setHeader('Retry-After', fake.fhirRetryAfter);
    if (fails && fake.fhirStatus === 401) response.setHeader('WWW-Authenticate', 'Bearer error="invalid_token"');
    if (fails) {
      const outcome = { resourceType: 'OperationOutcome', issue: [{ diagnostics: 'because <i>so</i>' }] };
      return void json(fake.fhirStatus, outcome, 'application/fhir+json');
    }
    fhir(url, base, response, json);
  };

  const authorize = (url: URL, response: ServerResponse): void => {
    const code = randomUUID();
    challenges.set(code, url.searchParams.get('code_challenge') ?? '');
    const back = new URL(url.searchParams.get('redirect_uri') ?? '');
    back.searchParams.set('state', url.searchParams.get('state') ?? '');
    back.searchParams.set('iss', fake.issuer ?? `${fake.origin}/r4/plan`);
    if (fake.signInError === undefined) back.searchParams.set('code', code);
    else back.searchParams.set('error', fake.signInError);
    response.writeHead(302, { Location: back.href }).end();
  };

  const fhir = (
    url: URL,
    base: string,
    response: ServerResponse,
    json: (status: number, value: unknown, type?: string) => void,
  ): void => {
    const weight = '"valueQuantity":{"value":71.00,"unit":"kg"}';
    const first = bundle([patient, observation('o1', '2014-05-01', weight)], fake.nextLink ?? `${base}?_link=page-2`);
    if (url.pathname === '/r4/plan/Binary/b1') {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<script>alert(1)</script>');
      return;
    }
    const second = bundle([
      observation('o1', '2014-05-01', weight),
      observation('o2', '2015-06-02T10:00:00Z', '"valueString":"fine"'),
      '{"resourceType":"Immunization","id":"i1"}',
      ...fake.more,
    ]);
    if (url.pathname === '/r4/plan/Patient/p1') return json(200, patient, 'application/fhir+json');
    if (url.pathname === '/r4/plan/Patient') return json(200, bundle([patient]), 'application/fhir+json');
    if (url.pathname === '/r4/plan/Patient/p1/$everything') {
      if (!fake.everything) return json(405, { resourceType: 'OperationOutcome' }, 'application/fhir+json');
      return json(200, first, 'application/fhir+json');
    }
    if (url.pathname === '/r4/plan' && url.searchParams.has('_link')) return json(200, second, 'application/fhir+json');
    if (url.pathname === '/r4/plan/Observation') {
      return json(200, bundle([observation('o1', '2014-05-01', weight)]), 'application/fhir+json');
    }
    json(200, bundle([]), 'application/fhir+json');
  };

  server.on('request', (request: IncomingMessage, response: ServerResponse) => void respond(request, response));
  return fake;
};

const metadata = (base: string): Readonly<Record<string, unknown>> => {
  const { origin } = new URL(base);
  return {
    issuer: base,
    authorization_endpoint: `${origin}/oauth2/authorize/plan`,
    token_endpoint: `${origin}/oauth2/token`,
    revocation_endpoint: `${origin}/oauth2/revoke`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  };
};
