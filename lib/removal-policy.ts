import { RemovalPolicy } from 'aws-cdk-lib';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { StageConfig } from '../config/stage.ts';

/**
 * What happens to resources that hold data when the stage's stack is deleted. What a deployment that fails has made is
 * deleted either way, or it would be in the way of the next. Of a first deployment, tables with deletion protection and a
 * bucket that has objects stay all the same: docs/deploy.md, "A first deployment that fails".
 */
export const removalPolicyOf = ({ removalPolicy }: Pick<StageConfig, 'removalPolicy'>): RemovalPolicy =>
  removalPolicy === 'retain' ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;

/**
 * A function's version stays when the next is made. A deployment that is undone takes its own away: Lambda publishes no
 * version of code that the last one has, so the same code could not be deployed again
 * (https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html).
 */
export const keptVersion = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;

/** The bucket's policy stays or goes with the bucket: without it, nothing says who may write there. */
export const keepPolicyWith = (bucket: Bucket, policy: RemovalPolicy): void => {
  if (bucket.policy === undefined) throw new Error(`${bucket.node.path} has no policy`);
  bucket.policy.applyRemovalPolicy(policy);
};
