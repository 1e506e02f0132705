import type { AppKey } from '../partner/present-identity.ts';
import type { MemberKey } from '../payer/data/member-list.ts';

/** How the demo's partner gets a grant without a browser. */
export interface DemoIdentity {
  readonly issuer: string;
  /** The partner's client id at the identity provider, and its redirect URI there. */
  readonly audience: string;
  readonly redirectUri: string;
  readonly key: AppKey;
  readonly member: MemberKey;
}
