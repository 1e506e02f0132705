import { checkStage } from '../../config/checks/check-stage.ts';
import { examplePublicKey } from '../../config/examples.ts';
import { oneUpDemo, smart } from '../../config/presets.ts';
import {
  blueButton,
  blueButtonV3,
  clear,
  epic,
  hapi,
  idMe,
  idMeSandbox,
  oracleHealth,
} from '../../config/product-presets.ts';
import { payerAuthorizeUrl } from '../../functions/shared/payer/authorize-url.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { sha256 } from '../../functions/shared/store/crypto.ts';

describe('preset smart', () => {
  const inputs = {
    id: 'plan',
    displayName: 'Plan',
    clientId: 'gateway',
    fhirBaseUrl: 'https://plan.example.org/r4',
    authorizationEndpoint: 'https://plan.example.org/authorize',
    tokenEndpoint: 'https://plan.example.org/token',
  };
  const quirks = {
    responseType: true,
    aud: true,
    pkce: true,
    redirectUriAtToken: true,
    extraAuthorizeParameters: {},
    signInOrigins: [],
  };

  it('turns everything on, and authenticates with Basic if there is no key', () => {
    expect(smart(inputs)).toStrictEqual({
      ...inputs,
      fhirBaseUrlAliases: [],
      sendsIss: false,
      clientAuthentication: 'client_secret_basic',
      publicKeys: [],
      scopes: ['launch/patient', 'patient/*.rs', 'offline_access'],
      everything: true,
      patientFrom: 'token',
      quirks,
    });
  });

  it('authenticates with a key if there is one', () => {
    expect(smart({ ...inputs, publicKeys: [examplePublicKey] })).toMatchObject({
      clientAuthentication: 'private_key_jwt',
      publicKeys: [examplePublicKey],
    });
  });

  it('expects iss from a payer that has an issuer, unless told otherwise', () => {
    const issuer = 'https://plan.example.org';

    expect(smart({ ...inputs, issuer })).toMatchObject({ issuer, sendsIss: true });
    expect(smart({ ...inputs, issuer, sendsIss: false })).toMatchObject({ issuer, sendsIss: false });
  });

  it('takes every other field of a payer as it is', () => {
    const fields = {
      clientAuthentication: 'none',
      everything: false,
      patientFrom: 'id_token',
      patientMember: 'sub',
      jwksUri: 'https://plan.example.org/keys',
      smartConfigurationUrl: 'https://plan.example.org/.well-known/smart-configuration',
      wholeRecord: { searches: ['Coverage'] },
      pagingParameters: ['cursor'],
      ownScopes: ['claims.read'],
      consentLifetime: 7776000,
      linesOfBusiness: ['Medicaid'],
    } as const;

    expect(smart({ ...inputs, ...fields })).toMatchObject(fields);
  });

  it('accepts scopes, aliases and single quirks instead of its defaults', () => {
    const payer = smart({
      ...inputs,
      scopes: ['patient/*.read'],
      fhirBaseUrlAliases: ['http://internal/fhir'],
      quirks: { extraAuthorizeParameters: { prompt: 'login' } },
    });

    expect(payer.scopes).toEqual(['patient/*.read']);
    expect(payer.fhirBaseUrlAliases).toEqual(['http://internal/fhir']);
    expect(payer.quirks).toEqual({ ...quirks, extraAuthorizeParameters: { prompt: 'login' } });
  });
});

describe('preset oneUpDemo', () => {
  const named = { id: 'plan', displayName: 'Plan', clientId: 'gateway' };
  const inputs = { ...named, authOrigin: 'https://auth.example.org', apiOrigin: 'https://api.example.org' };

  it('builds the payer of the testing page', () => {
    expect(oneUpDemo(inputs)).toStrictEqual({
      ...named,
      fhirBaseUrl: 'https://api.example.org/r4',
      fhirBaseUrlAliases: [],
      authorizationEndpoint: 'https://auth.example.org/oauth2/authorize/payer2payer',
      tokenEndpoint: 'https://auth.example.org/oauth2/token',
      sendsIss: false,
      clientAuthentication: 'client_secret_post',
      publicKeys: [],
      scopes: [],
      everything: true,
      patientFrom: 'search',
      quirks: {
        responseType: false,
        aud: false,
        pkce: false,
        redirectUriAtToken: false,
        extraAuthorizeParameters: {},
        signInOrigins: [],
      },
    });
  });

  it('accepts another system, and the reason for no PKCE', () => {
    const payer = oneUpDemo({ ...inputs, system: 'plan7', pkceOffReason: 'It refuses the parameter.' });

    expect(payer.authorizationEndpoint).toBe('https://auth.example.org/oauth2/authorize/plan7');
    expect(payer.quirks.pkceOffReason).toBe('It refuses the parameter.');
  });
});

