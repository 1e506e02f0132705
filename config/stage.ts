/**
 * The shape of a stage's configuration. Everything that a platform engineer edits lives in one value of
 * {@link StageConfig}; `check.ts` refuses what is wrong with the file, the field and what to write instead.
 *
 * A stage with `production: true` also refuses what would weaken it (`production.ts`). Five things it takes for a
 * reason, which is written beside them for whoever reviews the file: `pkceOptionalReason`, `consentReason`,
 * `quirks.pkceOffReason`, `patientNoneReason` and `wafOffReason`. A reason without the thing that it explains is refused,
 * and none of them ships to the functions.
 */

import type { RegistryData } from '../functions/shared/registry/types.ts';

/** A domain of one's own in front of the API. */
export interface Domain {
  /** Such as `gateway.example.org`, in lower case; the public origin is `https://` and this. */
  readonly name: string;
  /** ARN of an ACM certificate for the name, in the stage's region and account. */
  readonly certificateArn: string;
  /**
   * The Route 53 zone in which the stack makes the record; the name lies in it. Left out: the target is an output, for
   * another DNS.
   */
  readonly hostedZone?: { readonly id: string; readonly name: string };
}

/** A VPC of the stack's own, so that payers see fixed addresses. */
export interface VpcNetwork {
  /** How many of the region's availability zones, 1 to 3; payers see an address of each. */
  readonly availabilityZones: number;
  /** The VPC's IPv4 block, /16 to /24, such as `10.20.0.0/20`. */
  readonly cidr: string;
}

/** The functions whose concurrency can be reserved. */
type FunctionName = 'authorize' | 'callback' | 'token' | 'fetch' | 'discovery';

/** What only the deployment needs. */
export interface Deployment {
  /** Whether members' real records go through it: a configuration that would weaken it stops synth. No default. */
  readonly production: boolean;
  /** The AWS account's twelve digits; left out, the one of the credentials at hand. Production names it. */
  readonly account?: string;
  /** Left out, the one of the credentials at hand. Production names it, and `edge` needs us-east-1. */
  readonly region?: string;
  readonly domain?: Domain;
  /** E-mail addresses that alarms go to; each gets a letter of AWS's to confirm. Production has at least one. */
  readonly alarmAddresses: readonly string[];
  /** Where `docs/operate.md` can be read, a URL or its path in the repository; an alarm appends its section's `#anchor`. */
  readonly runbookUrl: string;
  /** `none`: functions reach payers from AWS's own addresses. */
  readonly network: 'none' | VpcNetwork;
  /** Managed rules and a limit per address; `none` leaves the API without a web ACL. */
  readonly waf: 'none' | { readonly requestsPer5Minutes: number };
  /** Why there is no web ACL; production asks for it where `waf` is `none`. */
  readonly wafOffReason?: string;
  /** CloudFront in front, which gives clients the `WWW-Authenticate` that API Gateway renames. */
  readonly edge: boolean;
  /** What becomes of tables, logs, keys and the audit when the stack is deleted. Production retains them. */
  readonly removalPolicy: 'retain' | 'destroy';
  readonly retention: {
    /**
     * Days that logs are kept; one of CloudWatch's own numbers. Production sets no least: what must be kept for six
     * years is who read what, and that is the audit; logs are for finding faults.
     */
    readonly logDays: number;
    /**
     * Days that nobody can delete an audit event, ten years at most. Production keeps six years (45 CFR 164.316(b)(2)),
     * which are 2192.
     */
    readonly auditDays: number;
  };
  /** API Gateway's limit for all callers together: sustained requests a second, and burst. */
  readonly throttling: { readonly perSecond: number; readonly burst: number };
  /** Executions set aside for a function, and its most; left out, it shares the account's. */
  readonly concurrency: Readonly<Partial<Record<FunctionName, number>>>;
  /** The account's Lambda executions in the region; `aws lambda get-account-settings` says it. */
  readonly accountConcurrency: number;
  /** Whether the stack makes the role with which API Gateway writes access logs: one a region and account. */
  readonly apiGatewayLogRole: boolean;
}

/** One deployment. */
export interface StageConfig extends RegistryData, Deployment {
  /**
   * The public origin, such as `https://gateway.example.org`. With a domain it is the domain's, and the check sets it;
   * with neither it is the API's own URL, and stays undefined.
   */
  readonly origin?: string;
}
