import { RemovalPolicy } from 'aws-cdk-lib';
import type { StageConfig } from '../config/stage.ts';

/**
 * What becomes of things that hold data when the stage's stack is deleted. A first deployment that fails leaves nothing
 * behind either way, or the names that it took would be in the way of the next.
 */
export const removalPolicyOf = ({ removalPolicy }: Pick<StageConfig, 'removalPolicy'>): RemovalPolicy =>
  removalPolicy === 'retain' ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
