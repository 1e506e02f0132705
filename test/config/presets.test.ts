import { examplePublicKey } from '../../config/examples.ts';
import { oneUpDemo, smart } from '../../config/presets.ts';

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
