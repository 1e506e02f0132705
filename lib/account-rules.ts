/** What an account asks of every resource of a stack: its tags, its permissions boundary, and its own bootstrap. */
import { DefaultStackSynthesizer, Tags, type Stack, type StackProps } from 'aws-cdk-lib';
import { ManagedPolicy, PermissionsBoundary } from 'aws-cdk-lib/aws-iam';
import { stageTags } from '../config/account/stage-tags.ts';
import type { StageConfig } from '../config/stage.ts';

type Config = Pick<StageConfig, 'stage' | 'tags' | 'permissionsBoundaryArn' | 'bootstrapQualifier'>;

/**
 * The settings that a stack is made with. CloudFormation gives a stack's own tags also to resources that a template
 * cannot tag.
 */
export const accountSettings = ({ tags, bootstrapQualifier: qualifier }: Config): StackProps => ({
  ...(tags === undefined ? {} : { tags: { ...tags } }),
  ...(qualifier === undefined ? {} : { synthesizer: new DefaultStackSynthesizer({ qualifier }) }),
});

/** Tags all resources of a stack, and limits all its roles, those of the CDK's own functions included. */
export const applyAccountRules = (stack: Stack, config: Config): void => {
  const { permissionsBoundaryArn } = config;
  for (const [key, value] of Object.entries(stageTags(config))) Tags.of(stack).add(key, value);
  if (permissionsBoundaryArn === undefined) return;
  const boundary = ManagedPolicy.fromManagedPolicyArn(stack, 'PermissionsBoundary', permissionsBoundaryArn);
  PermissionsBoundary.of(stack).apply(boundary);
};
