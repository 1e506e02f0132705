import type { Node } from 'constructs';
import { ConfigError } from '../config/checks/check-stage.ts';
import { dataVersion } from '../functions/shared/registry/data-version.ts';

/**
 * The data version of the tables over which `-c allowOlder=NUMBER` lets this older code run.
 * @throws ConfigError
 */
export const allowOlderIn = ({ node }: { readonly node: Pick<Node, 'tryGetContext'> }): number | undefined => {
  const text = String(node.tryGetContext('allowOlder') ?? '').trim();
  if (text === '') return undefined;
  if (/^\d{1,6}$/.test(text) && Number(text) > dataVersion) return Number(text);
  throw new ConfigError('npx cdk', [
    `allowOlder is ${JSON.stringify(text)}, and this code has data version ${dataVersion}; write the higher number that ` +
      'the refused deployment named, or leave it out',
  ]);
};
