import type { RegistryData } from '../../functions/shared/registry/types.ts';
import { calledUrls, providerUrls } from '../checks/stage-urls.ts';
import type { StageConfig } from '../stage.ts';

/** The ports that functions connect to: 443, and every other port in the URLs of payers and partners that they call. */
export const outgoingPorts = ({
  payers,
  partners,
  identityProviders,
}: Pick<RegistryData, 'payers' | 'partners'> & Pick<StageConfig, 'identityProviders'>): number[] => {
  const called = [
    ...providerUrls(identityProviders).map(([, url]) => url),
    ...payers.flatMap(calledUrls).map(([, url]) => url),
    ...partners.flatMap(({ webhook }) => webhook ?? []),
  ];
  // A URL parser omits the scheme's default port.
  const ports = called.map((url) => new URL(url).port).filter((port) => port !== '');
  return [...new Set([443, ...ports.map(Number)])].sort((a, b) => a - b);
};
