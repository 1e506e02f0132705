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

/** Fields that a message about another field may mention. Only names in camel case, which cannot be mistaken for ordinary words. */
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
