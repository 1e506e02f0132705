/** What a stage with `production: true` refuses, because it would weaken security. */
import type { Partner, Payer } from '../../functions/shared/registry/types.ts';
import type { Deployment, StageConfig } from '../stage.ts';
import { findingIf, insideEntry, type ConfigFinding } from './finding.ts';
import { unreachableByBrowsers, unreachableByFunctions } from './hosts.ts';
import { usualRate } from './partner-schema.ts';
import { stageUrls, type UrlField } from './stage-urls.ts';

/** Documentation must be kept for six years (45 CFR 164.316(b)(2)(i)), two of them leap years. */
const fewestAuditDays = 2192;

/** Three months: an incident that is found late can still be traced, and the last whole month's usage counted. */
const fewestLogDays = 90;

/**
 * Limits so low that a stage serves almost nobody. A partner's server has one address for all its members, and a member's
 * sign-in alone makes a dozen requests.
 */
const fewest = {
  requestsPer5Minutes: 1000,
  perSecond: 10,
  lifetimes: { loginAttempt: 300, code: 10, accessToken: 60, grant: 3600 },
  longestConsentAge: 60,
  ofPayer: { timeToFirstByte: 10, longestAuthAge: 60 },
  ofPartner: { perSecond: 1, burst: 10 },
} as const;

const tooShort = {
  loginAttempt: 'is shorter than members take to sign in and agree',
  code: 'is over before a slow server has redeemed the code',
  accessToken: 'is over before a partner has read anything',
  grant: 'is over before a partner has read a record',
} as const;

/** Limits that are valid, and would stop the stage all the same. */
const ofLimits = ({ waf, throttling, lifetimes, longestConsentAge }: StageConfig): readonly ConfigFinding[] => [
  ...findingIf(
    waf !== 'none' && waf.requestsPer5Minutes < fewest.requestsPer5Minutes,
    ['waf', 'requestsPer5Minutes'],
    `would block the server of a partner, which sends all its requests from one address; write at least ${fewest.requestsPer5Minutes}, such as 20000`,
  ),
  ...findingIf(
    throttling.perSecond < fewest.perSecond,
    ['throttling', 'perSecond'],
    `is for all partners and members together; write at least ${fewest.perSecond}, such as 100`,
  ),
  ...(['loginAttempt', 'code', 'accessToken', 'grant'] as const).flatMap((name) =>
    findingIf(
      lifetimes[name] < fewest.lifetimes[name],
      ['lifetimes', name],
      `${tooShort[name]}; write at least ${fewest.lifetimes[name]} (seconds)`,
    ),
  ),
  ...findingIf(
    longestConsentAge < fewest.longestConsentAge,
    ['longestConsentAge'],
    `is over before a partner has presented the token; write at least ${fewest.longestConsentAge} (seconds)`,
  ),
];

/** A rate that a partner was given, and that the stage's throttling never lets it reach. */
const ofRates = ({ throttling, partners }: StageConfig): readonly ConfigFinding[] =>
  (['perSecond', 'burst'] as const).flatMap((name) =>
    partners.flatMap(({ rate }, index) =>
      findingIf(
        throttling.perSecond >= fewest.perSecond && rate[name] > throttling[name] && rate[name] !== usualRate[name],
        ['partners', index, 'rate', name],
        `is above throttling.${name}, which limits all partners together and wins; write at most ${throttling[name]}, or raise throttling.${name}`,
      ),
    ),
  );

const isLocalhost = (url: string): boolean => /^http:\/\/localhost(?=[:/?]|$)/.test(url);
const isLoopbackAddress = (url: string): boolean => /^http:\/\/(127\.0\.0\.1|\[::1\])(?=[:/?]|$)/.test(url);

/**
 * A native app listens only on its own machine, so http is allowed there, but only by address: `localhost` may resolve
 * elsewhere.
 */
