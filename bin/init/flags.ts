import { readArguments } from '../shared/command-line.ts';

export const help = `npm run init -- [NAME] [flags]

Writes config/NAME.ts, a stage with its first payer, makes the keys, and prints what the payer has to register and what to
do next. It asks for whatever the flags leave out; without a terminal it says which flag is missing.

  --production | --no-production   whether real members will use the stage
  --account ID         the AWS account, 12 digits
  --region NAME        the AWS region
  --alarm ADDRESS      the e-mail address for alarms; repeat it for more
  --operator NAME      who runs the gateway, as members see on its pages
  --privacy URL        with an operator: its privacy policy
  --support URL        with an operator: where members get help; a URL, or mailto: and an address
  --domain NAME        the gateway's own domain; "none" for the API's own URL
  --certificate ARN    with a domain: its certificate in AWS Certificate Manager
  --zone-id ID         with a domain: the Route 53 zone for its record; "none" for another DNS service
  --zone NAME          with a zone: its name
  --payer URL          the payer's FHIR base URL; the tool reads what it publishes there
  --payer-id ID        the payer's id, which is part of the gateway's URLs
  --payer-name NAME    the payer's name, as members see it
  --authorize URL      the payer's authorize endpoint, if it publishes none
  --token URL          the payer's token endpoint, if it publishes none
  --auth METHOD        client_secret_basic, client_secret_post, private_key_jwt or none
  --rsa                makes a key for RS384 instead of ES384
  --client-id ID       the client id that the payer gave; "none" if it has not registered the gateway yet
  --offline            does not contact the payer's server
  --dry-run            says what it would write, and writes nothing
  --help               this text

It writes no secret into config/. A private key goes into .secrets/NAME/, which Git ignores.`;

const types = {
  production: { type: 'boolean' },
  account: { type: 'string' },
  region: { type: 'string' },
  alarm: { type: 'string', multiple: true },
  operator: { type: 'string' },
  privacy: { type: 'string' },
  support: { type: 'string' },
  domain: { type: 'string' },
  certificate: { type: 'string' },
  'zone-id': { type: 'string' },
  zone: { type: 'string' },
  payer: { type: 'string' },
  'payer-id': { type: 'string' },
  'payer-name': { type: 'string' },
  authorize: { type: 'string' },
  token: { type: 'string' },
  auth: { type: 'string' },
  rsa: { type: 'boolean' },
  'client-id': { type: 'string' },
  offline: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** Reads the command line. @throws UsageError */
export const readFlags = (args: readonly string[]) =>
  readArguments({ args: [...args], options: types, allowPositionals: true, allowNegative: true });

export type Flags = ReturnType<typeof readFlags>['values'];

/** The argument that gives a field of the stage. */
const argumentOf: Readonly<Record<string, string>> = {
  stage: 'NAME',
  production: '--production',
  account: '--account',
  region: '--region',
  alarmAddresses: '--alarm',
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
    (text, [field, argument]) => text.replaceAll(new RegExp(`\\b${field}\\b`, 'g'), argument),
    message,
  );
  return `${known.join(', ')} ${sentence}`;
};
