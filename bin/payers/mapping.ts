import {
  DescribeSecretCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { StageConfig } from '../../config/stage.ts';
import { secretPrefixes } from '../../functions/shared/registry/profile.ts';
import type { Assembly } from '../shared/assembly.ts';
import { answerMs, withinMs } from '../shared/deadline.ts';
import { Refusal } from '../shared/errors.ts';
import type { Output } from '../shared/output.ts';
import { explainSecretsFailure } from '../shared/secrets-manager.ts';

const secretType = 'AWS::SecretsManager::Secret';

/** The payers' secrets of a stack, those of exchanges too: their names, by the ids that they have in its template. */
const namesIn = ({ template }: Assembly, config: StageConfig): [id: string, name: string][] =>
  Object.entries(template.Resources).flatMap(([id, { Type, Properties }]): [string, string][] => {
    const name = String(Properties?.['Name']);
    const isPayers = secretPrefixes(config.stage).some((prefix) => name.startsWith(prefix));
    return Type === secretType && isPayers ? [[id, name]] : [];
  });

/** @throws Refusal if Secrets Manager does not say */
const arnOf = async (client: SecretsManagerClient, name: string): Promise<string | undefined> => {
  try {
    const { ARN, DeletedDate } = await withinMs(answerMs, client.send(new DescribeSecretCommand({ SecretId: name })));
    if (DeletedDate === undefined) return ARN;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    const { problem, todo } = explainSecretsFailure(error);
    throw new Refusal(`${name} ${problem}; ${todo}`);
  }
  throw new Refusal(
    `${name} is about to be deleted; keep it with: aws secretsmanager restore-secret --secret-id ${name}`,
  );
};

/**
 * Prints the resource mapping with which `cdk import` takes payers' secrets that exist already into the stage's stack.
 * CloudFormation identifies a secret by its ARN, which only Secrets Manager knows
 * (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html).
 * @returns the exit code
 * @throws Refusal
 */
export const printMapping = async (
  { config, assembly }: { readonly config: StageConfig; readonly assembly: Assembly },
  client: SecretsManagerClient,
  { out, note }: Output,
): Promise<number> => {
  const names = namesIn(assembly, config);
  if (names.length === 0) {
    throw new Refusal(
      `${assembly.stackName} makes no payer's secret of stage ${config.stage}; write payerSecrets: 'stack' into the stage's ` +
        `file, and synthesize it: npx cdk synth --quiet -c stage=${config.stage}`,
    );
  }
  const found = await Promise.all(names.map(async ([id, name]) => ({ id, name, arn: await arnOf(client, name) })));
  const mapping = found.flatMap(({ id, arn }) => (arn === undefined ? [] : [[id, { Id: arn }] as const]));
  out(JSON.stringify(Object.fromEntries(mapping), undefined, 2));
  const missing = found.filter(({ arn }) => arn === undefined).map(({ name }) => name);
  if (missing.length > 0) note(`Not in Secrets Manager yet, so the next deployment makes them: ${missing.join(', ')}`);
  return 0;
};
