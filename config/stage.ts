/**
 * The shape of a stage's configuration. Everything that a platform engineer edits lives in one value of
 * {@link StageConfig}. `checks/` refuses mistakes and names the file, the field and what to write instead.
 *
 * A stage with `production: true` also refuses what would weaken it (`checks/production.ts`). It allows five exceptions, each
 * with a written reason for the file's reviewer: `pkceOptionalReason`, `consentReason`, `quirks.pkceOffReason`,
 * `patientNoneReason` and `wafOffReason`. A reason without its exception is refused. Reasons do not ship to the
 * functions.
 */

import type { IndexLink, Operator, TestMember } from '../functions/shared/pages/settings.ts';
import type { Exchanges, IdentityProvider, RegistryData } from '../functions/shared/registry/types.ts';
import type { Existing } from './existing.ts';

/** A custom domain for the API. */
export interface Domain {
  /** Such as `gateway.example.org`, in lower case. The public origin is `https://` plus this name. */
  readonly name: string;
  /** ARN of an ACM certificate for this name, in the stage's region and account. */
  readonly certificateArn: string;
  /**
   * The Route 53 zone that contains the name, where the stack creates the record. If omitted, the target is an output,
   * for another DNS provider.
   */
  readonly hostedZone?: { readonly id: string; readonly name: string };
}

/** A VPC created by the stack, so that payers see fixed addresses. */
export interface VpcNetwork {
  /**
   * The availability zones, one to three, such as `us-east-1a`. Production requires it. The order counts: each has the next
   * part of the block and the next of three addresses, so a zone is added at the end. Payers see one address from each. One
   * alone is not refused, though its outage stops the stage: one of version 0.1 has no room for another in its block.
   */
  readonly zones?: readonly string[];
  /**
   * In place of `zones`: how many of the zones that AWS lists first. AWS may list others later, and an update would then
   * replace subnets.
   */
  readonly availabilityZones?: number;
  /** The VPC's IPv4 block, /16 to /24, such as `10.20.0.0/20`. It never changes: docs/deploy.md, "The network stays". */
  readonly cidr: string;
  /**
   * The prefix length of each zone's subnet. Only for a stage of version 0.1, whose subnets would otherwise be replaced by
   * ones that overlap them, which AWS refuses.
   * @default a quarter of the block, so that zones can be added
   */
  readonly subnetPrefix?: number;
}

/** The functions that can have reserved concurrency. */
type FunctionName =
  | 'authorize'
  | 'callback'
  | 'connections'
  | 'token'
  | 'fetch'
  | 'discovery'
  | 'export'
  | 'exportJob'
  | 'followUp'
  | 'sweep'
  | 'deliver';

