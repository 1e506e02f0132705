import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { at, ofType, pathOf, property, rightsOf, stageTemplate } from '../support/stage-template.ts';

const file = join(import.meta.dirname, '../../docs/reports/rights.md');
const template = await stageTemplate('production-example');

/** The gateway's functions, each by the path that function, role and log begin with. */
const functions = ofType(template, 'AWS::Lambda::Function')
  .map(pathOf)
  .filter((path) => path.endsWith('/Function'))
  .map((path) => path.replace(/\/Function$/, ''))
  .sort();

/** The edge function's role has no policy of the stack. */
const rightsAt = (path: string): string[] =>
  property(at(template, `${path}/Role`), 'ManagedPolicyArns') === undefined ? [] : rightsOf(template, path);

/** Rights that nearly all functions have: traces, network interfaces, the own log, and the tables' key through DynamoDB. */
const isCommon = (right: string): boolean =>
  / (?:xray|ec2|logs):|ViaService=dynamodb\.\{region\}\.amazonaws\.com$/.test(right);

const sectionOf = (path: string): string => {
  const own = rightsAt(path).filter((right) => !isCommon(right));
  return `## ${path}\n\n\`\`\`text\n${own.length === 0 ? 'nothing' : own.join('\n')}\n\`\`\`\n`;
};

const page = `# What each function may do

The rights of every function of \`config/production-example.ts\`, as its template grants them. Left out is what nearly all
have: traces, network interfaces in the VPC, the function's own log, and the tables' key, through DynamoDB alone. The
summary is [security.md](../security.md). To write this page:

    RIGHTS_DOC=write npm test -- test/lib/rights-page.test.ts

${functions.map(sectionOf).join('\n')}`;

it('docs/reports/rights.md has the rights of every function; RIGHTS_DOC=write writes it anew', async () => {
  if (process.env['RIGHTS_DOC'] === 'write') await writeFile(file, page);

  expect(functions.length).toBeGreaterThan(12);
  expect(await readFile(file, 'utf8')).toBe(page);
});
