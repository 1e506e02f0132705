import type { CatalogedPayer } from './fact.ts';

const portal = { url: 'https://cmsapiportal.hmhs.com/getting-started', date: '2026-11-30' };
const sandbox = { url: 'https://cmsapiportalqa.hmhs.com/highmark-getting-started', date: '2026-11-30' };

const inCatalog = 'the portal’s API catalog has it, which only registered developers can read';

export const highmark: CatalogedPayer = {
  id: 'highmark',
  displayName: 'Highmark',
  environment: 'production',
  status: 'published, not tried',
  facts: [],
  missing: [
    { field: 'fhirBaseUrl', why: inCatalog },
    {
      field: 'furtherBases',
      why: 'ESI Patient Access has a base of its own, which the catalog has; of its types (AllergyIntolerance, Condition, Observation, Procedure) the source does not say which Patient Access has too',
    },
    { field: 'authorizationEndpoint', why: inCatalog },
    { field: 'tokenEndpoint', why: inCatalog },
    { field: 'clientAuthentication', why: inCatalog },
    { field: 'scopes', why: inCatalog },
    { field: 'patientFrom', why: inCatalog },
    { field: 'quirks.aud', why: inCatalog },
    { field: 'quirks.pkce', why: inCatalog },
    {
      field: 'quirks.secretHeaders',
      why: 'the sandbox takes an API key in place of OAuth; the header’s name was not read',
    },
  ],
  remarks: [
    {
      text: 'A record is in two APIs: claims and clinical data in Patient Access, and what its pharmacy benefits manager has (allergies, conditions, observations, procedures) in ESI Patient Access.',
      source: portal,
    },
    { text: 'The sandbox asks for no OAuth credentials, only for an API key.', source: sandbox },
  ],
};
