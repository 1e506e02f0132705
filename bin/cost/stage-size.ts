/** What a stage's stack makes and AWS bills by the month, as its configuration says. */
import { inWords } from '../../config/checks/in-words.ts';
import { keyNames, ownKeys, type Existing } from '../../config/existing.ts';
import type { StageConfig } from '../../config/stage.ts';
import { secretOwnerOf } from '../../functions/shared/registry/profile.ts';

/** The rules of the stack's web ACLs. `test/docs/stack.test.ts` counts them in templates. */
const rules = {
  /** The limit per address, and AWS's list of addresses. */
  aboutAddresses: 2,
  /** Two of AWS's rule groups, and long bodies. */
  inspection: 3,
  /** In a stage with exchanges: the rule about markup in a match. */
  markup: 1,
  onlyCloudFront: 1,
} as const;

/** What makes a stage cost more than another. Nothing that the account brings is counted. */
export interface StageSize {
  readonly payers: number;
  readonly partners: number;
  /** Payers that have their own secret. A public client has none, and some payers share one. */
  readonly secrets: number;
  /** Payers that are asked as former plans, each with a key of its own. */
  readonly exchangeKeys: number;
  /** The table of a stage with exchanges, which has alarms. */
  readonly exchangeTables: number;
  /** Availability zones of the network that the stack makes. */
  readonly zones: number;
  /** KMS keys. */
  readonly keys: number;
  /** CloudFront, with `edge`. */
  readonly distributions: number;
  /** The secret that CloudFront sends to the API, and the next one. */
  readonly originSecrets: number;
  /** How many rules each web ACL has. */
  readonly webAcls: readonly number[];
}

type Shape = Pick<StageConfig, 'payers' | 'partners' | 'network' | 'waf' | 'edge' | 'existing' | 'exchanges'>;

/** With `edge` there is one at CloudFront, unless the account brings its own, and one at the API. */
const webAclsOf = ({ waf, edge, existing, exchanges }: Shape): number[] => {
  if (waf === 'none') return [];
  const isBrought = existing?.webAclArn !== undefined;
  const inspection = rules.inspection + (exchanges === undefined ? 0 : rules.markup);
  const open = rules.aboutAddresses + inspection;
  if (edge === false) return isBrought ? [] : [open];
  const atApi = edge === 'both' ? open : rules.onlyCloudFront + inspection;
  return [...(isBrought ? [] : [rules.aboutAddresses]), atApi];
};

/** The size of a stage with this configuration. */
export const sizeOf = (config: Shape): StageSize => {
  const { payers, partners, network, waf, edge, existing, exchanges } = config;
  return {
    payers: payers.length,
    partners: partners.length,
    secrets: payers.filter((payer) => secretOwnerOf(payer) === payer.id).length,
    exchangeKeys: payers.filter(({ exchange }) => exchange !== undefined).length,
    exchangeTables: exchanges === undefined ? 0 : 1,
    zones: network === 'none' ? 0 : (network.zones?.length ?? network.availabilityZones ?? 0),
    keys: ownKeys(existing).length,
    distributions: edge === false ? 0 : 1,
    originSecrets: edge !== false && waf !== 'none' ? 2 : 0,
    webAcls: webAclsOf(config),
  };
};

/** What the account brings, in the words of `docs/bring-your-own.md`; empty if it brings nothing. */
export const broughtBy = ({
  vpc,
  keys,
  logDestination,
  alarmTopicArn,
  ticketTopicArn,
  webAclArn,
}: Existing = {}): string[] => {
  const broughtKeys = keyNames.filter((name) => keys?.[name] !== undefined);
  return [
    ...(vpc === undefined ? [] : [`the VPC ${vpc.id} with its way out and its endpoints`]),
    ...(broughtKeys.length === 0
      ? []
      : [`the ${broughtKeys.length === 1 ? 'key' : 'keys'} for ${inWords(broughtKeys)}`]),
    ...(logDestination === undefined ? [] : ['the log destination']),
    ...(alarmTopicArn === undefined ? [] : ['the alarm topic']),
    ...(ticketTopicArn === undefined ? [] : ['the ticket topic']),
    ...(webAclArn === undefined ? [] : ['the web ACL']),
  ];
};
