/** An identity provider's fields. */
import * as z from 'zod';
import { identityTokenAlgorithms } from '../../functions/shared/registry/token-endpoint.ts';
import type { IdentityProvider } from '../../functions/shared/registry/types.ts';
import { checkUnique, url, type Fields } from './fields.ts';
import * as rules from './rules.ts';

export const identityProvider = z.strictObject({
  issuer: url(rules.issuer, 'nobody'),
  jwksUri: url(rules.webUrl),
  algorithms: z
    .array(z.enum(identityTokenAlgorithms))
    .min(1, 'is empty; write the algorithms that it signs with, such as ["RS256"]')
    .superRefine((values, context) => checkUnique(context, [], values)),
} satisfies Fields<IdentityProvider>);