/** What only the deployment needs. */
export interface Deployment {
  /**
   * Whether members' real records pass through it. If so, synth refuses a configuration that would weaken it. No
   * default.
   */
  readonly production: boolean;
  /** The AWS account's twelve digits. If omitted, the account of the current credentials. Required in production. */
  readonly account?: string;
  /** If omitted, the region of the current credentials. Required in production. `edge` needs us-east-1. */
  readonly region?: string;
  readonly domain?: Domain;
  /** Who runs the gateway, as its pages say. Required in production. @default "Payer-to-payer gateway", without links */
  readonly operator?: Operator;
  /**
   * Whether `GET /` is a page for developers: payers, clients, and members to test with. Production refuses it.
   * @default `GET /` is a small JSON document
   */
  readonly indexPage?: {
    readonly testMembers: readonly TestMember[];
    /** Pages to link to. */
    readonly links: readonly IndexLink[];
    /** Secrets that everybody may know, by client id: those of a sandbox. @default the page names none */
    readonly clientSecrets?: Readonly<Record<string, string>>;
  };
  /**
   * E-mail addresses for alarms. AWS sends each an e-mail to confirm. Production requires at least one, or
   * `existing.alarmTopicArn`.
   */
  readonly alarmAddresses: readonly string[];
  /**
   * E-mail addresses for alarms that can wait until the next working day. If there are none, and no
   * `existing.ticketTopicArn`, `alarmAddresses` get them too.
   */
  readonly ticketAddresses: readonly string[];
  /**
   * Where to read `docs/alarms.md`: a URL, or its path in the repository. An alarm appends its section's `#anchor`.
   */
  readonly runbookUrl: string;
  /**
   * Where partners read `docs/partners/errors.md`: a URL. An error appends the `#anchor` of its row. @default errors have no link
   */
  readonly errorsUrl?: string;
  /** `none`: functions reach payers from AWS's own addresses. A stage may get a VPC, and never leaves it. */
  readonly network: 'none' | VpcNetwork;
  /** Managed rules and a limit per address. With `none`, the API has no web ACL. */
  readonly waf: 'none' | { readonly requestsPer5Minutes: number };
  /** Why there is no web ACL. Required in production if `waf` is `none`. */
  readonly wafOffReason?: string;
  /**
   * CloudFront in front of the API, which restores the `WWW-Authenticate` header that API Gateway renames. With `both`,
   * requests that come past CloudFront are accepted too: the step between, when a stage with members gets or loses it.
   */
  readonly edge: boolean | 'both';
  /** The identity providers whose tokens about members are accepted, where a payer takes them. @default none */
  readonly identityProviders?: readonly IdentityProvider[];
  /** How many seconds ago a member may have agreed when a partner presents an identity token. @default 600, the most */
  readonly longestConsentAge: number;
  /**
   * Whether partners with `exchange` may ask payers with `exchange` for their new members' records. @default off; the stack
   * creates nothing for it
   */
  readonly exchanges?: Exchanges;
  /** What happens to tables, logs, keys and the audit when the stack is deleted. Production must retain them. */
  readonly removalPolicy: 'retain' | 'destroy';
  readonly retention: {
    /**
     * Days that logs are kept, one of the values that CloudWatch accepts. Production requires 90. The record of who read
     * what, which must be kept for six years, is the audit; logs are for finding faults.
     */
    readonly logDays: number;
    /**
     * Days during which no one can delete an audit event, up to ten years. Production requires six years (45 CFR
     * 164.316(b)(2)), which is 2192.
     */
    readonly auditDays: number;
    /** For how many days a partner can download an export's files, 1 to 30. */
    readonly exportFileDays: number;
  };
  /**
   * Who makes payers' secrets. `stack`: the stack, one without a value for each payer of the stage's file that needs one;
   * `payers -- secret` fills it. `tool`: `payers -- secret` makes it too, so that payers come without a deployment.
   */
  readonly payerSecrets: 'stack' | 'tool';
  /** API Gateway's limit for all callers together: sustained requests per second, and burst. It wins over any partner's `rate`. */
  readonly throttling: { readonly perSecond: number; readonly burst: number };
  /** Executions reserved for a function, which are also its maximum. If omitted, it shares the account's. */
  readonly concurrency: Readonly<Partial<Record<FunctionName, number>>>;
  /** The account's concurrent Lambda executions in the region. `aws lambda get-account-settings` shows the number. */
  readonly accountConcurrency: number;
  /**
   * Whether the stack creates the role with which API Gateway writes access logs. There is one per region and account.
   */
  readonly apiGatewayLogRole: boolean;
  /** What the account brings. @default the stack makes everything */
  readonly existing?: Existing;
  /** Tags for every resource, beside `project` and `stage`. */
  readonly tags?: Readonly<Record<string, string>>;
  /** ARN of a managed policy that limits every role of the stack. */
  readonly permissionsBoundaryArn?: string;
  /** The qualifier that the account's CDK was bootstrapped with. @default the CDK's own, hnb659fds */
  readonly bootstrapQualifier?: string;
}

/** One deployment. */
export interface StageConfig extends RegistryData, Deployment {
  /**
   * The public origin, such as `https://gateway.example.org`. With a domain, the check sets it to the domain's. Without
   * either, it is the API's own URL, and stays undefined.
   */
  readonly origin?: string;
}
