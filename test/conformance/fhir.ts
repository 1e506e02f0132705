import { badAnswers } from './fhir-answers.ts';
import { bearers } from './fhir-bearers.ts';
import { towardsPartner, towardsPayer } from './fhir-exchange.ts';
import { pages, parameters } from './fhir-parameters.ts';
import { payerTokens } from './fhir-payer-tokens.ts';
import { pressure } from './fhir-pressure.ts';
import { readOnly } from './fhir-read-only.ts';
import { patients, scopes } from './fhir-scopes.ts';
import { size } from './fhir-size.ts';
import type { Group } from './requirement.ts';

/** The FHIR route. */
export const fhirGroup: Group = {
  endpoint: 'FHIR route',
  requirements: [
    ...bearers,
    ...scopes,
    ...patients,
    ...parameters,
    ...pages,
    ...readOnly,
    ...towardsPayer,
    ...towardsPartner,
    ...badAnswers,
    ...pressure,
    ...payerTokens,
    ...size,
  ],
};
