import type { KMSClient } from '@aws-sdk/client-kms';
import { causeOf, unavailable } from '../errors.ts';
import { makeMemberIndex } from './make-member-index.ts';
import type { Member } from './member-index.ts';

/** Computes the index by which operators find a member's grants. @throws GatewayError `temporarily_unavailable` */
export type IndexMember = (member: Member) => Promise<string>;

/** Makes it with one call of KMS. A grant that no member's request finds must not exist, so a failure ends the login. */
export const memberIndexer =
  (client: KMSClient, keyId: string): IndexMember =>
  async (member) => {
    try {
      return await makeMemberIndex(client, keyId, member);
    } catch (error) {
      throw unavailable(`kms: ${causeOf(error)}`);
    }
  };
