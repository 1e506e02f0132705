import { readGrant } from '../../functions/shared/store/grant-item.ts';
import type { GatewayAnswer } from './instance.ts';
import { healthMarker } from './payer.ts';
import type { World } from './world.ts';

/**
 * Expects an event for every byte of health data, and a second one for every complete answer.
 * @throws Error naming what is missing
 */
export const checkAudit = async ({ dynamo, surroundings }: World, answers: readonly GatewayAnswer[]): Promise<void> => {
  const events = await dynamo.items(surroundings.tables.AuditEvents);
  const types = new Map(events.map(({ eventId, type }) => [eventId?.S, type?.S]));
  for (const { requestId, body, cut, status } of answers) {
    const isRecord = body.includes(healthMarker) || (cut && body !== '');
    if (isRecord && !types.has(requestId)) throw new Error('health data without its audit event');
    if (isRecord && status === 200 && !cut && types.get(requestId) !== 'ended')
      throw new Error('a read without its end');
  }
};

/** One code gives one pair. @throws Error if tokens were issued twice */
export const checkTokensOnce = (answers: readonly GatewayAnswer[]): void => {
  const given = answers.filter(({ status, body }) => status === 200 && body.includes('access_token'));
  if (given.length > 1) throw new Error('a code was redeemed twice');
};

/** @throws Error if the payer was asked what no payer may be asked; a refresh whose answer was lost is sent again */
export const checkPayer = ({ payer }: World, mayShowAgain: boolean): void => {
  const wrong = payer.misuse.find((what) => !(mayShowAgain && what.startsWith('showed a replaced refresh token')));
  if (wrong !== undefined) throw new Error(`the gateway ${wrong}`);
};

/** @throws Error if an item is one that no step writes */
export const checkStored = async ({ dynamo, surroundings: { tables } }: World): Promise<void> => {
  for (const item of await dynamo.items(tables.LoginAttempts)) {
    const whole = ['payer', 'partner', 'redirectUri', 'scope', 'cookieHash', 'sealed', 'expiresAt'];
    if (!whole.every((name) => item[name] !== undefined)) throw new Error('a half-written login attempt');
  }
  for (const item of await dynamo.items(tables.Grants)) {
    if (item['grantId']?.S?.startsWith('jti.')) continue;
    const grant = readGrant(item);
    const whole = [
      grant.payer,
      grant.partner,
      grant.scope.length,
      grant.codeHash,
      grant.redirectUri,
      item['expiresAt'],
    ];
    if (!whole.every(Boolean) || item['lastEvent'] === undefined) throw new Error('a half-written grant');
    if ((item['patient'] === undefined) !== (item['memberIndex'] === undefined)) {
      throw new Error('a grant that no request of its member finds');
    }
    const sealed = item['sealedPayerTokens'] !== undefined;
    if (sealed === (grant.revokedAt !== undefined)) throw new Error('payer tokens and revocation contradict');
    const isRedeemed = grant.redeemedAt !== undefined;
    if (isRedeemed !== (grant.access !== undefined)) throw new Error('redeemed, and without an access token');
    if (isRedeemed && item['wrappedKey'] !== undefined) throw new Error('redeemed, and the key is still wrapped there');
  }
};
