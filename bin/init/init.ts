import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkStage, ConfigError } from '../../config/checks/check-stage.ts';
import { requireDeployable } from '../../config/checks/deployable.ts';
import { availabilityZone } from '../../config/checks/existing-rules.ts';
import { shownName } from '../../config/checks/names.ts';
import { pendingClientId } from '../../config/examples.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import { secretOwnerOf } from '../../functions/shared/registry/profile.ts';
import { registrationOf } from '../payers/registration.ts';
import { readCommand } from '../shared/command-line.ts';
import { Refusal, UsageError } from '../shared/errors.ts';
import type { Output } from '../shared/output.ts';
import { answer, deploymentRules, oneOf, orNone, rules, type Answers } from './answers.ts';
import { spec, type Flags } from './flags.ts';
import { inArguments } from './in-arguments.ts';
import { askForPayer, type FirstPayer } from './payer.ts';
import { stageText, type NewStage } from './stage.ts';

/** What the tool needs that tests replace. */
export interface InitDeps {
  /** The checkout to write the stage into. */
  readonly root: string;
  readonly http: PayerHttp;
  readonly ask: Answers['ask'];
  readonly output: Pick<Output, 'out'>;
}

/** Six years for production (45 CFR 164.316(b)(2)); otherwise one day, so that the stage can be removed again. */
const retentionFor = (production: boolean): NewStage['retention'] =>
  production ? { logDays: 400, auditDays: 2192 } : { logDays: 30, auditDays: 1 };

const freeName =
  (root: string): rules.Rule =>
  (name) => {
    const wrong = rules.stageName(name);
    if (wrong !== undefined) return wrong;
    return existsSync(join(root, 'config', `${name}.ts`))
      ? `is taken: config/${name}.ts exists; write another name`
      : undefined;
  };

const askForDomain = async (answers: Answers, flags: Flags): Promise<NewStage['domain']> => {
  const question = (
    flag: 'domain' | 'certificate' | 'zoneId' | 'zone',
    text: string,
    rule: rules.Rule,
    otherwise?: string,
  ) => answer(answers, { flag, given: flags[flag], text, rule, otherwise });
  const name = await question(
    'domain',
    "A domain of your own (none, for the API's own URL)?",
    orNone(deploymentRules.dnsName),
    'none',
  );
  if (name === 'none') return undefined;
  const certificateArn = await question(
    'certificate',
    'The ARN of its certificate in ACM?',
    deploymentRules.certificateArn,
  );
  const id = await question(
    'zoneId',
    'The id of its Route 53 zone (none, for another DNS service)?',
    orNone(deploymentRules.hostedZoneId),
    'none',
  );
  if (id === 'none') return { name, certificateArn };
  const zone = await question('zone', 'The name of that zone?', deploymentRules.dnsName, name.replace(/^[^.]+\./, ''));
  return { name, certificateArn, hostedZone: { id, name: zone } };
};

const zonesIn = (text: string): string[] => text.split(/[ ,]+/);

/** Each zone by name: AWS may list others first one day. */
const zonesRule: rules.Rule = (text) => {
  const zones = zonesIn(text);
  if (zones.length > 3) return 'names more than three zones; write one to three';
  return zones.map(availabilityZone).find((wrong) => wrong !== undefined);
};

const askForNetwork = async (answers: Answers, flags: Flags): Promise<NewStage['network']> => {
  const zones = await answer(answers, {
    flag: 'vpcZones',
    given: flags.vpcZones,
    text: 'Fixed addresses towards payers, from a VPC in these zones (such as us-east-1a,us-east-1b; none, for no VPC)?',
    rule: orNone(zonesRule),
    otherwise: 'none',
  });
  if (zones === 'none') return undefined;
  const cidr = await answer(answers, {
    flag: 'vpcBlock',
    given: flags.vpcBlock,
    text: 'The IPv4 block of the VPC?',
    rule: deploymentRules.cidr,
    otherwise: '10.20.0.0/20',
  });
  return { zones: zonesIn(zones), cidr };
};

/** Who runs it, as its pages say. Only production requires one. */
const askForOperator = async (
  answers: Answers,
  flags: Flags,
  production: boolean,
): Promise<NonNullable<NewStage['operator']> | undefined> => {
  if (!production && flags.operator === undefined) return undefined;
  const question = (flag: 'operator' | 'privacy' | 'support', text: string, rule: rules.Rule) =>
    answer(answers, { flag, given: flags[flag], text, rule });
  return {
    name: await question('operator', 'Who runs it, as members know them?', shownName),
    privacyPolicy: await question('privacy', 'The URL of their privacy policy?', rules.webUrl),
    support: await question(
      'support',
      'Where do members get help (a URL, or mailto: and an address)?',
      deploymentRules.support,
    ),
  };
};

