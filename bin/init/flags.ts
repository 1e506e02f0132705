import type { Read } from '../shared/command-line.ts';
import { maybeWord, notBoth, texts, type Spec } from '../shared/spec.ts';

export const spec = {
  call: 'npm run init --',
  changes: `Writes config/NAME.ts, a stage with its first payer, makes the keys, and prints what the payer has to register and what to
do next. It asks for whatever the flags leave out; without a terminal it says which flag is missing.`,
  usage: '[NAME] [flags]',
  words: { name: maybeWord('Give one name; --help lists the flags') },
  rules: [notBoth('--production', '--no-production')],
  '--production': 'real members will use the stage',
  '--no-production': 'no real member will use it',
  '--account ID': 'the AWS account, 12 digits',
  '--region NAME': 'the AWS region',
  '--alarm ADDRESS': texts('the e-mail address for alarms; repeat it for more'),
  '--vpc-zones ZONES':
    'for fixed addresses towards payers: the zones of a VPC, such as us-east-1a,us-east-1b; "none" for no VPC',
  '--vpc-block CIDR': 'with zones: the IPv4 block of the VPC, /16 to /24',
  '--operator NAME': 'who runs the gateway, as members see on its pages',
  '--privacy URL': 'with an operator: its privacy policy',
  '--support URL': 'with an operator: where members get help; a URL, or mailto: and an address',
  '--domain NAME': 'the gateway\'s own domain; "none" for the API\'s own URL',
  '--certificate ARN': 'with a domain: its certificate in AWS Certificate Manager',
  '--zone-id ID': 'with a domain: the Route 53 zone for its record; "none" for another DNS service',
  '--zone NAME': 'with a zone: its name',
  '--payer URL': "the payer's FHIR base URL; the tool reads what it publishes there",
  '--payer-id ID': "the payer's id, which is part of the gateway's URLs",
  '--payer-name NAME': "the payer's name, as members see it",
  '--authorize URL': "the payer's authorize endpoint, if it publishes none",
  '--token URL': "the payer's token endpoint, if it publishes none",
  '--auth METHOD': 'client_secret_basic, client_secret_post, private_key_jwt or none',
  '--rsa': 'makes a key for RS384 instead of ES384',
  '--client-id ID': 'the client id that the payer gave; "none" if it has not registered the gateway yet',
  '--offline': "does not contact the payer's server",
  '--dry-run': 'says what it would write, and writes nothing',
  more: 'It writes no secret into config/. A private key goes into .secrets/NAME/, which Git ignores.',
  rows: { NAME: 'writes a new stage that passes every check' },
} as const satisfies Spec;

export type Flags = Read<typeof spec>;
