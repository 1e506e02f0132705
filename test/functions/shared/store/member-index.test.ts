import { createHmac } from 'node:crypto';
import { DisabledException, GenerateMacCommand, KMSClient } from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import { memberIndexer } from '../../../../functions/shared/store/index-member.ts';
import { makeMemberIndex } from '../../../../functions/shared/store/make-member-index.ts';
import { memberMessage, type Member } from '../../../../functions/shared/store/member-index.ts';

const text = (member: Member): string => Buffer.from(memberMessage(member)).toString();

/** Much of what could be taken for a border between two ids, and characters that UTF-8 does not have. */
const borders = fc.constantFrom('"', ',', '[', ']', '\\', '/', '|', '\u0000', '\ud800', '\ud801', 'a', '1');
/** Any text. */
const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: borders }));
const anyMember = fc.record({ payer: anyText, patient: anyText });
/** Two that differ in one character, or not at all: two that have nothing in common would differ whatever is made of them. */
const nearMembers = fc
  .tuple(anyMember, fc.constantFrom('payer' as const, 'patient' as const), fc.nat({ max: 4 }), fc.option(borders))
  .map(([one, changed, at, instead]) => {
    const id = one[changed];
    return [one, { ...one, [changed]: id.slice(0, at) + (instead ?? '') + id.slice(at + 1) }] as const;
  });

describe("what a member's index is made of", () => {
  it('is different for any two members, whatever characters their ids have', () => {
    const seen = { same: 0, different: 0 };
    fc.assert(
      fc.property(nearMembers, ([one, other]) => {
        const isSame = one.payer === other.payer && one.patient === other.patient;
        seen[isSame ? 'same' : 'different'] += 1;
        expect(text(one) === text(other)).toBe(isSame);
      }),
      { numRuns: 2000 },
    );
    expect(Math.min(seen.same, seen.different)).toBeGreaterThan(100);
  });

  it('is different wherever one text is cut into payer and patient', () => {
    fc.assert(
      fc.property(anyText, (whole) => {
        const cuts = Array.from({ length: whole.length + 1 }, (_, at) => ({
          payer: whole.slice(0, at),
          patient: whole.slice(at),
        }));
        expect(new Set(cuts.map(text)).size).toBe(cuts.length);
      }),
    );
  });

  it('fits into one call of KMS for the longest ids, and begins with a label of its own', () => {
    const longest = { payer: 'p'.repeat(64), patient: 'x'.repeat(128) };
    expect(memberMessage(longest).length).toBeLessThan(4096);
    expect(text(longest)).toMatch(/^\["p2p member",/);
  });
});

describe("a member's index", () => {
  const client = new KMSClient({ region: 'eu-central-1' });
  const kms = mockClient(client);
  const member = { payer: 'northwind', patient: 'patient-1' };
  beforeEach(() => kms.reset());

  it('is the HMAC under the stage’s key, in base64url', async () => {
    const mac = createHmac('sha256', 'key').update(memberMessage(member)).digest();
    const Message = memberMessage(member);
    kms.on(GenerateMacCommand, { KeyId: 'key-1', MacAlgorithm: 'HMAC_SHA_256', Message }).resolves({ Mac: mac });

    expect(await makeMemberIndex(client, 'key-1', member)).toBe(mac.toString('base64url'));
    expect(kms.calls()).toHaveLength(1);
  });

  it('is never made up where KMS answers without one', async () => {
    kms.on(GenerateMacCommand).resolves({});

    await expect(makeMemberIndex(client, 'key-1', member)).rejects.toThrow('KMS answered without a MAC');
  });
});

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
