import { browsers } from './callback-browsers.ts';
import { payerFaults } from './callback-faults.ts';
import { backToPartner } from './callback-partner.ts';
import { atPayer } from './callback-payer.ts';
import { states } from './callback-states.ts';
import type { Group } from './requirement.ts';

/** The callback from the payers. */
export const callbackGroup: Group = {
  endpoint: 'callback',
  requirements: [...browsers, ...states, ...backToPartner, ...payerFaults, ...atPayer],
};
