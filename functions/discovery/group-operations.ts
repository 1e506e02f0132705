import { mayBeAsked } from '../shared/partner/authenticate-system.ts';
import type { Payer } from '../shared/registry/types.ts';

/** What a plan's own system asks a payer as a former plan (PDex 2.2; the export is defined by Da Vinci ATR). */
const groupOperations = [
  {
    name: 'bulk-member-match',
    definition: 'http://hl7.org/fhir/us/davinci-pdex/OperationDefinition/BulkMemberMatch',
  },
  {
    name: 'davinci-data-export',
    definition: 'http://hl7.org/fhir/us/davinci-atr/OperationDefinition/davinci-data-export',
  },
] as const;

/** Of Group, at a payer that is asked; none elsewhere. */
export const groupOperationsOf = (payer: Payer): typeof groupOperations | readonly [] =>
  mayBeAsked(payer) ? groupOperations : [];

/** A plan's system sees its own Groups. */
export const groupResource = (payer: Payer) => ({
  type: 'Group',
  interaction: [{ code: 'read' }, { code: 'search-type' }],
  operation: groupOperationsOf(payer),
});
