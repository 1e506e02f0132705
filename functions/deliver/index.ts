import { withDurableExecution } from '@aws/durable-execution-sdk-js';
import { endStaleInvocation } from '../shared/aws/stale-invocation.ts';
import { realRegistryDeps } from '../shared/deps.ts';
import { requireEnvironment } from '../shared/environment.ts';
import { secretsClient } from '../shared/payer/secrets.ts';
import { deliverHandler } from './handler.ts';
import { postOf } from './post.ts';

const deps = realRegistryDeps();

export const handler = endStaleInvocation(
  withDurableExecution(
    deliverHandler({
      ...deps,
      limits: { client: deps.client, name: requireEnvironment('LIMITS_TABLE') },
      secrets: { client: secretsClient(), prefix: requireEnvironment('WEBHOOK_SECRET_PREFIX') },
      post: postOf(deps.registry.stage),
    }),
  ),
);