const named = { id: 'plan', displayName: 'Plan', clientId: 'gateway' };
const endpoints = {
  fhirBaseUrl: 'https://plan.example.org/fhir',
  authorizationEndpoint: 'https://plan.example.org/authorize',
  tokenEndpoint: 'https://plan.example.org/token',
};
const tenant = 'ec2458f2-1e24-41c8-b71b-0e701af7583d';

const presets: Readonly<Record<string, Payer>> = {
  smart: smart({ ...named, ...endpoints }),
  epic: epic({ ...named, server: 'https://fhir.plan.example.org/interconnect', publicKeys: [examplePublicKey] }),
  oracleHealth: oracleHealth({ ...named, tenant }),
  hapi: hapi({ ...named, ...endpoints }),
  oneUpDemo: oneUpDemo({ ...named, authOrigin: 'https://auth.example.org', apiOrigin: 'https://api.example.org' }),
  blueButton: blueButton(named),
  blueButtonV3: blueButtonV3({ ...named, publicKeys: [examplePublicKey] }),
};
const of = (name: string): Payer => {
  const payer = presets[name];
  if (payer === undefined) throw new Error(name);
  return payer;
};

/** The parameters of the authorize URL, and the URL without them. */
const authorize = (payer: Payer): { url: string; parameters: Record<string, string> } => {
  const url = new URL(payerAuthorizeUrl('https://gateway.test', payer, { state: 's', verifier: 'v' }));
  return { url: url.origin + url.pathname, parameters: Object.fromEntries(url.searchParams) };
};
const always = { client_id: 'gateway', redirect_uri: 'https://gateway.test/oauth2/callback/plan', state: 's' };
const code = { ...always, response_type: 'code' };
const pkce = { code_challenge: sha256('v'), code_challenge_method: 'S256' };

describe('each preset', () => {
  it.each(Object.keys(presets))('%s passes the check, and the check changes nothing in it', (name) => {
    const identityProviders = [clear, idMe, idMeSandbox];
    const stage = { stage: 'x', production: false, identityProviders, payers: [of(name)], partners: [] };
    const { payers } = checkStage(stage, 'x');

    expect(payers).toEqual([of(name)]);
  });

  it.each<[string, string, Record<string, string>]>([
    [
      'smart',
      'https://plan.example.org/authorize',
      { ...code, ...pkce, aud: 'https://plan.example.org/fhir', scope: 'launch/patient patient/*.rs offline_access' },
    ],
    [
      'epic',
      'https://fhir.plan.example.org/interconnect/oauth2/authorize',
      {
        ...code,
        ...pkce,
        aud: 'https://fhir.plan.example.org/interconnect/api/FHIR/R4',
        scope: 'openid fhirUser profile',
      },
    ],
    [
      'oracleHealth',
      `https://authorization.cerner.com/tenants/${tenant}/protocols/oauth2/profiles/smart-v1/personas/patient/authorize`,
      {
        ...code,
        ...pkce,
        aud: `https://fhir-myrecord.cerner.com/r4/${tenant}`,
        scope: expect.stringMatching(/^launch\/patient offline_access patient\/Patient\.read (?!.*\*)/),
      },
    ],
    [
      'hapi',
      'https://plan.example.org/authorize',
      { ...code, ...pkce, aud: 'https://plan.example.org/fhir', scope: 'launch/patient patient/*.rs offline_access' },
    ],
    ['oneUpDemo', 'https://auth.example.org/oauth2/authorize/payer2payer', always],
    [
      'blueButton',
      'https://sandbox.bluebutton.cms.gov/v2/o/authorize/',
      {
        ...code,
        ...pkce,
        scope: 'launch/patient patient/Patient.read patient/Coverage.read patient/ExplanationOfBenefit.read',
      },
    ],
  ])('%s sends a browser to %s with its parameters', (name, url, parameters) => {
    const { nonce: _, ...sent } = authorize(of(name)).parameters;

    expect([authorize(of(name)).url, sent]).toEqual([url, parameters]);
  });
});

