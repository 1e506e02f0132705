/** What only the deployment needs: its fields with their defaults, and the rules between them. */
import * as z from 'zod';
import type { Operator } from '../../functions/shared/pages/settings.ts';
import { payersWithSecrets } from '../../functions/shared/registry/profile.ts';
import type { Deployment, Domain, StageConfig, VpcNetwork } from '../stage.ts';
import * as rules from './deployment-rules.ts';
import { checkExisting } from './existing-checks.ts';
import { availabilityZone } from './existing-rules.ts';
import { accountFields } from './existing-schema.ts';
import {
  areSound,
  checkBurst,
  firstProblem,
  list,
  listOf,
  problem,
  requestedUrl,
  text,
  url,
  type Context,
  type Fields,
} from './fields.ts';
import { shownName } from './names.ts';
import { checkZone, placeOf } from './place.ts';
import { givenName, image, origin, webUrl } from './rules.ts';
import { ownNames } from './unknown-fields.ts';

const domain = z
  .strictObject({
    name: text(rules.dnsName),
    certificateArn: text(rules.certificateArn),
    hostedZone: z.strictObject({ id: text(rules.hostedZoneId), name: text(rules.dnsName) }).optional(),
  } satisfies Fields<Domain>)
  .superRefine(({ name, hostedZone }, context) => {
    if (hostedZone === undefined || [name, hostedZone.name].some(rules.dnsName)) return;
    if (name === hostedZone.name || name.endsWith(`.${hostedZone.name}`)) return;
    problem(
      context,
      ['hostedZone', 'name'],
      `does not contain "${name}"; write the zone that does, or leave hostedZone out`,
    );
  });

const network = z
  .strictObject({
    zones: list(availabilityZone).min(1).max(3).optional(),
    availabilityZones: z.int().min(1).max(3).optional(),
    cidr: text(rules.cidr),
    subnetPrefix: z.int().min(16).max(28).optional(),
  } satisfies Fields<VpcNetwork>)
  .superRefine(({ zones, availabilityZones, cidr, subnetPrefix }, context) => {
    if ((zones === undefined) === (availabilityZones === undefined)) {
      const wrong = zones === undefined ? 'is missing' : 'is there beside availabilityZones';
      firstProblem(
        context,
        ['zones'],
        `${wrong}; write the zones by name, such as ["us-east-1a", "us-east-1b"], and no number`,
      );
    }
    const count = zones?.length ?? availabilityZones ?? 1;
    const length = Number(cidr.split('/')[1]);
    if (subnetPrefix === undefined || 2 ** (subnetPrefix - length) >= count) return;
    const least = length + Math.ceil(Math.log2(count));
    firstProblem(
      context,
      ['subnetPrefix'],
      `is ${subnetPrefix}, and ${cidr} does not hold ${count} such subnets; write ${least} or more, or leave it out`,
    );
  });

/** The smallest and largest limit that AWS WAF accepts for a rate-based rule. */
const waf = z.strictObject({ requestsPer5Minutes: z.int().min(10).max(2_000_000_000) });

const logDays = z.int().superRefine((value, context) => {
  const message = rules.logDays(value);
  if (message !== undefined) problem(context, [], message);
});

/** Ten years. A typo in a compliance lock can't be undone by anyone, AWS included. */
const mostAuditDays = 3653;

/** A partner downloads its files within days. Every further day is another copy of a member's record. */
const mostExportFileDays = 30;

/** The concurrent executions in a region that an AWS account usually starts with. */
const usualConcurrency = 1000;

/** The executions that Lambda keeps for functions without a reservation. */
const unreserved = 100;

/** A hundred times what API Gateway allows an account by default. */
const requests = z.int().min(1).max(1_000_000);

const executions = z.int().min(1).optional();

const operator = z.strictObject({
  name: text(shownName),
  website: url(webUrl, 'browsers').optional(),
  privacyPolicy: url(webUrl, 'browsers').optional(),
  support: requestedUrl(text(rules.support), 'browsers').optional(),
  logo: text(image).optional(),
} satisfies Fields<Operator>);

/** What the index page shows is public, its secrets too. */
const indexPage = z.strictObject({
  testMembers: z
    .array(
      z.strictObject({
        payers: z.array(z.string()),
        name: text(givenName),
        about: text(),
        details: ownNames(z.record(z.string(), z.string())),
      }),
    )
    .default([]),
  links: z.array(z.strictObject({ text: text(givenName), href: url(webUrl, 'browsers') })).default([]),
  clientSecrets: ownNames(z.record(z.string(), z.string())).optional(),
} satisfies Fields<NonNullable<Deployment['indexPage']>>);

/** Addresses that differ only in case are one mailbox, which would get each message twice. */
const addresses = listOf(text(rules.emailAddress), (value) => value.toLowerCase());

