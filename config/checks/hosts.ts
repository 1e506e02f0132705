/** The hosts and schemes of all URLs of a stage: one rule for each of them, so that it holds for a new field too. */
import { namesPrivateAddress, namesThisMachine } from '../../functions/shared/http/private-address.ts';
import type { StageConfig } from '../stage.ts';
import { originOf } from './deployment-schema.ts';
import { findingIf, type ConfigFinding } from './finding.ts';
import { stageUrls, type UrlField } from './stage-urls.ts';

/** Of AWS's, and of other clouds', metadata services (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html). */
const metadataHosts =
  /^(?:metadata(?:\.google\.internal)?|instance-data(?:\.ec2\.internal)?|\[fd00:ec2::[\da-f:]+\])\.?$/;

/** Whether a host is where a machine finds its own credentials: link-local (RFC 3927, RFC 4291), or a name for that. */
const isMetadataHost = (hostname: string): boolean =>
  /^169\.254\.|^\[(?:::ffff:a9fe:|fe[89ab][\da-f]:)/.test(hostname) || metadataHosts.test(hostname);

/** Fields whose links may lead to the gateway's own pages. In any other the gateway would ask itself, or send a code to itself. */
const mayBeOwn: ReadonlySet<PropertyKey | undefined> = new Set(['brand', 'homePage', 'privacyPolicy', 'webOrigins']);

const isOwn = ({ path: [list, , field], url }: UrlField, own: string | undefined): boolean =>
  own !== undefined &&
  ['payers', 'partners', 'identityProviders'].includes(String(list)) &&
  !mayBeOwn.has(field) &&
  URL.parse(url)?.host === own;

/** What should be there instead. */
const instead = ({ path: [list, , field] }: UrlField): string => {
  if (list === 'payers') return "the payer's own URL";
  if (field === 'issuer' || field === 'identityAudiences') return "the provider's own issuer";
  if (list === 'partners') return "the partner's own URL";
  return field === 'jwksUri' ? "the URL of the provider's keys" : 'your own URL';
};

/** Hosts that no URL of any stage may have. */
export const wrongHosts = (config: StageConfig): readonly ConfigFinding[] => {
  const own = URL.parse(originOf(config) ?? '')?.host;
  return stageUrls(config).flatMap((field): readonly ConfigFinding[] => {
    const { path, url } = field;
    const { hostname } = URL.parse(url) ?? {};
    if (hostname === undefined) return [];
    if (isOwn(field, own)) return [{ path, message: `is this gateway itself; write ${instead(field)}` }];
    const message = `has the host ${hostname}, where a machine finds its own credentials; write ${instead(field)}`;
    return findingIf(isMetadataHost(hostname), path, message);
  });
};

/** Why functions in AWS cannot reach a URL. The account's own VPC may reach a private network; the stack's VPC reaches only the internet. */
export const unreachableByFunctions = (
  { existing }: StageConfig,
  { path, url, by }: UrlField,
): readonly ConfigFinding[] => {
  if (by !== 'functions' || !URL.canParse(url)) return [];
  return findingIf(
    existing?.vpc === undefined && !namesThisMachine(url) && namesPrivateAddress(url),
    path,
    'is in a private network, which functions in AWS cannot reach without existing.vpc; write a public URL, or that VPC',
  );
};

/** A native app listens on its own machine (RFC 8252 §7.3). */
const isOfNativeApp = ({ path: [, , field], url }: UrlField): boolean =>
  field === 'redirectUris' && namesThisMachine(url);

/** Why browsers of members and partners cannot open a URL. */
export const unreachableByBrowsers = (field: UrlField): readonly ConfigFinding[] => {
  const { path, url, by } = field;
  if ((by !== 'browsers' && by !== 'both') || !URL.canParse(url) || isOfNativeApp(field)) return [];
  return findingIf(
    namesPrivateAddress(url),
    path,
    'is in a private network, which browsers elsewhere cannot reach; write a public URL',
  );
};
