import { GatewayError } from '../errors.ts';
import type { Registry } from './registry.ts';
import type { Partner, Payer } from './types.ts';

interface UnknownPayerOptions {
  /** The code if the registry has no such payer. */
  readonly code: 'invalid_request' | 'not_found';
  readonly publicMessage?: string | undefined;
  /** The app that asked, if it is known. */
  readonly backTo?: Partner | undefined;
}

/** Makes the error for a payer that the registry does not have. */
export const unknownPayer = ({
  code,
  publicMessage = 'There is no such health plan here.',
  backTo,
}: UnknownPayerOptions): GatewayError => new GatewayError(code, publicMessage, { page: 'unknownPlan', backTo });

interface RequirePayerOptions extends Pick<UnknownPayerOptions, 'code' | 'publicMessage'> {
  readonly evenIfPaused?: boolean;
}

/**
 * Returns the payer in a request's path.
 * @throws GatewayError with this code and sentence if the registry has no such payer, and what the registry throws
 */
export const requirePayer = async (
  registry: Registry,
  payerId: string,
  { code, publicMessage, evenIfPaused = false }: RequirePayerOptions,
): Promise<Payer> => {
  const payer = await registry.payer(payerId, { evenIfPaused });
  if (payer === undefined) throw unknownPayer({ code, publicMessage });
  return payer;
};

/**
 * Checks that an operator has not paused a payer. Where the partner is known, the partner is told by redirect, so this
 * follows a look-up of the payer that did not ask.
 * @throws GatewayError `temporarily_unavailable`
 */
export const checkNotPaused = async (registry: Registry, payerId: string): Promise<void> => {
  await registry.payer(payerId);
};

const isStopped = async (check: Promise<void>, by: NonNullable<GatewayError['stop']>): Promise<boolean> => {
  try {
    await check;
    return false;
  } catch (error) {
    if (error instanceof GatewayError && error.stop === by) return true;
    throw error;
  }
};

/** Whether an operator has paused a payer. @throws GatewayError if the registry cannot be read */
export const isPayerPaused = (registry: Registry, payerId: string): Promise<boolean> =>
  isStopped(checkNotPaused(registry, payerId), 'pause');

/** Whether an operator has blocked a partner. @throws GatewayError if the registry cannot be read */
export const isPartnerBlocked = (registry: Registry, clientId: string): Promise<boolean> =>
  isStopped(checkNotBlocked(registry, clientId), 'block');

/**
 * Checks that an operator has not blocked a partner. The look-up before it does not check that, so that the log
 * names the partner, and nobody but a client that has proved who it is learns of the block at the token endpoint. No secret
 * otherwise: of a public client whoever names it learns it, and the page of a sign-in tells every member.
 * @throws GatewayError `unauthorized_client`
 */
export const checkNotBlocked = async (registry: Registry, clientId: string): Promise<void> => {
  await registry.partner(clientId);
};