describe('preset epic', () => {
  it('authenticates with a key, reads type by type with categories, and asks for the older media type', () => {
    expect(of('epic')).toMatchObject({
      issuer: 'https://fhir.plan.example.org/interconnect/oauth2',
      tokenEndpoint: 'https://fhir.plan.example.org/interconnect/oauth2/token',
      clientAuthentication: 'private_key_jwt',
      everything: false,
      quirks: { fhirMediaType: 'application/json+fhir' },
    });
    expect(of('epic').wholeRecord?.searches).toEqual(
      expect.arrayContaining(['Observation?category=laboratory', 'Observation?category=vital-signs']),
    );
  });

  it('takes other scopes and quirks in place of its own', () => {
    const payer = epic({
      ...named,
      server: 'https://fhir.plan.example.org/x',
      publicKeys: [examplePublicKey],
      scopes: ['launch/patient', 'patient/*.rs'],
      quirks: { timeToFirstByte: 90 },
    });

    expect(payer.scopes).toEqual(['launch/patient', 'patient/*.rs']);
    expect(payer.quirks).toMatchObject({ fhirMediaType: 'application/json+fhir', timeToFirstByte: 90, pkce: true });
  });
});

describe('preset oracleHealth', () => {
  it('has the tenant in each endpoint, and a scope for every type that it reads', () => {
    const {
      fhirBaseUrl,
      issuer = '',
      authorizationEndpoint,
      tokenEndpoint,
      revocationEndpoint = '',
    } = of('oracleHealth');
    const { scopes, wholeRecord, clientAuthentication } = of('oracleHealth');

    for (const url of [fhirBaseUrl, issuer, authorizationEndpoint, tokenEndpoint, revocationEndpoint]) {
      expect(url).toContain(tenant);
    }
    for (const type of wholeRecord?.searches ?? []) expect(scopes).toContain(`patient/${type}.read`);
    expect(wholeRecord?.searches?.length).toBeGreaterThan(15);
    expect(clientAuthentication).toBe('client_secret_basic');
  });
});

describe('preset hapi', () => {
  it('has $everything, and takes the parameters by which HAPI pages', () => {
    expect(of('hapi')).toMatchObject({ everything: true, pagingParameters: expect.arrayContaining(['_getpages']) });
  });
});

describe('preset blueButton', () => {
  it('reads claims, and takes the patient from the token answer', () => {
    expect(of('blueButton')).toMatchObject({
      fhirBaseUrl: 'https://sandbox.bluebutton.cms.gov/v2/fhir',
      tokenEndpoint: 'https://sandbox.bluebutton.cms.gov/v2/o/token/',
      clientAuthentication: 'client_secret_basic',
      patientFrom: 'token',
      everything: false,
      wholeRecord: { searches: ['Coverage', 'ExplanationOfBenefit'] },
      pagingParameters: ['startIndex'],
    });
  });

  it.each([
    ['13 months', 33_955_200],
    ['10 hours', 36_000],
    ['research', undefined],
  ] as const)('ends a grant with the consent of an app for %s', (access, seconds) => {
    expect(blueButton({ ...named, access }).consentLifetime).toBe(seconds);
  });

  it('is at another host in production', () => {
    const { fhirBaseUrl, issuer } = blueButton({ ...named, environment: 'production' });

    expect([fhirBaseUrl, issuer]).toEqual(['https://api.bluebutton.cms.gov/v2/fhir', 'https://api.bluebutton.cms.gov']);
  });
});

// The paths, lifetimes and issuers are those of CMSgov/bluebutton-web-server at ba0c6856 (2026-08-21).
describe('preset blueButtonV3', () => {
  it('signs an assertion for the token endpoint to the letter, and has a secret for codes and refreshes', () => {
    expect(of('blueButtonV3')).toMatchObject({
      fhirBaseUrl: 'https://sandbox.bluebutton.cms.gov/v3/fhir',
      tokenEndpoint: 'https://sandbox.bluebutton.cms.gov/v3/o/token',
      revocationEndpoint: 'https://sandbox.bluebutton.cms.gov/v3/o/revoke_token/',
      clientAuthentication: 'client_secret_basic',
      identitySignIn: {
        issuers: ['https://verified.clearme.com/integrations', 'https://api.idmelabs.com/oidc'],
        consentLifetime: 7_776_000,
      },
    });
  });

  it('takes tokens of ID.me itself in production', () => {
    const payer = blueButtonV3({ ...named, publicKeys: [examplePublicKey], environment: 'production' });

    expect(payer.tokenEndpoint).toBe('https://api.bluebutton.cms.gov/v3/o/token');
    expect(payer.identitySignIn?.issuers).toEqual([clear.issuer, 'https://api.id.me/oidc']);
  });
});
