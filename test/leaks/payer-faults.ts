import type { Outcome, PayerAnswer } from '../support/payer/answers.ts';
import { asPartner, comeBack, connect, read, start, type Connection } from './flows.ts';
import type { Garden } from './garden.ts';
import type { Question } from './payer.ts';
import type { Setting } from './setting.ts';

const loud = (garden: Garden): Record<string, string> => ({
  server: garden.canary('payer error'),
  'www-authenticate': `Bearer error_description="${garden.canary('payer error')}"`,
  'set-cookie': `session=${garden.canary('payer error')}`,
  'x-trace': garden.canary('payer error'),
});

/**
 * Every fault in a payer's answer, with canaries in every text of it.
 * @param kind what a good status and type promise: a read passes on such a body, byte by byte
 */
const payerFaults = (
  garden: Garden,
  kind: 'payer error' | 'resource' = 'payer error',
): Readonly<Record<string, Outcome>> => {
  const say = (): string => garden.canary('payer error');
  const sayInBody = (): string => garden.canary(kind);
  // The answer around it is odd, but this token is good, and is sent back to the payer.
  const goodToken = (): string => garden.canary(kind === 'resource' ? kind : 'payer token');
  const answer = (status: number, type: string, body: string, headers = {}): PayerAnswer => ({
    status,
    headers: { 'content-type': type, ...loud(garden), ...headers },
    body,
  });
  const json = (status: number, value: unknown, headers = {}): PayerAnswer =>
    answer(status, 'application/json', JSON.stringify(value), headers);
  const oauthError = (status: number, error: string): PayerAnswer =>
    json(status, { error, error_description: say(), error_uri: `https://${say()}.example.org/`, [say()]: say() });
  const issue = { severity: 'error', code: say(), diagnostics: say() };
  return {
    'a 500 with JSON': json(500, { message: say(), stack: say() }),
    'a 500 with HTML': answer(500, 'text/html', `<h1>${say()}</h1>`),
    'a 502 without a type': answer(502, '', say()),
    'a 503': answer(503, 'text/plain', say(), { 'retry-after': say() }),
    'a 429': answer(429, 'text/plain', say(), { 'retry-after': say() }),
    invalid_grant: oauthError(400, 'invalid_grant'),
    invalid_client: oauthError(401, 'invalid_client'),
    'an unknown error': oauthError(400, say()),
    'a 401 with HTML': answer(401, 'text/html', `<h1>${say()}</h1>`),
    'a 403 with HTML': answer(403, 'text/html', `<h1>${say()}</h1>`),
    'a 404 with JSON that is not an OperationOutcome': json(404, { issue: [issue] }),
    HTML: answer(200, 'text/html', `<h1>${say()}</h1>`),
    'HTML that says it is JSON': answer(200, 'application/json', `<h1>${sayInBody()}</h1>`),
    'truncated JSON': answer(200, 'application/json', `{"access_token":"${sayInBody()}","${sayInBody()}`),
    'JSON that is not an object': json(200, [sayInBody()]),
    'a token of another type': json(200, { access_token: { [sayInBody()]: sayInBody() }, token_type: sayInBody() }),
    'another token type': json(200, { access_token: goodToken(), token_type: sayInBody() }),
    'an absurd life': json(200, { access_token: goodToken(), expires_in: sayInBody() }),
    'a scope of another type': json(200, { access_token: goodToken(), scope: [sayInBody()] }),
    'no token': json(200, { [sayInBody()]: sayInBody() }),
    'a redirect': answer(302, 'text/html', say(), { location: `https://${say()}.example.org/${say()}` }),
    'a cut answer': {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: `{"x":"${garden.canary('resource')}`,
      cut: true,
    },
    'a time-out': 'no answer',
    'a broken connection': 'reset',
  };
};

/** A payer's own refusal of a read: the only error of a payer that is passed on. */
const outcome = (garden: Garden): PayerAnswer => ({
  status: 404,
  headers: { 'content-type': 'application/fhir+json', ...loud(garden) },
  body: JSON.stringify({
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'error', code: 'not-found', diagnostics: garden.canary('payer outcome') }],
  }),
});

const login = async (setting: Setting, payer: string): Promise<void> => {
  await comeBack(setting, await start(setting, payer));
};

/** What calls each endpoint of a payer. */
const callers: Readonly<Record<string, readonly [Question, (setting: Setting) => Promise<unknown>]>> = {
  'code exchange': ['token', (setting) => login(setting, 'northwind')],
  'patient look-up': ['patient', (setting) => login(setting, 'demo-health-plan')],
};

/** Refreshes payer tokens and reads, while these fail. */
const readUnder = async (
  setting: Setting,
  endpoint: Question,
  fault: Outcome,
  known: Connection,
): Promise<Connection> => {
  setting.payer.behave(endpoint, fault);
  const { status } = await read(setting, known, 'Observation', { query: [['code', setting.garden.canary('search')]] });
  setting.payer.behave(endpoint, undefined);
  // A confirmed refusal ends the grant.
  return status === 401 || status === 403 ? connect(setting, 'northwind') : known;
};

/** Every fault at every endpoint of the payer. */
export const everyPayerFault = async (setting: Setting): Promise<void> => {
  const { garden, payer } = setting;
  for (const [endpoint, call] of Object.values(callers)) {
    for (const fault of Object.values(payerFaults(garden))) {
      payer.behave(endpoint, fault);
      await call(setting);
      payer.behave(endpoint, undefined);
    }
  }
  let known = await connect(setting, 'northwind');
  for (const endpoint of ['token', 'read'] as const) {
    const faults = payerFaults(garden, endpoint === 'read' ? 'resource' : 'payer error');
    for (const fault of Object.values(faults)) known = await readUnder(setting, endpoint, fault, known);
  }
  await readUnder(setting, 'read', outcome(garden), known);
  for (const fault of Object.values(payerFaults(garden)).slice(0, 4)) {
    const { access } = await connect(setting, 'northwind');
    payer.behave('revoke', fault);
    await asPartner(setting, 'revoke', { token: access });
    payer.behave('revoke', undefined);
  }
  for (const error of ['access_denied', 'temporarily_unavailable', garden.canary('payer error')]) {
    await comeBack(setting, await start(setting, 'northwind'), {
      error,
      error_description: garden.canary('payer error'),
      error_uri: `https://${garden.canary('payer error')}.example.org`,
    });
  }
};
