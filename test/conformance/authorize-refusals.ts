import { repeated } from './authorize-trust.ts';
import { authorize, connect } from './client.ts';
import { expectSentBack } from './expectations.ts';
import { onStage, promises, type Requirement } from './requirement.ts';
import { baseOf } from './target.ts';
import { untouched } from './untouched.ts';

/** By error and by source and promise, the parameters that differ from a good request. */
const refusals: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string | undefined>>>>>> = {
  invalid_request: {
    'RFC 7636 §4.4.1: refuses a missing code_challenge': {
      code_challenge: undefined,
      code_challenge_method: undefined,
    },
    'RFC 9700 §2.1.1: refuses the challenge method plain': { code_challenge_method: 'plain' },
    'RFC 7636 §4.3: treats a missing challenge method as plain, and refuses it': { code_challenge_method: undefined },
    'RFC 7636 §4.2: refuses a challenge that is too short': { code_challenge: 'short' },
    'RFC 7636 §4.2: refuses a challenge that is not base64url': { code_challenge: `${'a'.repeat(42)}=` },
    'OWASP ASVS 10.4.12: refuses response_mode=form_post': { response_mode: 'form_post' },
    'OWASP ASVS 10.4.12: refuses response_mode=fragment': { response_mode: 'fragment' },
    'RFC 8414 §2: refuses request objects, which it does not advertise': { request: 'eyJhbGciOiJub25lIn0.e30.' },
    'RFC 8414 §2: refuses request_uri, and fetches none': { request_uri: 'http://169.254.169.254/' },
    'SMART App Launch 2.2: refuses an aud that is another FHIR server': { aud: 'https://evil.example/r4' },
    'SMART App Launch 2.2: refuses an aud that only starts with the FHIR base': { aud: 'BASE.evil.example' },
    'RFC 8707 §2: refuses a resource that is another FHIR server': {
      aud: undefined,
      resource: 'https://evil.example/r4',
    },
    'OWASP ASVS 2.2.1: refuses a state over 2048 characters, which would break the redirect': {
      state: 'x'.repeat(2049),
    },
  },
  unsupported_response_type: {
    'RFC 6749 §3.1.1: refuses response_type=token': { response_type: 'token' },
    'RFC 6749 §3.1.1: refuses response_type="code id_token"': { response_type: 'code id_token' },
  },
  invalid_scope: {
    'RFC 6749 §3.3: refuses a scope that writes': { scope: 'patient/*.cruds' },
    'RFC 6749 §3.3: refuses a v1 scope that writes': { scope: 'patient/Observation.write' },
    'RFC 6749 §3.3: refuses a scope of another context': { scope: 'system/*.rs' },
    'RFC 6749 §3.3: refuses a scope that the partner is not registered for': { scope: 'admin' },
    'OpenID Connect Core §3.1.2.1: refuses openid, since it issues no id_token': { scope: 'openid fhirUser' },
    'SMART App Launch 2.2: refuses granular scopes, which it cannot enforce': {
      scope: 'patient/Observation.rs?category=laboratory',
    },
    'RFC 6749 §3.3: refuses a scope that reads nothing': { scope: 'offline_access' },
  },
};

/** What is told to the partner by redirect. */
export const afterTrust: readonly Requirement[] = [
  ...Object.entries(refusals).flatMap(([error, asked]) =>
    Object.entries(asked).flatMap(([promise, change]) =>
      promises({
        [`${promise}, and tells the partner: ${error}`]: onStage(async (target) => {
          const aud = change['aud']?.replace('BASE', baseOf(target));
          const response = await authorize(target, 'aud' in change ? { ...change, aud } : change, { app: target.app });
          expectSentBack(target, response, error);
        }),
      }),
    ),
  ),
  ...promises({
    'RFC 6749 §5.2: names the scope that it refuses, in plain ASCII, whatever it contains': onStage(async (target) => {
      const answer = await authorize(target, { scope: 'openid "é\\<b>' }, { app: target.app });
      const text = expectSentBack(target, answer, 'invalid_scope').searchParams.get('error_description') ?? '';
      expect(text).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
      expect(text).toContain('openid');
      expect(text).not.toContain('<');
    }),
    'RFC 6749 §3.3: grants the allowed part of the requested scope, without duplicates, and reports it in scope':
      async (target) => {
        const many = 'patient/Condition.read '.repeat(100);
        const asked = `openid fhirUser launch/patient ${many}patient/*.rs patient/*.cruds patient/Claim.rs?x=y system/*.rs`;
        expect((await connect(target, { scope: asked })).scope).toBe(
          'launch/patient patient/Condition.read patient/*.rs',
        );
        const as = { app: target.apps.narrow };
        const { scope } = await connect(target, { scope: 'openid patient/*.rs offline_access' }, as);
        expect(scope).toBe('patient/Patient.rs patient/Observation.r offline_access');
      },
    'RFC 6749 §3.1: refuses a repeated parameter, and tells the partner: invalid_request': onStage(async (target) => {
      expectSentBack(target, await repeated(target, 'code_challenge'), 'invalid_request');
    }),
    'RFC 6749 §3.1: refuses a repeated state, and sends neither back': onStage(async (target) => {
      expect(expectSentBack(target, await repeated(target, 'state'), 'invalid_request').searchParams.has('state')).toBe(
        false,
      );
    }),
    "RFC 6749 §4.1.2.1: returns the partner's state unchanged with an error": onStage(async (target) => {
      const state = ' a+b&c=d/é"<>%41';
      const back = expectSentBack(
        target,
        await authorize(target, { state, response_type: 'token' }),
        'unsupported_response_type',
      );
      expect(back.searchParams.get('state')).toBe(state);
      expect(back.searchParams.get('error_description')).toMatch(/\S/);
    }),
    'RFC 6749 §4.1.2.1: refuses a partner that may not read from this payer: unauthorized_client': (target) =>
      untouched(target, async () => {
        const as = { app: target.apps.onePayer, payer: 'plain-health' };
        expectSentBack(target, await authorize(target, {}, as), 'unauthorized_client', as.payer);
      }),
    'OWASP ASVS 10.4.1: asks no payer and remembers nothing if it refuses a request': (target) =>
      untouched(target, async () => {
        for (const change of Object.values(refusals).flatMap((all) => Object.values(all))) {
          await authorize(target, change, { app: target.app });
        }
      }),
  }),
];
