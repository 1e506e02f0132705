/** The least that the audit function must load: its client alone. */
import { S3Client } from '@aws-sdk/client-s3';
import { awsLimits } from '../../functions/shared/aws/aws-limits.ts';

export const handler = new S3Client(awsLimits({ maxAttempts: 3, requestMs: 5000 }));
