import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { StageConfig } from '../../config/stage.ts';
import { awsSettings } from './aws.ts';
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
 * @throws Refusal if AWS does not say, or if it is in a different account from the stage's
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

/**
 * Refuses credentials of another account than the stage's. Without any, what the tool asks next says so.
 * @throws Refusal
 */
export const requireAccount = async (
  config: Pick<StageConfig, 'stage' | 'account' | 'region'>,
  environment: NodeJS.ProcessEnv,
  tool: string,
): Promise<void> => {
  if (config.account === undefined || config.stage === 'local') return;
  const sts = new STSClient(awsSettings(config, environment, tool));
  try {
    await callerOf(sts, config);
  } catch (error) {
    if (error instanceof Refusal) throw error;
  } finally {
    sts.destroy();
  }
};
