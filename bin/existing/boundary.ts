import { GetPolicyCommand, GetPolicyVersionCommand, NoSuchEntityException, type IAMClient } from '@aws-sdk/client-iam';
import { boundaryActions } from '../../config/account/boundary-actions.ts';
import type { PolicyStatement } from '../../config/account/policy-needs.ts';
import type { StageConfig } from '../../config/stage.ts';
import { verdictOn, type PolicyDocument } from './judge-policy.ts';
import { ok, unclear, wrong, type Finding, type Question } from './question.ts';

/** The policy's document in its default version; undefined if there is no such policy. */
const readDocument = async (client: IAMClient, arn: string): Promise<PolicyDocument | undefined> => {
  try {
    const { Policy: policy } = await client.send(new GetPolicyCommand({ PolicyArn: arn }));
    const version = new GetPolicyVersionCommand({ PolicyArn: arn, VersionId: policy?.DefaultVersionId });
    const { PolicyVersion: found } = await client.send(version);
    return JSON.parse(decodeURIComponent(found?.Document ?? '{}')) as PolicyDocument;
  } catch (error) {
    if (error instanceof NoSuchEntityException) return undefined;
    throw error;
  }
};

const judge = (document: PolicyDocument, config: StageConfig): readonly Finding[] => {
  const need: PolicyStatement = {
    Sid: 'Boundary',
    Effect: 'Allow',
    Principal: { AWS: '*' },
    Action: boundaryActions(config),
    Resource: '*',
  };
  const { refused, unclear: open } = verdictOn(document, need);
  if (refused.length > 0)
    return [wrong(`does not allow ${refused.join(', ')}; add them, or the deployment or functions fail`)];
  return open.length > 0
    ? [unclear(`allows ${open.join(', ')} on some resources or conditions only; compare them with the stack's`)]
    : [ok('allows what the stack’s roles do')];
};

/** Asks whether a permissions boundary lets the stack's roles do what they do. */
export const askBoundary = (client: IAMClient, config: StageConfig, arn: string): Question => ({
  field: 'permissionsBoundaryArn',
  name: arn,
  service: 'IAM',
  rights: 'iam:GetPolicy and iam:GetPolicyVersion',
  ask: async () => {
    const document = await readDocument(client, arn);
    return document === undefined
      ? [wrong('there is no such policy; make it, or write the ARN of one that exists')]
      : judge(document, config);
  },
});
