import type { RegistryData } from '../../functions/shared/registry/types.ts';
import { isCalled, stageUrls } from '../checks/stage-urls.ts';
import type { StageConfig } from '../stage.ts';

/** The ports that functions connect to: 443, and every other port in the URLs that they request. */
export const outgoingPorts = (
  config: Pick<RegistryData, 'payers' | 'partners'> & Pick<StageConfig, 'identityProviders'>,
): number[] => {
  // A URL parser omits the scheme's default port.
  const ports = stageUrls(config)
    .filter((field) => isCalled(field) || field.by === 'canary')
    .map(({ url }) => new URL(url).port)
    .filter((port) => port !== '');
  return [...new Set([443, ...ports.map(Number)])].sort((a, b) => a - b);
};
