import type { StageConfig } from '../../config/stage.ts';
import type { Partner } from '../../functions/shared/registry/types.ts';
import { sha256 } from '../../functions/shared/store/crypto.ts';
import { Refusal } from '../shared/errors.ts';
import { findNamed } from '../shared/find-named.ts';
import { typeScript } from '../shared/typescript.ts';
import { newSecret, type RandomBytes } from './secret.ts';

/** A new secret for a partner. It is stored nowhere. */
export interface Rotated {
  readonly partner: Partner;
  readonly secret: string;
  /** The new secret's hash. */
  readonly hash: string;
  /**
   * What the partner's entry has to hold: the old hash and the new one, or only the new one if the old secret leaked.
   */
  readonly secretHashes: readonly string[];
}

const findPartner = ({ stage, partners }: StageConfig, nameOrId: string): Partner =>
  findNamed(
    partners.map((partner) => ({ id: partner.clientId, name: partner.name, partner })),
    nameOrId,
    { stage, kind: 'partner', idKind: 'client id' },
  ).partner;

/** The hashes to keep next to the new one. @throws Refusal if there is no secret, or no room for another */
const keptHashes = ({ clientId, clientAuthentication, secretHashes }: Partner, leaked: boolean): readonly string[] => {
  if (clientAuthentication.includes('none')) {
    throw new Refusal(`${clientId} is a public client; it has no secret to rotate`);
  }
  const [current, next] = secretHashes;
  if (current === undefined) {
    throw new Refusal(
      `${clientId} authenticates with keys, not with a secret: add its new public key to jwks, apply, and remove the old key once the partner signs with the new one`,
    );
  }
  if (leaked) return [];
  if (next !== undefined) {
    throw new Refusal(
      `${clientId} already has two secrets, so a rotation is under way. Once the partner uses the new one, keep only that: secretHashes: ${typeScript([next])}`,
    );
  }
  return [current];
};

/**
 * Makes a new secret for a partner, found by client id or name. Nothing is written.
 * @param leaked whether others know the old secret: then no old hash is kept
 * @throws Refusal if the partner is unknown, has no secret, or has two and none has leaked
 */
export const rotateSecret = (
  randomBytes: RandomBytes,
  config: StageConfig,
  nameOrId: string,
  leaked = false,
): Rotated => {
  const partner = findPartner(config, nameOrId);
  const kept = keptHashes(partner, leaked);
  const secret = newSecret(randomBytes);
  const hash = sha256(secret);
  return { partner, secret, hash, secretHashes: [...kept, hash] };
};
