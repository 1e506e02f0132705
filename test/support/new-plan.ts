import { generateKeyPairSync } from 'node:crypto';

/* What a test adds to a new plan's words (sandbox/demo/new-plan.ts): its key, and what it asks a former plan for. */

export {
  assertionOf,
  bundleOf,
  consentOf,
  formerPlanNpi,
  newPlanNpi,
  parametersOf,
  tokenForm,
} from '../../sandbox/demo/new-plan.ts';

export const matchScope = 'http://hl7.org/fhir/us/davinci-pdex/OperationDefinition/BulkMemberMatch';
export const groupScope = 'system/Group.rs';
export const exportType = 'hl7.fhir.us.davinci-pdex#payertopayer';

/** The key pair of a backend client, and its public half as a JWK. */
export const backendKey = (kid = 'backend-1') => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const jwk = { ...(publicKey.export({ format: 'jwk' }) as { readonly kty: string }), kid, alg: 'ES384', use: 'sig' };
  return { kid, privateKey, jwk };
};

export interface Manifest {
  readonly transactionTime: string;
  readonly request: string;
  readonly requiresAccessToken: boolean;
  readonly output: readonly { readonly type: string; readonly url: string; readonly count?: number }[];
  readonly deleted?: readonly { readonly type: string; readonly url: string; readonly count?: number }[];
  readonly error: readonly unknown[];
}
