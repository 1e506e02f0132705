import {
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  NotFoundException,
  type KeyMetadata,
  type KMSClient,
} from '@aws-sdk/client-kms';
import { keyNeeds, type PolicyStatement } from '../../config/account/policy-needs.ts';
import type { KeyName } from '../../config/existing.ts';
import { verdictOn, type PolicyDocument } from './judge-policy.ts';
import { placeOf } from './needs.ts';
import { ok, unclear, wrong, type Finding, type Question } from './question.ts';

/** The kind of key that each purpose needs. */
const kindOf = (name: KeyName): readonly [spec: string, usage: string] =>
  name === 'memberIndex' ? ['HMAC_256', 'GENERATE_VERIFY_MAC'] : ['SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT'];

const kindProblem = (
  name: KeyName,
  { Enabled: enabled, KeyState: state, KeySpec: spec, KeyUsage: usage }: KeyMetadata,
): string | undefined => {
  if (enabled !== true) return `is ${String(state)}; enable it, or write another key`;
  const [neededSpec, neededUsage] = kindOf(name);
  return spec === neededSpec && usage === neededUsage
    ? undefined
    : `is a key of kind ${String(spec)} for ${String(usage)}; write one of kind ${neededSpec} for ${neededUsage}`;
};

/** Who a statement is about. */
const who = ({ Principal }: PolicyStatement): string => Object.values(Principal).join();

/** What a policy says to each statement that it must have. */
export const judgePolicy = (document: PolicyDocument, needs: readonly PolicyStatement[]): readonly Finding[] =>
  needs.flatMap((need) => {
    const { refused, unclear: open } = verdictOn(document, need);
    return [
      ...(refused.length === 0
        ? []
        : [wrong(`its policy does not let ${who(need)} do ${refused.join(', ')}; add the statement ${need.Sid}`)]),
      ...(open.length === 0
        ? []
        : [
            unclear(
              `whether its policy lets ${who(need)} do ${open.join(', ')} depends on conditions; compare ${need.Sid}`,
            ),
          ]),
    ];
  });

/** Reads a key's policy. */
export const readKeyPolicy = async (client: KMSClient, keyId: string): Promise<PolicyDocument> => {
  const { Policy: text = '{}' } = await client.send(new GetKeyPolicyCommand({ KeyId: keyId, PolicyName: 'default' }));
  return JSON.parse(text) as PolicyDocument;
};

/** Asks whether a key can be used for what it is brought for. */
export const askKey = (client: KMSClient, name: KeyName, arn: string): Question => ({
  field: `existing.keys.${name}`,
  name: arn,
  service: 'KMS',
  rights: 'kms:DescribeKey and kms:GetKeyPolicy',
  ask: async () => {
    const described = await client.send(new DescribeKeyCommand({ KeyId: arn })).catch((error: unknown) => {
      if (error instanceof NotFoundException) return undefined;
      throw error;
    });
    const { KeyMetadata: metadata } = described ?? {};
    if (metadata === undefined) return [wrong('there is no such key; write the ARN of one in this account and region')];
    const problem = kindProblem(name, metadata);
    if (problem !== undefined) return [wrong(problem)];
    const found = judgePolicy(await readKeyPolicy(client, arn), keyNeeds(name, placeOf(arn)));
    return found.length === 0 ? [ok('is enabled, and its policy lets the stack use it')] : found;
  },
});
