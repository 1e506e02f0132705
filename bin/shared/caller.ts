import { GetCallerIdentityCommand, type STSClient } from '@aws-sdk/client-sts';
import type { StageConfig } from '../../config/stage.ts';
import { Refusal } from './errors.ts';

/** The account of the stand-ins for AWS. No AWS account has this number. */
const standInAccount = '000000000000';

/** The AWS identity that runs a tool. */
export interface Caller {
  readonly arn: string;
  /** Whether only a stand-in for AWS knows it. */
  readonly isStandIn: boolean;
}

/**
 * Asks AWS who runs the tool.
 * @throws Refusal if AWS does not say, or if it is in another account than the stage
 */
export const callerOf = async (
  sts: STSClient,
  { stage, account }: Pick<StageConfig, 'stage' | 'account'>,
): Promise<Caller> => {
  const { Arn: arn, Account: actual } = await sts.send(new GetCallerIdentityCommand({}));
  if (arn === undefined) throw new Refusal('AWS does not say who you are, so your name could not be recorded.');
  const isStandIn = actual === standInAccount;
  if (account !== undefined && actual !== account && !isStandIn) {
    throw new Refusal(
      `Stage ${stage} is in account ${account}, but your credentials are for ${actual}. Set AWS_PROFILE.`,
    );
  }
  return { arn, isStandIn };
};
