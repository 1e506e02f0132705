import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  at,
  ofType,
  pathOf,
  property,
  rightsOf,
  stageTemplate,
  withoutExchanges,
  type StageTemplate,
} from '../support/stage-template.ts';

const file = join(import.meta.dirname, '../../docs/reports/rights.md');
const template = await stageTemplate('production-example', await withoutExchanges('production-example'));
const withExchanges = await stageTemplate('production-example');

/** The gateway's functions, each by the path that function, role and log begin with. */
const functionsOf = (stage: StageTemplate): string[] =>
  ofType(stage, 'AWS::Lambda::Function')
    .map(pathOf)
    .filter((path) => path.endsWith('/Function'))
    .map((path) => path.replace(/\/Function$/, ''))
    .sort();
const functions = functionsOf(template);

/** The edge function's role has no policy of the stack. */
const rightsAt = (path: string, stage = template): string[] =>
  property(at(stage, `${path}/Role`), 'ManagedPolicyArns') === undefined ? [] : rightsOf(stage, path);

/** Rights that nearly all functions have: traces, network interfaces, the own log, and the tables' key through DynamoDB. */
const isCommon = (right: string): boolean =>
  / (?:xray|ec2|logs):|ViaService=dynamodb\.\{region\}\.amazonaws\.com$/.test(right);

const listOf = (heading: string, rights: readonly string[]): string =>
  `${heading}\n\n\`\`\`text\n${rights.length === 0 ? 'nothing' : rights.join('\n')}\n\`\`\`\n`;

const sectionOf = (path: string): string =>
  listOf(
    `## ${path}`,
    rightsAt(path).filter((right) => !isCommon(right)),
  );

/** What a function may in a stage with exchanges that it may not without, or that reaches further there. */
const ofExchanges = (path: string): readonly string[] => {
  const without = functions.includes(path) ? rightsAt(path) : [];
  return rightsAt(path, withExchanges).filter((right) => !without.includes(right));
};
const changed = functionsOf(withExchanges).filter((path) => ofExchanges(path).length > 0);

const page = `# What each function may do

The rights of every function of \`config/production-example.ts\`, but for its \`exchanges\`, as its template grants them. Left
out is what nearly all have: traces, network interfaces in the VPC, the function's own log, and the tables' key, through DynamoDB alone. The
summary is [security.md](../security.md). To write this page:

    RIGHTS_DOC=write npm test -- test/lib/rights-page.test.ts

${functions.map(sectionOf).join('\n')}
## In a stage with exchanges

What these may there that they may not without \`exchanges\`; a right that reaches further there is listed whole. No other function
differs.

${changed.map((path) => listOf(`### ${path}, with exchanges`, ofExchanges(path))).join('\n')}`;

it('docs/reports/rights.md has the rights of every function; RIGHTS_DOC=write writes it anew', async () => {
  if (process.env['RIGHTS_DOC'] === 'write') await writeFile(file, page);

  expect(functions.length).toBeGreaterThan(12);
  // No function comes with exchanges: it is the job's own plan, and what accepts, issues and serves it.
  expect(functionsOf(withExchanges)).toEqual(functions);
  expect(await readFile(file, 'utf8')).toBe(page);
});
