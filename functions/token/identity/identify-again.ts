import { asGatewayError, GatewayError } from '../../shared/errors.ts';

export const identifyAgain = 'Identify the member again, and try with the new token.';

/**
 * Runs the steps after the payer's answer. Whatever goes wrong in them, the identity token has been spent by now, so the app is told
 * that trying again takes a new one.
 * @throws GatewayError
 */
export const identifyAgainOnFailure = async <T>(steps: () => Promise<T>): Promise<T> => {
  try {
    return await steps();
  } catch (thrown) {
    const { code, publicMessage, status, detail, signal, stop, retryAfterSeconds } = asGatewayError(thrown);
    const sentence = publicMessage.replace(/ Please try again[^.]*\.$/, '');
    const options = { status, detail, signal, stop, retryAfterSeconds };
    throw new GatewayError(code, `${sentence} ${identifyAgain}`, options);
  }
};
