import { answers } from './redemption-answers.ts';
import { codes } from './redemption-codes.ts';
import type { Group } from './requirement.ts';
import { assertions } from './token-assertions.ts';
import { clients } from './token-clients.ts';
import { requests } from './token-requests.ts';

/** The token endpoint: the rules for every request, and the redemption of a code. */
export const redemptionGroup: Group = {
  endpoint: 'token: redemption',
  requirements: [...requests, ...clients, ...assertions, ...answers, ...codes],
};
