import type { Assembly } from '../shared/assembly.ts';

/** A word of a shell command. */
const quoted = (word: string): string => (/^[\w./:=@+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** The commands that upload the code and deploy the template. */
export const nextCommands = (
  folder: string,
  {
    stackName,
    tags,
    terminationProtection,
    region,
  }: Pick<Assembly, 'stackName' | 'tags' | 'terminationProtection' | 'region'>,
): string => {
  const at = region === undefined ? '' : ` --region ${region}`;
  const asTags = Object.entries(tags).map(([key, value]) => quoted(`${key}=${value}`));
  return [
    `aws cloudformation package${at} --s3-bucket BUCKET --use-json \\`,
    `  --template-file ${quoted(`${folder}/template.json`)} --output-template-file ${quoted(`${folder}/packaged.json`)}`,
    `aws cloudformation deploy${at} --s3-bucket BUCKET --template-file ${quoted(`${folder}/packaged.json`)} \\`,
    `  --stack-name ${stackName} --capabilities CAPABILITY_IAM${asTags.length === 0 ? '' : ` --tags ${asTags.join(' ')}`}`,
    ...(terminationProtection
      ? [
          `aws cloudformation update-termination-protection${at} --enable-termination-protection --stack-name ${stackName}`,
        ]
      : []),
  ].join('\n');
};