const plainHttp = ({ partners }: StageConfig, { path, url, by }: UrlField): readonly ConfigFinding[] => {
  if (by === 'printed') return [];
  const [list, index, field] = path;
  const isOfPublicClient =
    list === 'partners' && field === 'redirectUris' && partners[Number(index)]?.clientAuthentication.includes('none');
  if (isOfPublicClient === true && isLoopbackAddress(url)) return [];
  return findingIf(
    url.startsWith('http:'),
    path,
    isOfPublicClient === true && isLocalhost(url)
      ? 'uses plain http on localhost; write 127.0.0.1 instead (RFC 8252 §8.3), or https://'
      : 'uses plain http, which production refuses; write https://',
  );
};

/** A host that serves made-up members: by its name, or ID.me's, whose name does not say so. */
const isSandbox = (hostname: string): boolean =>
  /(^|[.-])sandbox([.-]|$)/.test(hostname) || hostname === 'api.idmelabs.com';

/** Neither a payer nor an identity provider is its sandbox. */
const sandbox = ({ path, url }: UrlField): readonly ConfigFinding[] =>
  findingIf(
    (path[0] === 'payers' || path[0] === 'identityProviders') && URL.canParse(url) && isSandbox(new URL(url).hostname),
    path,
    'is a sandbox, whose members are made up; write the URL for production (a preset may take environment: "production")',
  );

/** Every URL is https, can be reached by whoever requests it, and is no sandbox's. */
const ofUrls = (config: StageConfig): readonly ConfigFinding[] =>
  stageUrls(config).flatMap((field) =>
    plainHttp(config, field).concat(
      unreachableByBrowsers(field),
      unreachableByFunctions(config, field),
      sandbox(field),
    ),
  );

const ofPayer = (payer: Payer): readonly ConfigFinding[] => [
  ...findingIf(
    !payer.quirks.pkce && payer.quirks.pkceOffReason === undefined,
    ['quirks', 'pkce'],
    'is false without a reason; write true, or say in pkceOffReason why the gateway does not use PKCE there',
  ),
  ...findingIf(
    payer.patientFrom === 'none' && payer.patientNoneReason === undefined,
    ['patientFrom'],
    'is "none" without a reason; write "token" or "search", or say in patientNoneReason why its grants are not bound to a patient',
  ),
  ...findingIf(
    (payer.quirks.timeToFirstByte ?? Infinity) < fewest.ofPayer.timeToFirstByte,
    ['quirks', 'timeToFirstByte'],
    `is less than a payer takes when it is busy; write at least ${fewest.ofPayer.timeToFirstByte} (seconds), or leave it out for 60`,
  ),
  ...findingIf(
    (payer.identitySignIn?.longestAuthAge ?? Infinity) < fewest.ofPayer.longestAuthAge,
    ['identitySignIn', 'longestAuthAge'],
    `is over before a partner has presented the token; write at least ${fewest.ofPayer.longestAuthAge} (seconds)`,
  ),
];

const ofPartner = (partner: Partner): readonly ConfigFinding[] => [
  ...findingIf(
    partner.pkceOptional && partner.pkceOptionalReason === undefined,
    ['pkceOptional'],
    'is true without a reason; write false, or say in pkceOptionalReason why this partner cannot use PKCE',
  ),
  ...(['perSecond', 'burst'] as const).flatMap((name) =>
    findingIf(
      partner.rate[name] < fewest.ofPartner[name],
      ['rate', name],
      `is for all members of the partner together, each of whom makes a dozen requests; write at least ${fewest.ofPartner[name]}`,
    ),
  ),
];

/** Members see who runs the gateway, and where they can read its policy and get help. */
const ofOperator = ({ operator }: Deployment): readonly ConfigFinding[] =>
  operator === undefined
    ? findingIf(
        true,
        ['operator'],
        'is missing, so members could not tell whose pages they see; write the name, privacyPolicy and support of who runs the gateway',
      )
    : [
        ...findingIf(
          operator.privacyPolicy === undefined,
          ['operator', 'privacyPolicy'],
          'is missing, so members could not read what happens to their data; write the URL of the privacy policy',
        ),
        ...findingIf(
          operator.support === undefined,
          ['operator', 'support'],
          'is missing, so members could get no help; write a URL, or "mailto:" and an e-mail address',
        ),
      ];

