import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Deps } from '../shared/deps.ts';
import type { Table } from '../shared/store/dynamo.ts';
import type { Post } from './post.ts';

/** What deliver depends on. */
export interface DeliverDeps extends Pick<Deps, 'clock' | 'randomBytes' | 'registry' | 'writeLog'> {
  /** Where disabled webhooks are recorded. */
  readonly limits: Table;
  readonly secrets: { readonly client: SecretsManagerClient; readonly prefix: string };
  readonly post: Post;
}
