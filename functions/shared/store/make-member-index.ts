import { GenerateMacCommand, type KMSClient } from '@aws-sdk/client-kms';
import { memberMessage, type Member } from './member-index.ts';

/**
 * Computes a member's index with one call of KMS: 43 characters of base64url.
 * @param keyId the id, ARN or alias of an HMAC_256 key
 * @throws the error of KMS's client
 */
export const makeMemberIndex = async (client: KMSClient, keyId: string, member: Member): Promise<string> => {
  const { Mac } = await client.send(
    new GenerateMacCommand({ KeyId: keyId, MacAlgorithm: 'HMAC_SHA_256', Message: memberMessage(member) }),
  );
  if (Mac === undefined) throw new Error('KMS answered without a MAC');
  return Buffer.from(Mac).toString('base64url');
};