const askForStage = async (answers: Answers, flags: Flags, root: string): Promise<NewStage> => {
  const stage = await answer(answers, {
    flag: 'NAME',
    given: flags.name,
    text: 'The name of the stage?',
    rule: freeName(root),
  });
  const said = flags.production ? 'yes' : flags.noProduction ? 'no' : undefined;
  const text = 'Will real members use it (yes, no)?';
  const production =
    (await answer(answers, {
      flag: '--production or --no-production',
      given: said,
      text,
      rule: oneOf('yes', 'no'),
    })) === 'yes';
  const question = (flag: 'account' | 'region', words: string, rule: rules.Rule) =>
    answer(answers, { flag, given: flags[flag], text: words, rule });
  const account = await question('account', 'The AWS account, 12 digits?', deploymentRules.account);
  const region = await question('region', 'The AWS region, such as us-east-1?', deploymentRules.region);
  const first = await answer(answers, {
    flag: 'alarm',
    given: flags.alarm[0],
    text: 'The e-mail address for alarms?',
    rule: deploymentRules.emailAddress,
  });
  const operator = await askForOperator(answers, flags, production);
  const domain = await askForDomain(answers, flags);
  const network = await askForNetwork(answers, flags);
  return {
    stage,
    production,
    account,
    region,
    ...(domain === undefined ? {} : { domain }),
    ...(network === undefined ? {} : { network }),
    ...(operator === undefined ? {} : { operator }),
    alarmAddresses: [first, ...flags.alarm.slice(1)],
    payerSecrets: 'stack',
    retention: retentionFor(production),
  };
};

/** What the person has to do next, in order. */
const nextSteps = (stage: NewStage, { payer, secret, asks }: FirstPayer, keyFile: string): string[] => {
  const origin = stage.domain === undefined ? undefined : `https://${stage.domain.name}`;
  const { redirectUri, jwksUrl } = registrationOf(origin, payer);
  const isPending = payer.clientId === pendingClientId;
  const deploy = [`npx cdk deploy -c stage=${stage.stage}`];
  const register = [
    `Ask ${payer.displayName} to register the gateway:`,
    `     redirect URI  ${redirectUri}`,
    ...(jwksUrl === undefined ? [] : [`     JWKS URL      ${jwksUrl}`]),
    ...(origin === undefined ? ['     {origin} is the output Origin of the deployment.'] : []),
    ...(jwksUrl === undefined ? [] : ['     The JWKS URL works once the stage is deployed.']),
  ];
  const putSecret = [
    'Put its secret into Secrets Manager:',
    secret === undefined
      ? `     npm run payers -- secret ${payer.id} --stage ${stage.stage}`
      : `     npm run payers -- secret ${payer.id} --stage ${stage.stage} < ${keyFile} && rm ${keyFile}`,
  ];
  const steps = [
    [`Review config/${stage.stage}.ts, and commit it: it contains no secret.`],
    [
      'Bootstrap the CDK (docs/deploy.md), and deploy; if that fails, fix what it names and repeat:',
      ...deploy.map((line) => `     ${line} --no-rollback`),
    ],
    register,
    ...(isPending ? [[`Replace '${pendingClientId}' with the client id that it gives you.`]] : []),
    ...(secretOwnerOf(payer) === undefined ? [] : [putSecret]),
    [
      'Make a partner, paste its entry, and apply the file:',
      `     npm run --silent partners -- new "Member Portal" --stage ${stage.stage} --redirect-uri https://…`,
      `     npm run registry -- apply ${stage.stage} --reason "the first partner"`,
    ],
    ['Check the payer:', `     npm run payers -- check ${payer.id} --stage ${stage.stage}`],
  ];
  return [
    ...(asks.length === 0
      ? []
      : ['Ask the payer, or decide, and then correct the entry:', ...asks.map((line) => `  ${line}`), '']),
    'Next:',
    ...steps.map((lines, index) => `  ${index + 1}. ${lines.join('\n')}`),
  ];
};

const write = async (root: string, file: string, content: string, mode: number): Promise<void> => {
  await mkdir(join(root, file, '..'), { recursive: true, mode: 0o700 });
  try {
    // Never overwrites a file.
    await writeFile(join(root, file), content, { flag: 'wx', mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Refusal(
      `${file} cannot be written (${code}); ${code === 'EEXIST' ? 'move the existing one' : "check the folder's permissions"}`,
    );
  }
};

/** @throws UsageError that names the arguments, not the fields of a file that does not exist yet */
const requireUsable = (stage: object, file: string): void => {
  try {
    requireDeployable(checkStage(stage, file), file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new UsageError(error.problems.map(inArguments).join('\n'));
  }
};

/**
 * Writes a new stage and the key for its first payer.
 * @returns the exit code
 * @throws UsageError, Refusal
 */
export const init = async (args: readonly string[], { root, http, ask, output }: InitDeps): Promise<number> => {
  const { out: print } = output;
  const flags = readCommand(spec, args);
  const answers = { ask, print };
  const stage = await askForStage(answers, flags, root);
  const first = await askForPayer(answers, flags, http);
  const file = `config/${stage.stage}.ts`;
  const keyFile = `.secrets/${stage.stage}/${first.payer.id}.json`;
  requireUsable({ ...stage, payers: [first.payer], partners: [] }, file);
  const text = await stageText(stage, first.payer, first.isSmart);
  if (flags.dryRun) {
    print(`${file} would be:\n\n${text}`);
    if (first.secret !== undefined) print(`${keyFile} would get the private half of the key, readable only by you.\n`);
    print('Nothing was written. Without --dry-run, a new key is made.');
    return 0;
  }
  if (first.secret !== undefined) await write(root, keyFile, first.secret, 0o600);
  await write(root, file, text, 0o644);
  print(`Wrote ${file}.`);
  if (first.secret !== undefined)
    print(`Wrote ${keyFile}: the private half of the key. Git ignores it. Delete it once it is in Secrets Manager.`);
  print('');
  for (const line of nextSteps(stage, first, keyFile)) print(line);
  return 0;
};
