import { answer, answerText, bundleOf, tokens, type Outcome, type Script } from '../support/payer/answers.ts';
import { codeCalls } from './at-payer.ts';
import { begin, comeBack, connect, login, read } from './client.ts';
import { expectSentBack } from './expectations.ts';
import { inProcesses, localRequirement, promises, type Requirement } from './requirement.ts';
import { patientId, tokenAnswer } from './scripted-payer.ts';

/** Faults of a payer's token endpoint: what it does, and what the partner is told. */
const faults: readonly (readonly [string, Script | Outcome, string])[] = [
  ['answers 500', answer(500, { error: 'server_error' }), 'temporarily_unavailable'],
  ['answers 429', answer(429, {}), 'temporarily_unavailable'],
  ['cuts the connection', 'reset', 'temporarily_unavailable'],
  ['answers in HTML', answerText(200, '<html>Sign in</html>', { 'content-type': 'text/html' }), 'server_error'],
  [
    'answers in truncated JSON',
    answerText(200, '{"access_token":"payer-access-canary', { 'content-type': 'application/json' }),
    'server_error',
  ],
  ['gives no access token', answer(200, { token_type: 'Bearer' }), 'server_error'],
  ['gives a token of another type', tokens({ token_type: 'mac' }), 'server_error'],
  ['gives a token that no header can carry', tokens({ access_token: 'a b' }), 'server_error'],
  ['names no patient, against its profile', tokens({ patient: undefined }), 'server_error'],
  ['names a patient by an object', tokens({ patient: { id: 'pat-1' } }), 'server_error'],
  ['names an empty patient', tokens({ patient: '' }), 'server_error'],
  ['names a patient of another server', tokens({ patient: 'https://evil.example/Patient/pat-1' }), 'server_error'],
  ['gives a scope that is a number', tokens({ scope: 5 }), 'access_denied'],
  ['gives an empty scope', tokens({ scope: '' }), 'access_denied'],
  ['refuses the code', answer(400, { error: 'invalid_grant' }), 'server_error'],
  ['answers 300 KB', answer(200, tokenAnswer({ filler: 'x'.repeat(300_000) })), 'server_error'],
];

/** Oddities in a payer's token answer that has a usable access token. */
const oddities: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['an expires_in of ten thousand years', { expires_in: 315_360_000_000 }],
  ['a negative expires_in', { expires_in: -1 }],
  ['an expires_in that is not a number', { expires_in: 'never' }],
  ['another token_type', { token_type: 'BearerToken' }],
  ['no token_type', { token_type: undefined }],
  ['a scope that is a list', { scope: ['launch/patient', 'patient/*.rs', 'offline_access'] }],
  ['a scope that is null', { scope: null }],
  ['an empty refresh_token', { refresh_token: '' }],
  ['a malformed id_token', { id_token: 5 }],
  ['its patient as a reference', { patient: `Patient/${patientId}` }],
];

/** A payer's token endpoint out of order. */
export const payerFaults: readonly Requirement[] = [
  ...oddities.map(([oddity, change]) =>
    localRequirement(
      'RFC 6749 §5.1',
      `issues a grant despite ${oddity} in a payer's token answer, and keeps the grant if a refresh is answered that way`,
      async (target) => {
        target.payers.script('clear-health', { token: tokens(change) });
        const issued = await connect(target);
        expect(issued.patient).toBe(patientId);
        expect((await read(target, '/Patient', issued.access_token)).status).toBe(200);
        target.payers.script('clear-health', { token: tokens() });
        const { access_token: token } = await connect(target);
        const renewed = 'payer-access-canary-renewed';
        target.payers.script('clear-health', {
          token: tokens({ access_token: renewed, ...change }),
          r4: (request) => answer(request.headers.authorization === `Bearer ${renewed}` ? 200 : 401, bundleOf()),
        });
        expect((await read(target, '/Patient', token)).status).toBe(200);
      },
    ),
  ),
  ...faults.map(([fault, token, error]) =>
    localRequirement(
      'RFC 6749 §4.1.2.1',
      `tells the partner ${error} if the payer's token endpoint ${fault}, and sends the code once`,
      async (target) => {
        target.payers.script('clear-health', { token });
        expectSentBack(target, await comeBack(await begin(target)), error);
        expect(codeCalls(target)).toBe(1);
      },
    ),
  ),
  ...promises({
    "RFC 6749 §4.1.2.1: tells the partner temporarily_unavailable if the payer's token endpoint is silent for 10 s, and sends the code once":
      inProcesses(async (target) => {
        target.payers.script('clear-health', { token: 'no answer' });
        expectSentBack(target, await comeBack(await begin(target)), 'temporarily_unavailable');
        expect(codeCalls(target)).toBe(1);
      }),
    "OWASP ASVS 15.3.2: does not follow a redirect of the payer's token endpoint": async (target) => {
      const elsewhere = `${target.payers.origin}/elsewhere/token`;
      target.payers.script('clear-health', { token: answer(307, {}, { location: elsewhere }) });
      expectSentBack(target, await comeBack(await begin(target)), 'server_error');
      expect(target.payers.requests('elsewhere', 'token')).toEqual([]);
    },
    'AWS Secrets Manager rotation: rereads a rotated payer secret after invalid_client, and tries once more': async (
      target,
    ) => {
      const as = { payer: 'rotating-health' };
      await login(target, {}, as);
      target.setSecret(as.payer, { client_secret: 'rotating-health-new-secret-canary' });
      target.payers.takeSecret(as.payer, 'rotating-health-new-secret-canary');
      target.payers.reset();
      expect((await login(target, {}, as)).code).toMatch(/^p2pc_/);
      expect(codeCalls(target, as.payer)).toBe(2);
    },
    'RFC 6749 §4.1.2.1: tells the partner temporarily_unavailable if the payer accepts no secret of ours, after two tries':
      async (target) => {
        target.payers.script('clear-health', { token: answer(401, { error: 'invalid_client' }) });
        expectSentBack(target, await comeBack(await begin(target)), 'temporarily_unavailable');
        expect(codeCalls(target)).toBe(2);
      },
    "OWASP ASVS 16.5.3: tells the partner temporarily_unavailable if a payer's secret is missing; other payers still work":
      async (target) => {
        const as = { payer: 'unready-health' };
        expectSentBack(target, await comeBack(await begin(target, {}, as)), 'temporarily_unavailable', as.payer);
        expect(codeCalls(target, as.payer)).toBe(0);
        expect((await login(target)).code).toMatch(/^p2pc_/);
      },
  }),
];
