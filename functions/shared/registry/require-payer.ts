import { GatewayError } from '../errors.ts';
import type { Registry } from './registry.ts';
import type { Payer } from './types.ts';

/**
 * Returns the payer in a request's path.
 * @throws GatewayError with this code and sentence if the registry has no such payer
 */
export const requirePayer = async (
  registry: Registry,
  payerId: string,
  code: 'invalid_request' | 'not_found',
  publicMessage = 'There is no such health plan here.',
): Promise<Payer> => {
  const payer = await registry.payer(payerId);
  if (payer === undefined) throw new GatewayError(code, publicMessage);
  return payer;
};
