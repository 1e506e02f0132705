import { DisabledException, GenerateMacCommand, KMSClient } from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';
import { memberIndexer } from '../../../../functions/shared/store/index-member.ts';

describe("a login's index of its member", () => {
  const client = new KMSClient({ region: 'eu-central-1' });
  const kms = mockClient(client);
  const member = { payer: 'northwind', patient: 'patient-1' };
  beforeEach(() => kms.reset());

  it("is KMS's, under the key that was given", async () => {
    kms.on(GenerateMacCommand, { KeyId: 'key-1' }).resolves({ Mac: Buffer.from('mac') });

    expect(await memberIndexer(client, 'key-1')(member)).toBe(Buffer.from('mac').toString('base64url'));
  });

  it.each([
    ['fails', () => kms.on(GenerateMacCommand).rejects(new DisabledException({ message: 'x', $metadata: {} }))],
    ['answers without a MAC', () => kms.on(GenerateMacCommand).resolves({})],
  ])('is never made up: the member is told to try again if KMS %s', async (_what, given) => {
    given();

    await expect(memberIndexer(client, 'key-1')(member)).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      detail: expect.stringMatching(/^kms: (DisabledException|Error)$/),
    });
  });
});
