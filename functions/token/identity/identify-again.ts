import { asGatewayError } from '../../shared/errors.ts';
import { NoMatch } from '../../shared/payer/errors.ts';

/**
 * Runs steps that follow the spending of an identity token. Whatever goes wrong in them, the app is told that trying again takes a
 * new one.
 * @throws GatewayError, or NoMatch as it is
 */
export const identifyAgainOnFailure = async <T>(steps: () => Promise<T>): Promise<T> => {
  try {
    return await steps();
  } catch (thrown) {
    if (thrown instanceof NoMatch) throw thrown;
    const advice = 'Identify the member again, and try with the new token.';
    throw Object.assign(asGatewayError(thrown), { advice });
  }
};
