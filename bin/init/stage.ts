import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import type { Operator } from '../../functions/shared/pages/settings.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { entryText } from '../payers/entry.ts';
import { typeScript } from '../shared/typescript.ts';

/** The fields of a new stage, except its payer, which is written with a preset. */
export interface NewStage {
  readonly stage: string;
  readonly production: boolean;
  readonly account: string;
  readonly region: string;
  readonly domain?: {
    readonly name: string;
    readonly certificateArn: string;
    readonly hostedZone?: { readonly id: string; readonly name: string };
  };
  readonly network?: { readonly zones: readonly string[]; readonly cidr: string };
  readonly operator?: Operator;
  readonly alarmAddresses: readonly string[];
  readonly payerSecrets: 'stack';
  readonly retention: { readonly logDays: number; readonly auditDays: number };
}

/** The text of the stage's file, formatted as `npm run check` requires. */
export const stageText = async (stage: NewStage, payer: Payer, isSmart: boolean): Promise<string> => {
  const entry = entryText(payer, isSmart);
  const fields = Object.entries(stage).filter(([, value]) => value !== undefined);
  const source = [
    "import { checkStage } from './check.ts';",
    ...(entry.trimStart().startsWith('smart(') ? ["import { smart } from './presets.ts';"] : []),
    '',
    'export default checkStage({',
    ...fields.map(([name, value]) => `${name}: ${typeScript(value)},`),
    `payers: [\n${entry}\n],`,
    `// None yet: npm run --silent partners -- new NAME --stage ${stage.stage} --redirect-uri URI prints an entry.`,
    'partners: [],',
    '}, import.meta.filename);',
  ].join('\n');
  const style = await resolveConfig(join(import.meta.dirname, '../../config/demo.ts'));
  return format(source, { ...style, parser: 'typescript' });
};
