import { randomUUID } from 'node:crypto';
import type { RegistryData } from '../../functions/shared/registry/types.ts';
import { sha256 } from '../../functions/shared/store/crypto.ts';
import { es384Jwk } from '../support/login.ts';
import { assertionForm } from '../support/login/requests.ts';
import type { Garden } from './garden.ts';

type Partner = RegistryData['partners'][number];

/** A partner whose secret is a canary, and who can also sign. */
export interface CanaryPartner {
  readonly secret: string;
  readonly change: Pick<Partner, 'secretHashes' | 'clientAuthentication' | 'jwks'>;
  /** @param now epoch seconds @param origin the gateway's */
  readonly assertion: (now: number, origin: string) => ReturnType<typeof assertionForm>;
}

/** Makes one of `demo-partner`. */
export const canaryPartner = (garden: Garden): CanaryPartner => {
  const secret = garden.canary('partner secret');
  const { privateJwk: key, publicJwk } = es384Jwk('partner-1');
  return {
    secret,
    change: {
      secretHashes: [sha256(secret)],
      clientAuthentication: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
      jwks: [publicJwk],
    },
    assertion: async (now, origin) => {
      const jti = `${garden.canary('partner assertion')}${randomUUID()}`;
      const form = await assertionForm({ clientId: 'demo-partner', key, origin, now, jti });
      // The secret part of it is its proof.
      garden.note('partner assertion', form.client_assertion.split('.')[2] ?? '');
      return form;
    },
  };
};
