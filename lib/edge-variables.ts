import type { StageConfig } from '../config/stage.ts';

/**
 * Whether a function may trust CloudFront's headers: only if the web ACL refuses requests without CloudFront's
 * secret. `addFront` lets CloudFormation change the function after the web ACL.
 */
export const edgeVariables = ({ edge, waf }: Pick<StageConfig, 'edge' | 'waf'>): Readonly<Record<string, string>> =>
  edge === true && waf !== 'none' ? { EDGE: 'cloudfront' } : {};
