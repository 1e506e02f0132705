import { factsFrom, type CatalogedPayer } from './fact.ts';
import { apiEvangelist } from './sources.ts';

const collected = (path: string) =>
  apiEvangelist('centene', '80dbcbc8acd92acd16ebd2382304180ef0d8bf91', path, '2026-09-07');
const authentication = collected('authentication/centene-authentication.yml');
const guide = factsFrom(authentication);
const overlay = collected('overlays/centene-fhir-patient-access-overlay.yaml');

export const centene: CatalogedPayer = {
  id: 'centene',
  displayName: 'Centene (Ambetter, WellCare)',
  environment: 'production',
  status: 'published, not tried',
  facts: [
    factsFrom(overlay)(
      'fhirBaseUrl',
      'https://iopc-pa.api.centene.com/iopc/pa',
      'The host of the portal’s catalog. Its provider directory has /fhir/providerdirectory behind such a base, so ask for the path.',
    ),
    guide('authorizationEndpoint', 'https://sso.entrykeyid.com/as/authorization.oauth2'),
    guide('tokenEndpoint', 'https://sso.entrykeyid.com/as/token.oauth2'),
    guide('clientAuthentication', 'client_secret_basic'),
    guide(
      'scopes',
      ['patient/*.read', 'openid'],
      'The token answer says Patient/*.read launch/patient offline_access, which the gateway reads as patient/*.read.',
    ),
    guide('patientFrom', 'token', "The token answer's patient is the id of the Patient."),
    guide('quirks.pkce', true),
    guide('quirks.tokenRequest', 'json', 'The guide sends its token request as application/json.'),
  ],
  missing: [{ field: 'quirks.aud', why: 'the guide does not show it; its service accounts need an audience instead' }],
  remarks: [
    { text: 'A page has 200 resources.', source: overlay },
    { text: 'A code is good once; access tokens live for an hour and can be refreshed.', source: authentication },
  ],
};
