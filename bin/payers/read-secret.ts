import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { answerMs, withinMs } from '../shared/deadline.ts';
import { explainSecretsFailure } from '../shared/secrets-manager.ts';
import type { SecretReading } from './secret.ts';

/** Reads a secret by name, within the time limit. It never throws, and its explanations contain no secret. */
export const readSecretWith =
  (client: SecretsManagerClient) =>
  async (name: string): Promise<SecretReading> => {
    try {
      const command = new GetSecretValueCommand({ SecretId: name, VersionStage: 'AWSCURRENT' });
      const { SecretString } = await withinMs(answerMs, client.send(command));
      return { text: SecretString ?? '' };
    } catch (error) {
      return explainSecretsFailure(error);
    }
  };
