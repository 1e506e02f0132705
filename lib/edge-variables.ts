import type { StageConfig } from '../config/stage.ts';

/**
 * Whether a function may trust CloudFront's headers: only if the web ACL refuses requests without CloudFront's
 * secret.
 */
export const edgeVariables = ({ edge, waf }: Pick<StageConfig, 'edge' | 'waf'>): Readonly<Record<string, string>> =>
  edge && waf !== 'none' ? { EDGE: 'cloudfront' } : {};