/** Of the account's own subnets: a network that the stack made in version 0.1 with one zone has no room for another. */
const isInOneZone = (subnets: readonly { readonly availabilityZone: string }[]): boolean =>
  new Set(subnets.map(({ availabilityZone }) => availabilityZone)).size === 1;

const ofDeployment = (deployment: Deployment): readonly ConfigFinding[] => [
  ...findingIf(
    deployment.network !== 'none' && deployment.network.zones === undefined,
    ['network', 'zones'],
    "is missing; AWS may list other zones first one day, and an update would replace subnets: write the zones by name (those of the stage's subnets, in their order), in place of availabilityZones",
  ),
  ...findingIf(
    deployment.account === undefined,
    ['account'],
    'is missing, but production must name its AWS account; write the 12 digits of the account id',
  ),
  ...findingIf(
    deployment.region === undefined,
    ['region'],
    'is missing, but production must name its region; write one, such as "us-east-1"',
  ),
  ...findingIf(
    deployment.indexPage !== undefined,
    ['indexPage'],
    'is set, which would show every visitor the clients, and members to test with; remove it',
  ),
  ...findingIf(
    deployment.alarmAddresses.length === 0 && deployment.existing?.alarmTopicArn === undefined,
    ['alarmAddresses'],
    'is empty, so no one would receive an alarm; write at least one e-mail address',
  ),
  ...findingIf(
    deployment.waf === 'none' && deployment.wafOffReason === undefined,
    ['waf'],
    'is "none" without a reason; write { requestsPer5Minutes: 20000 }, or say in wafOffReason why there is no web ACL',
  ),
  ...findingIf(
    isInOneZone(deployment.existing?.vpc?.subnets ?? []),
    ['existing', 'vpc', 'subnets'],
    'are all in one zone, whose outage would stop production; write subnets in at least two zones',
  ),
  ...findingIf(
    deployment.removalPolicy === 'destroy',
    ['removalPolicy'],
    'is "destroy", which would delete grants and the audit together with the stack; write "retain"',
  ),
  ...findingIf(
    deployment.retention.auditDays < fewestAuditDays,
    ['retention', 'auditDays'],
    `is under six years (45 CFR 164.316(b)(2)); write at least ${fewestAuditDays}`,
  ),
  ...findingIf(
    deployment.retention.logDays < fewestLogDays,
    ['retention', 'logDays'],
    `is too short to trace an incident that is found late; write at least ${fewestLogDays}`,
  ),
];

/** Any app that knows a public client's id can pose as it, so the gateway asks the member. */
export const publicConsent = ({ partners }: StageConfig): readonly ConfigFinding[] =>
  partners.flatMap(({ clientAuthentication, consent, consentReason }, index) =>
    findingIf(
      clientAuthentication.includes('none') && consent === 'partner' && consentReason === undefined,
      ['partners', index, 'consent'],
      'is "partner" for a public client, which any app can impersonate; write "gateway", or, for an app of your own, say in consentReason why it asks its members itself',
    ),
  );

/** Everything that would weaken production. Every stage refuses wildcards, by the rules of their fields. */
export const weaknesses = (config: StageConfig): readonly ConfigFinding[] => [
  ...ofUrls(config),
  ...ofDeployment(config),
  ...ofLimits(config),
  ...ofRates(config),
  ...ofOperator(config),
  ...publicConsent(config),
  ...config.payers.flatMap((payer, index) => insideEntry('payers', index, ofPayer(payer))),
  ...config.partners.flatMap((partner, index) => insideEntry('partners', index, ofPartner(partner))),
];
