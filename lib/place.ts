import { Aws } from 'aws-cdk-lib';
import type { Place } from '../config/account/policy-needs.ts';

/** Where the stack is, which CloudFormation knows. */
export const here: Place = { partition: Aws.PARTITION, region: Aws.REGION, account: Aws.ACCOUNT_ID };
