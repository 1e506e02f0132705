import { KMSClient } from '@aws-sdk/client-kms';
import { awsLimits } from './aws-limits.ts';

/** Under five seconds per call, including retries. */
export const kmsLimits = awsLimits({ maxAttempts: 3, requestMs: 1500 });

/** The client that every function shares. */
export const kmsClient = (): KMSClient => new KMSClient(kmsLimits);
