import type { Stack } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { StageConfig } from '../config/stage.ts';
import { ExistingNetwork } from './existing-network.ts';
import type { FunctionNetwork } from './functions-group.ts';
import { GatewayNetwork } from './network.ts';

export interface StageNetworkProps {
  readonly config: StageConfig;
  /** Encrypts the flow log of a VPC that the stack makes. */
  readonly key: IKey;
}

/** A stage's network. */
export interface StageNetwork {
  /** Where functions run. */
  readonly functions: FunctionNetwork;
  /** The addresses that payers see calls come from, as far as the stack knows them. */
  readonly addresses: readonly string[];
}

/** The VPC that the account brings, or that the stage asks for; `undefined` if functions run outside any. */
export const addNetwork = (stack: Stack, { config, key }: StageNetworkProps): StageNetwork | undefined => {
  const { existing, network } = config;
  if (existing?.vpc !== undefined) return new ExistingNetwork(stack, 'ExistingNetwork', { config, vpc: existing.vpc });
  return network === 'none' ? undefined : new GatewayNetwork(stack, 'Network', { config, network, key });
};
