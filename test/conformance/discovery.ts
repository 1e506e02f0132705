import { answer } from '../support/payer/answers.ts';
import { authorize, begin, locationOf, postAs } from './client.ts';
import { expectOAuthError, expectOutcome, expectSentBack } from './expectations.ts';
import { gatewayKey } from './local-config.ts';
import { onStage, promises, type Group, type Requirement } from './requirement.ts';
import { baseOf, type Target } from './target.ts';

type Document = Readonly<Record<string, unknown>>;

interface Metadata extends Document {
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly revocation_endpoint: string;
  readonly introspection_endpoint: string;
  readonly scopes_supported: readonly string[];
  readonly grant_types_supported: readonly string[];
  readonly response_types_supported: readonly string[];
  readonly response_modes_supported: readonly string[];
  readonly code_challenge_methods_supported: readonly string[];
  readonly token_endpoint_auth_methods_supported: readonly string[];
}

const document = async (url: string): Promise<Metadata> => {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/json');
  return (await response.json()) as Metadata;
};

const smart = (target: Target, payer?: string) => document(`${baseOf(target, payer)}/.well-known/smart-configuration`);
const serverMetadata = (target: Target) => document(`${baseOf(target)}/.well-known/oauth-authorization-server`);

const statement = async (target: Target, payer?: string): Promise<Document> => {
  const response = await fetch(`${baseOf(target, payer)}/metadata`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/fhir+json');
  return (await response.json()) as Document;
};

const documents: readonly Requirement[] = promises({
  'SMART App Launch 2.2: serves smart-configuration below the FHIR base without a token': onStage(async (target) => {
    const found = await smart(target);
    expect(found).toMatchObject({
      authorization_endpoint: `${target.origin}/oauth2/authorize/${target.payer}`,
      token_endpoint: `${target.origin}/oauth2/token`,
      revocation_endpoint: `${target.origin}/oauth2/revoke`,
      introspection_endpoint: `${target.origin}/oauth2/introspect`,
      grant_types_supported: ['authorization_code', 'refresh_token'],
      code_challenge_methods_supported: ['S256'],
    });
    expect(found['capabilities']).toEqual(
      expect.arrayContaining(['launch-standalone', 'client-public', 'permission-v2', 'context-standalone-patient']),
    );
  }),
  'SMART App Launch 2.2: omits issuer and jwks_uri from smart-configuration, since it issues no id_token': onStage(
    async (target) => {
      const found = await smart(target);
      expect(Object.keys(found)).not.toEqual(expect.arrayContaining(['issuer']));
      expect(Object.keys(found)).not.toEqual(expect.arrayContaining(['jwks_uri']));
      expect(found['capabilities']).not.toEqual(expect.arrayContaining(['sso-openid-connect']));
    },
  ),
  "RFC 8414 §3.3: names the FHIR base as issuer, at the RFC's path and below the base alike": onStage(
    async (target) => {
      const below = await serverMetadata(target);
      expect(below['issuer']).toBe(baseOf(target));
      expect(await document(`${target.origin}/.well-known/oauth-authorization-server/r4/${target.payer}`)).toEqual(
        below,
      );
    },
  ),
  'RFC 9207 §3: says that it sends iss': onStage(async (target) => {
    expect((await serverMetadata(target))['authorization_response_iss_parameter_supported']).toBe(true);
  }),
  'FHIR R4 http §2.21.0.13: serves an R4 CapabilityStatement without a token, with its own URLs and endpoints': onStage(
    async (target) => {
      const found = await statement(target);
      expect(found).toMatchObject({
        resourceType: 'CapabilityStatement',
        kind: 'instance',
        implementation: { url: baseOf(target) },
      });
      expect(String(found['fhirVersion'])).toMatch(/^4\.0\./);
      const text = JSON.stringify(found);
      for (const endpoint of ['authorize', 'token', 'revoke'])
        expect(text).toContain(`${target.origin}/oauth2/${endpoint}`);
    },
  ),
  'FHIR R4 http §2.21.0.13: lists no write interaction in its CapabilityStatement': onStage(async (target) => {
    const text = JSON.stringify(await statement(target));
    for (const code of ['create', 'update', 'patch', 'delete', 'transaction', 'batch'])
      expect(text).not.toContain(`"code":"${code}"`);
  }),
  'RFC 7517 §9.3: serves only public keys': onStage(async (target) => {
    const { keys } = (await (await fetch(`${target.origin}/oauth2/jwks/${target.payer}`)).json()) as {
      keys: Document[];
    };
    for (const key of keys)
      for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(key).not.toHaveProperty(member);
  }),
  'RFC 7523 §3: serves the key that a payer registers for private_key_jwt': async (target) => {
    const keySet = async (payer: string) => (await fetch(`${target.origin}/oauth2/jwks/${payer}`)).json();
    expect(await keySet('keyed-health')).toEqual({ keys: [gatewayKey.publicJwk] });
    expect(await keySet('clear-health')).toEqual({ keys: [] });
  },
  "FHIR R4 http §2.21.0.13: serves the payer's own statement without writes, and with the gateway's security": async (
    target,
  ) => {
    const resource = [{ type: 'Patient', interaction: [{ code: 'read' }, { code: 'update' }, { code: 'create' }] }];
    const rest = [
      {
        mode: 'server',
        security: { description: 'the-payers-own' },
        interaction: [{ code: 'transaction' }],
        resource,
      },
    ];
    const given = {
      resourceType: 'CapabilityStatement',
      fhirVersion: '4.0.1',
      status: 'active',
      kind: 'instance',
      publisher: 'The payer',
      rest,
    };
    target.payers.script('rotating-health', { r4: answer(200, given, { 'content-type': 'application/fhir+json' }) });
    const found = await statement(target, 'rotating-health');
    expect(found['publisher']).toBe('The payer');
    expect(JSON.stringify(found)).not.toMatch(/the-payers-own|"update"|"create"|"transaction"/);
    expect(JSON.stringify(found)).toContain('/oauth2/authorize/rotating-health');
  },
  "OWASP API10:2023: serves its own statement if the payer's requires a token": async (target) => {
    target.payers.script('keyed-health', { r4: answer(401, {}) });
    expect(await statement(target, 'keyed-health')).toMatchObject({
      implementation: { url: baseOf(target, 'keyed-health') },
    });
  },
  'OWASP API10:2023: sends no token and no credentials when it requests a payer’s statement': async (target) => {
    target.payers.script('slow-health', { r4: answer(401, {}) });
    await fetch(`${baseOf(target, 'slow-health')}/metadata`, { headers: { authorization: 'Bearer p2pa_something' } });
    const sent = target.payers.requests('slow-health', 'r4');
    expect(sent.map(({ path }) => path)).toEqual(['/metadata']);
    expect(sent[0]?.headers).not.toHaveProperty('authorization');
  },
});

const ways: readonly Requirement[] = promises({
  'RFC 9110 §15.5.6: answers 405 with Allow to a POST, and a HEAD without a body': onStage(async (target) => {
    const url = `${baseOf(target)}/.well-known/smart-configuration`;
    const posted = await fetch(url, { method: 'POST' });
    expect(posted.status).toBe(405);
    expect(posted.headers.get('allow')).toContain('GET');
    const head = await fetch(url, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
  }),
  'RFC 9110 §15.5.5: answers 404 for an unknown payer': onStage(async (target) => {
    const base = baseOf(target, 'no-such-payer');
    for (const url of [`${base}/.well-known/smart-configuration`, `${target.origin}/oauth2/jwks/no-such-payer`]) {
      expect((await fetch(url)).status).toBe(404);
    }
    expect(await (await fetch(`${base}/metadata`)).json()).toMatchObject({ resourceType: 'OperationOutcome' });
  }),
  'SMART App Launch 2.2: redirects a base with a trailing slash to the document': onStage(async (target) => {
    const response = await fetch(`${baseOf(target)}//.well-known/smart-configuration`, { redirect: 'manual' });
    expect(response.status).toBe(308);
    expect(locationOf(response).href).toBe(`${baseOf(target)}/.well-known/smart-configuration`);
  }),
  'SMART App Launch 2.2: opens discovery to every web page, with and without a preflight': onStage(async (target) => {
    for (const path of ['/.well-known/smart-configuration', '/metadata']) {
      for (const method of ['GET', 'OPTIONS']) {
        const response = await fetch(`${baseOf(target)}${path}`, {
          method,
          headers: { origin: 'https://any.example' },
        });
        expect(response.headers.get('access-control-allow-origin')).toBe('*');
        expect(response.headers.get('access-control-allow-credentials')).toBeNull();
      }
    }
  }),
});

const truth: readonly Requirement[] = promises({
  'RFC 8414 §2: serves every endpoint that it advertises': onStage(async (target) => {
    const found = await serverMetadata(target);
    expect((await fetch(found.authorization_endpoint, { redirect: 'manual' })).status).toBe(400);
    for (const url of [found.token_endpoint, found.revocation_endpoint, found.introspection_endpoint]) {
      await expectOAuthError(await fetch(url), 405, 'invalid_request');
    }
  }),
  'RFC 8414 §2: accepts each response type and challenge method that it advertises, and refuses the others': onStage(
    async (target) => {
      const found = await serverMetadata(target);
      for (const type of found.response_types_supported)
        expect((await begin(target, { response_type: type })).state).not.toBe('');
      for (const method of found.code_challenge_methods_supported) {
        expect((await begin(target, { code_challenge_method: method })).state).not.toBe('');
      }
      for (const type of ['token', 'id_token', 'code token', 'none']) {
        expect(found.response_types_supported).not.toContain(type);
        expectSentBack(target, await authorize(target, { response_type: type }), 'unsupported_response_type');
      }
      expect(found.code_challenge_methods_supported).not.toContain('plain');
    },
  ),
  'RFC 8414 §2: accepts each response mode that it advertises, and refuses the others': onStage(async (target) => {
    const found = await serverMetadata(target);
    for (const mode of found.response_modes_supported)
      expect((await begin(target, { response_mode: mode })).state).not.toBe('');
    for (const mode of ['fragment', 'form_post', 'jwt']) {
      expect(found.response_modes_supported).not.toContain(mode);
      expectSentBack(target, await authorize(target, { response_mode: mode }), 'invalid_request');
    }
  }),
  'RFC 8414 §2: accepts each grant type that it advertises, and refuses the others': onStage(async (target) => {
    const found = await serverMetadata(target);
    for (const type of found.grant_types_supported) {
      await expectOAuthError(
        await postAs(target, target.portal, 'token', { grant_type: type }),
        400,
        'invalid_request',
      );
    }
    for (const other of ['password', 'urn:ietf:params:oauth:grant-type:device_code']) {
      expect(found.grant_types_supported).not.toContain(other);
      await expectOAuthError(
        await postAs(target, target.portal, 'token', { grant_type: other }),
        400,
        'unsupported_grant_type',
      );
    }
    expect(found.grant_types_supported).not.toContain('client_credentials');
  }),
  'RFC 8414 §2: accepts each scope that it advertises': async (target) => {
    for (const scope of (await serverMetadata(target)).scopes_supported) {
      expect((await begin(target, { scope: `${scope} patient/Patient.rs` })).state).not.toBe('');
    }
  },
  'RFC 8414 §2: describes each facade correctly': async (target) => {
    const found = await smart(target, 'plain-health');
    expect(found.authorization_endpoint).toBe(`${target.origin}/oauth2/authorize/plain-health`);
  },
  'RFC 8414 §2: does not serve what it does not advertise: no registration, no device flow, no userinfo': onStage(
    async (target) => {
      for (const path of ['register', 'device_authorization', 'userinfo', 'par']) {
        expect((await fetch(`${target.origin}/oauth2/${path}`, { method: 'POST' })).status).toBe(404);
      }
      expect(Object.keys(await serverMetadata(target)).join()).not.toMatch(/registration|device|userinfo|pushed/);
    },
  ),
  'FHIR R4 http §2.21.0.2: answers an unknown path below the base with an OperationOutcome': onStage(async (target) => {
    await expectOutcome(await fetch(`${baseOf(target)}/.well-known/no-such-document`), 404);
  }),
});

/** What a partner needs to know before it has a token. */
export const discoveryGroup: Group = { endpoint: 'discovery', requirements: [...documents, ...ways, ...truth] };
