import type { Read } from '../shared/command-line.ts';
import { flag, maybeWord, only, text, texts, type Spec } from '../shared/spec.ts';

export const spec = {
  call: 'npm run init --',
  about: `Writes config/NAME.ts, a stage with its first payer, makes the keys, and prints what the payer has to register and what to
do next. It asks for whatever the flags leave out; without a terminal it says which flag is missing.`,
  commands: only({
    usage: '[NAME] [flags]',
    changes: 'files',
    words: { name: maybeWord('Give one name; --help lists the flags') },
    flags: {
      production: flag('real members will use the stage'),
      noProduction: flag('no real member will use it'),
      account: text('ID', 'the AWS account, 12 digits'),
      region: text('NAME', 'the AWS region'),
      alarm: texts('ADDRESS', 'the e-mail address for alarms; repeat it for more'),
      vpcZones: text(
        'ZONES',
        'for fixed addresses towards payers: the zones of a VPC, such as us-east-1a,us-east-1b; "none" for no VPC',
      ),
      vpcBlock: text('CIDR', 'with zones: the IPv4 block of the VPC, /16 to /24'),
      operator: text('NAME', 'who runs the gateway, as members see on its pages'),
      privacy: text('URL', 'with an operator: its privacy policy'),
      support: text('URL', 'with an operator: where members get help; a URL, or mailto: and an address'),
      domain: text('NAME', 'the gateway\'s own domain; "none" for the API\'s own URL'),
      certificate: text('ARN', 'with a domain: its certificate in AWS Certificate Manager'),
      zoneId: text('ID', 'with a domain: the Route 53 zone for its record; "none" for another DNS service'),
      zone: text('NAME', 'with a zone: its name'),
      payer: text('URL', "the payer's FHIR base URL; the tool reads what it publishes there"),
      payerId: text('ID', "the payer's id, which is part of the gateway's URLs"),
      payerName: text('NAME', "the payer's name, as members see it"),
      authorize: text('URL', "the payer's authorize endpoint, if it publishes none"),
      token: text('URL', "the payer's token endpoint, if it publishes none"),
      auth: text('METHOD', 'client_secret_basic, client_secret_post, private_key_jwt or none'),
      rsa: flag('makes a key for RS384 instead of ES384'),
      clientId: text('ID', 'the client id that the payer gave; "none" if it has not registered the gateway yet'),
      offline: flag("does not contact the payer's server"),
      dryRun: flag('says what it would write, and writes nothing'),
    },
  }),
  more: 'It writes no secret into config/. A private key goes into .secrets/NAME/, which Git ignores.',
  rows: [[['NAME'], 'writes a new stage that passes every check']],
} as const satisfies Spec;

export type Flags = Read<typeof spec>;

/** The argument that gives a field of the stage. */
const argumentOf: Readonly<Record<string, string>> = {
  stage: 'NAME',
  production: '--production',
  account: '--account',
  region: '--region',
  alarmAddresses: '--alarm',
  'network.zones': '--vpc-zones',
  'network.cidr': '--vpc-block',
  'operator.name': '--operator',
  'operator.privacyPolicy': '--privacy',
  'operator.support': '--support',
  'domain.name': '--domain',
  'domain.certificateArn': '--certificate',
  'domain.hostedZone.id': '--zone-id',
  'domain.hostedZone.name': '--zone',
  'payers.id': '--payer-id',
  'payers.displayName': '--payer-name',
  'payers.fhirBaseUrl': '--payer',
  'payers.authorizationEndpoint': '--authorize',
  'payers.tokenEndpoint': '--token',
  'payers.clientAuthentication': '--auth',
  'payers.clientId': '--client-id',
};

/** Fields that a sentence about another one names, none of them a word of English. */
const named = Object.entries(argumentOf)
  .map(([field, argument]) => [field.replace('payers.', ''), argument] as const)
  .filter(([field]) => /^[a-z]+[A-Z]\w+$/.test(field));

/**
 * What is wrong with a stage, in the words of the one who gave its fields as arguments.
 * @param problem `field.path: what is wrong; what to write`, as in a ConfigError
 */
export const inArguments = (problem: string): string => {
  const [, fields = '', message = ''] = /^(.*?): (.*)$/s.exec(problem) ?? [];
  const known = fields.split(', ').map((field) => {
    const path = field.replaceAll(/\[\d+\]( \([^)]*\))?/g, '');
    return argumentOf[path] ?? argumentOf[`payers.${path}`];
  });
  if (!known.every((argument) => argument !== undefined)) return problem;
  const sentence = named.reduce(
    (said, [field, argument]) => said.replaceAll(new RegExp(`\\b${field}\\b`, 'g'), argument),
    message,
  );
  return `${known.join(', ')} ${sentence}`;
};
