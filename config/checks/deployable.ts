/** What is allowed locally but not in AWS. */
import { namesThisMachine } from '../../functions/shared/http/private-address.ts';
import type { StageConfig } from '../stage.ts';
import { ConfigError, linesOf } from './check-stage.ts';
import { findingIf, type ConfigFinding } from './finding.ts';
import { unreachableByFunctions } from './hosts.ts';
import { leftovers } from './leftovers.ts';
import { publicConsent } from './production.ts';
import { isCalled, stageUrls, type UrlField } from './stage-urls.ts';

/** A partner's app may be on the machine of whoever tries the stage out. Everything else is requested from AWS, or by members. */
const onThisMachine = (field: UrlField): readonly ConfigFinding[] =>
  findingIf(
    (isCalled(field) || (field.path[0] === 'payers' && field.by !== 'printed')) && namesThisMachine(field.url),
    field.path,
    'is on this machine, which functions in AWS cannot reach; write the URL of a server',
  );

const obstacles = (config: StageConfig): readonly ConfigFinding[] => [
  ...findingIf(
    config.origin !== undefined && namesThisMachine(config.origin),
    ['origin'],
    'is on this machine; write a domain, or leave origin out',
  ),
  ...stageUrls(config).flatMap((field) => onThisMachine(field).concat(unreachableByFunctions(config, field))),
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
