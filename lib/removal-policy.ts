import { RemovalPolicy } from 'aws-cdk-lib';
import type { StageConfig } from '../config/stage.ts';

/**
 * What happens to resources that hold data when the stage's stack is deleted. A first deployment that fails leaves
 * nothing behind either way, or the names it used would block the next one.
 */
export const removalPolicyOf = ({ removalPolicy }: Pick<StageConfig, 'removalPolicy'>): RemovalPolicy =>
  removalPolicy === 'retain' ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
