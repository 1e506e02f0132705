import { authorizeGroup } from './authorize.ts';
import { callbackGroup } from './callback.ts';
import { corsGroup } from './cors.ts';
import { discoveryGroup } from './discovery.ts';
import { exchangesGroup } from './exchanges.ts';
import { exportsGroup } from './exports.ts';
import { fhirGroup } from './fhir.ts';
import { introspectionGroup } from './introspection.ts';
import { operationsGroup } from './operations.ts';
import { pagesGroup } from './pages.ts';
import { redemptionGroup } from './redemption.ts';
import { refreshGroup } from './refresh.ts';
import type { Group } from './requirement.ts';
import { revocationGroup } from './revocation.ts';

/** Every requirement, by endpoint. The last one reads what all others have logged. */
export const groups: readonly Group[] = [
  authorizeGroup,
  callbackGroup,
  redemptionGroup,
  refreshGroup,
  revocationGroup,
  introspectionGroup,
  discoveryGroup,
  fhirGroup,
  exportsGroup,
  exchangesGroup,
  corsGroup,
  pagesGroup,
  operationsGroup,
];