/** The fields of the deployment. */
export const deployment = {
  // No default: it decides which other values are allowed, so each stage must state it.
  production: z.boolean({
    error: ({ input }) =>
      input === undefined
        ? 'is missing and has no default; write true if real members will use this stage, otherwise false'
        : undefined,
  }),
  account: text(rules.account).optional(),
  region: text(rules.region).optional(),
  origin: url(origin, 'browsers').optional(),
  domain: domain.optional(),
  operator: operator.optional(),
  indexPage: indexPage.optional(),
  alarmAddresses: addresses.default([]),
  ticketAddresses: addresses.default([]),
  runbookUrl: requestedUrl(text(rules.runbookUrl), 'nobody').default('docs/alarms.md'),
  errorsUrl: url(webUrl, 'browsers').optional(),
  network: z.union([z.literal('none'), network]).default('none'),
  waf: z.union([z.literal('none'), waf]).default({ requestsPer5Minutes: 20_000 }),
  wafOffReason: text().optional(),
  edge: z.union([z.boolean(), z.literal('both')]).default(false),
  removalPolicy: z.enum(['retain', 'destroy']).default('retain'),
  retention: z
    .strictObject({
      logDays: logDays.default(90),
      auditDays: z
        .int()
        .min(1)
        .max(mostAuditDays, `is more than ten years, which no one could shorten later; write at most ${mostAuditDays}`)
        .default(1),
      exportFileDays: z
        .int()
        .min(1)
        .max(
          mostExportFileDays,
          `keeps a copy of the record longer than needed; write at most ${mostExportFileDays} (days)`,
        )
        .default(7),
    } satisfies Fields<StageConfig['retention']>)
    .prefault({}),
  payerSecrets: z.enum(['stack', 'tool']).default('tool'),
  throttling: z.strictObject({ perSecond: requests.default(100), burst: requests.default(200) }).prefault({}),
  concurrency: z
    .strictObject({
      authorize: executions,
      callback: executions,
      connections: executions,
      token: executions,
      fetch: executions,
      discovery: executions,
      export: executions,
      exportJob: executions,
      followUp: executions,
      sweep: executions,
      deliver: executions,
    } satisfies Fields<StageConfig['concurrency']>)
    .prefault({}),
  accountConcurrency: z.int().min(1).default(usualConcurrency),
  apiGatewayLogRole: z.boolean().default(true),
  ...accountFields,
};

/** The public origin that a domain gives the stage. */
export const originOf = ({ origin: given, domain: own }: Pick<StageConfig, 'origin' | 'domain'>): string | undefined =>
  own === undefined ? given : `https://${own.name}`;

const checkDomain = (config: StageConfig, context: Context): void => {
  const { origin: given, domain: own } = config;
  const { region, account } = placeOf(config, context);
  if (own === undefined) return;
  const expected = `https://${own.name}`;
  if (given !== undefined && given !== expected && rules.dnsName(own.name) === undefined) {
    problem(context, ['origin'], `does not match the domain; write "${expected}", or leave it out`);
  }
  if (rules.certificateArn(own.certificateArn) !== undefined) return;
  const [, , , itsRegion, itsAccount] = own.certificateArn.split(':');
  const at = ['domain', 'certificateArn'];
  if (region !== undefined && itsRegion !== region) {
    problem(context, at, `is in ${itsRegion}; write the ARN of a certificate in ${region}, the stage's region`);
  }
  if (account !== undefined && itsAccount !== account) {
    problem(
      context,
      at,
      `is in account ${itsAccount}; write the ARN of a certificate in ${account}, the stage's account`,
    );
  }
};

const checkLimits = ({ throttling, concurrency, accountConcurrency }: StageConfig, context: Context): void => {
  checkBurst(context, ['throttling'], throttling);
  const reserved = Object.values(concurrency).reduce((sum, each) => sum + each, 0);
  const most = accountConcurrency - unreserved;
  if (areSound(context, ['concurrency'], ['accountConcurrency']) && reserved > 0 && reserved > most) {
    problem(
      context,
      ['concurrency'],
      `reserves ${reserved} in total, but Lambda keeps ${unreserved} of ${accountConcurrency} executions unreserved; reserve at most ${Math.max(most, 0)}, or write into accountConcurrency the limit that "aws lambda get-account-settings" shows`,
    );
  }
};

/** More would make a template that is slow to deploy, of payers that change too often for deployments. */
const mostStackSecrets = 50;

const checkPayerSecrets = ({ payerSecrets, payers }: StageConfig, context: Context): void => {
  const { own, exchange } = payersWithSecrets(payers);
  const secrets = own.length + exchange.length;
  if (payerSecrets === 'tool' || secrets <= mostStackSecrets) return;
  problem(
    context,
    ['payerSecrets'],
    `is "stack", but the payers need ${secrets} secrets, and a stack makes at most ${mostStackSecrets}; write "tool"`,
  );
};

const checkZones = (config: StageConfig, context: Context): void => {
  const zones = config.network === 'none' ? [] : (config.network.zones ?? []);
  const { region } = placeOf(config, context);
  for (const [index, zone] of zones.entries()) checkZone(context, ['network', 'zones', index], zone, region);
};

/** Reports what does not fit together in a deployment. */
export const checkDeployment = (config: StageConfig, context: Context): void => {
  if (rules.leadsNowhere(config.runbookUrl)) {
    problem(
      context,
      ['runbookUrl'],
      'is no file of this repository, so alarms lead nowhere; write its path, such as "docs/alarms.md", or a URL',
    );
  }
  checkDomain(config, context);
  checkLimits(config, context);
  checkZones(config, context);
  checkPayerSecrets(config, context);
  checkExisting(config, context);
  const { region } = config;
  if (config.edge !== false && region !== 'us-east-1') {
    // CloudFront accepts functions, certificates and web ACLs only from there, and the stage is one stack.
    const wrong = region === undefined ? 'is missing' : `is "${region}"`;
    firstProblem(context, ['region'], `${wrong}, but edge works only in us-east-1; write "us-east-1", or edge: false`);
  }
  if (config.edge !== false && config.domain === undefined) {
    // CloudFront reaches the API by the domain's own name there.
    problem(context, ['domain'], 'is missing, but edge needs one; write the domain, or edge: false');
  }
  if (config.wafOffReason !== undefined && config.waf !== 'none') {
    problem(context, ['wafOffReason'], 'explains waf: "none", which is not set; remove it, or write waf: "none"');
  }
};
