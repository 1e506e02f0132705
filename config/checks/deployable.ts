/** What is allowed locally but not in AWS. */
import { namesPrivateAddress, namesThisMachine } from '../../functions/shared/http/private-address.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import type { StageConfig } from '../stage.ts';
import { ConfigError, linesOf } from './check-stage.ts';
import { leftovers } from './leftovers.ts';
import { findingIf, insideEntry, publicConsent, type ConfigFinding } from './production.ts';
import { calledUrls, payerUrls, providerUrls, type UrlField } from './stage-urls.ts';

const onThisMachine = ([path, url]: UrlField): readonly ConfigFinding[] =>
  findingIf(
    namesThisMachine(url),
    path,
    'is on this machine, which functions in AWS cannot reach; write the URL of a server',
  );

/** The account's own VPC may reach a private address; the stack's VPC reaches only the internet. */
const unreachable =
  ({ existing }: StageConfig) =>
  ([path, url]: UrlField): readonly ConfigFinding[] =>
    findingIf(
      existing?.vpc === undefined && !namesThisMachine(url) && namesPrivateAddress(url),
      path,
      'is a private address, which functions in AWS cannot reach without existing.vpc; write a public URL, or that VPC',
    );

/** Without the authorize endpoint, which browsers open: functions look at most at its certificate. */
const askedUrls = (payer: Payer): readonly UrlField[] =>
  calledUrls(payer).filter(([[field]]) => field !== 'authorizationEndpoint');

const obstacles = (config: StageConfig): readonly ConfigFinding[] => [
  ...findingIf(
    config.origin !== undefined && namesThisMachine(config.origin),
    ['origin'],
    'is on this machine; write a domain, or leave origin out',
  ),
  ...providerUrls(config.identityProviders).flatMap(onThisMachine),
  ...providerUrls(config.identityProviders).flatMap(unreachable(config)),
  ...config.payers.flatMap((payer, index) =>
    insideEntry('payers', index, [
      ...payerUrls(payer).flatMap(onThisMachine),
      ...askedUrls(payer).flatMap(unreachable(config)),
    ]),
  ),
  ...config.partners.flatMap(({ webhook }, index) =>
    insideEntry('partners', index, webhook === undefined ? [] : onThisMachine([['webhook'], webhook])),
  ),
  ...publicConsent(config),
  ...leftovers(config),
];

/**
 * Refuses to deploy a stage that would be insecure or could not work.
 * @param file named in every line of the error
 * @throws ConfigError
 */
export const requireDeployable = (config: StageConfig, file: string): void => {
  if (config.stage === 'local') {
    throw new ConfigError(file, [
      'stage: is "local", whose secrets are public, so only npm start may serve it; deploy a stage of your own',
    ]);
  }
  const found = obstacles(config);
  if (found.length > 0) throw new ConfigError(file, linesOf(config, found));
};
