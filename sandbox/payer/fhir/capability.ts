import { searchParametersOf } from './definitions.ts';

/** The payer's OAuth endpoints, for the statement's security section. */
export interface OAuthUris {
  readonly authorize: string;
  readonly token: string;
  readonly revoke?: string;
}

const oauthUrisExtension = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris';

/** What members' apps ask. */
const ofMembers = {
  Patient: [{ name: 'everything', definition: 'http://hl7.org/fhir/OperationDefinition/Patient-everything' }],
};

/** And other plans' systems, of a former plan (PDex 2.2, CapabilityStatement pdex-server). */
const ofPlans = {
  ...ofMembers,
  Group: [
    {
      name: 'bulk-member-match',
      definition: 'http://hl7.org/fhir/us/davinci-pdex/OperationDefinition/BulkMemberMatch',
    },
    {
      name: 'davinci-data-export',
      definition: 'http://hl7.org/fhir/us/davinci-atr/OperationDefinition/davinci-data-export',
    },
  ],
};

/** The CapabilityStatement that `metadata` returns, for these resource types. */
export const capabilityStatement = (
  baseUrl: string,
  types: readonly string[],
  { oauth, isFormerPlan = false }: { readonly oauth?: OAuthUris | undefined; readonly isFormerPlan?: boolean },
): string => {
  const operations: Readonly<Record<string, readonly object[]>> = isFormerPlan ? ofPlans : ofMembers;
  return JSON.stringify({
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: '2026-01-01',
    kind: 'instance',
    instantiates: ['http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server'],
    software: { name: 'Sandbox payer' },
    implementation: { description: 'Synthetic members, read-only', url: baseUrl },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    rest: [
      {
        mode: 'server',
        ...(oauth && { security: security(oauth) }),
        resource: [...new Set([...types, ...(isFormerPlan ? ['Group'] : [])])].map((type) =>
          resource(type, operations[type]),
        ),
      },
    ],
  });
};

const security = (oauth: OAuthUris): unknown => {
  const uris = Object.entries(oauth).map(([url, valueUri]) => ({ url, valueUri }));
  const system = 'http://terminology.hl7.org/CodeSystem/restful-security-service';
  return {
    extension: [{ url: oauthUrisExtension, extension: uris }],
    service: [{ coding: [{ system, code: 'SMART-on-FHIR' }], text: 'OAuth 2.0' }],
  };
};

const resource = (type: string, operation?: readonly object[]): unknown => {
  const interactions = ['read', 'vread', 'history-instance', 'search-type'];
  return {
    type,
    interaction: interactions.map((code) => ({ code })),
    versioning: 'versioned',
    readHistory: true,
    searchInclude: ['*'],
    searchRevInclude: ['*'],
    searchParam: Array.from(searchParametersOf(type).values(), (parameter) => ({
      name: parameter.code,
      type: parameter.type,
    })),
    ...(operation && { operation }),
  };
};
