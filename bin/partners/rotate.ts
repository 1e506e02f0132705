import type { StageConfig } from '../../config/stage.ts';
import type { Partner } from '../../functions/shared/registry/types.ts';
import { sha256 } from '../../functions/shared/store/crypto.ts';
import { Refusal } from '../shared/command-line.ts';
import { typeScript } from '../shared/typescript.ts';
import { newSecret, type RandomBytes } from './secret.ts';

/** A second secret for a partner. It is nowhere else. */
export interface Rotated {
  readonly partner: Partner;
  readonly secret: string;
  /** The old hash and the new one. */
  readonly secretHashes: readonly [string, string];
}

const findPartner = ({ stage, partners }: StageConfig, nameOrId: string): Partner => {
  const byId = partners.find(({ clientId }) => clientId === nameOrId);
  const byName = partners.filter(({ name }) => name === nameOrId);
  const partner = byId ?? byName[0];
  if (partner === undefined) {
    const known = partners.map(({ clientId }) => clientId).join(', ');
    throw new Refusal(`Stage ${stage} has no partner "${nameOrId}"; it has: ${known || 'none'}`);
  }
  if (byId === undefined && byName.length > 1) {
    throw new Refusal(
      `Several partners are called "${nameOrId}"; give one's client id: ${byName.map(({ clientId }) => clientId).join(', ')}`,
    );
  }
  return partner;
};

/** The one hash that there is. @throws Refusal */
const currentHash = ({ clientId, clientAuthentication, secretHashes }: Partner): string => {
  if (clientAuthentication.includes('none')) {
    throw new Refusal(`${clientId} is a public client; it has no secret to rotate`);
  }
  const [current, next] = secretHashes;
  if (current === undefined) {
    throw new Refusal(
      `${clientId} authenticates with keys, not with a secret: add its new public key to jwks, deploy, and take out the old one when the partner signs with the new`,
    );
  }
  if (next !== undefined) {
    throw new Refusal(
      `${clientId} has two secrets already, so it is being rotated. Once the partner uses the new one, leave only that: secretHashes: ${typeScript([next])}`,
    );
  }
  return current;
};

/**
 * Makes a second secret for a partner, found by client id or name. Nothing is written.
 * @throws Refusal where the partner is unknown, has two secrets or none
 */
export const rotateSecret = (randomBytes: RandomBytes, config: StageConfig, nameOrId: string): Rotated => {
  const partner = findPartner(config, nameOrId);
  const old = currentHash(partner);
  const secret = newSecret(randomBytes);
  const secretHashes = [old, sha256(secret)] as const;
  return { partner, secret, secretHashes };
};
