import type { Facade } from './facade.ts';

const oauthUris = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris';

/** `CapabilityStatement.rest.security` with the facade's endpoints, where older SMART clients look for them. */
export const security = (facade: Facade) => ({
  extension: [
    {
      url: oauthUris,
      extension: [
        { url: 'authorize', valueUri: facade.authorize },
        { url: 'token', valueUri: facade.token },
        { url: 'revoke', valueUri: facade.revoke },
        { url: 'introspect', valueUri: facade.introspect },
      ],
    },
  ],
  cors: true,
  service: [
    {
      coding: [
        {
          system: 'http://terminology.hl7.org/CodeSystem/restful-security-service',
          code: 'SMART-on-FHIR',
          display: 'SMART-on-FHIR',
        },
      ],
      text: 'OAuth2 using the SMART App Launch profile (see http://docs.smarthealthit.org)',
    },
  ],
});
