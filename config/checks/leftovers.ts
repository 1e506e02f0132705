/** Example values that remain in a stage copied from an example. */
import type { Identifier, Partner, Payer, PublicJwk } from '../../functions/shared/registry/types.ts';
import {
  exampleAccount,
  exampleHostedZoneId,
  exampleIdentifiers,
  exampleKeys,
  examplePublicKey,
  exampleSecretHash,
  isExampleHost,
  pendingClientId,
  publishedPlanKey,
  publishedPublicKey,
  publishedSecretHash,
} from '../examples.ts';
import type { Deployment, StageConfig } from '../stage.ts';
import { findingIf, insideEntry, type ConfigFinding } from './finding.ts';
import { stageUrls } from './stage-urls.ts';

const exampleHost =
  (path: readonly PropertyKey[]) =>
  (host: string): readonly ConfigFinding[] =>
    findingIf(isExampleHost(host), path, `is the example's (${host} is reserved for examples); write your own`);

const ofUrl = (path: readonly PropertyKey[], url: string): readonly ConfigFinding[] =>
  URL.canParse(url) ? exampleHost(path)(new URL(url).hostname) : [];

const exampleXs = new Set([examplePublicKey, ...Object.values(exampleKeys)].map((key) => key['x']));

const ofKeys = (field: readonly PropertyKey[], keys: readonly PublicJwk[]): readonly ConfigFinding[] =>
  keys.flatMap((key, index) => [
    ...findingIf(
      exampleXs.has(key['x']),
      [...field, index],
      "is the example's, and no one has its private key; write your own",
    ),
    ...findingIf(
      key['x'] === publishedPlanKey['x'] || (key['n'] !== undefined && key['n'] === publishedPublicKey['n']),
      [...field, index],
      "is the demo's, whose private key is public; write your own",
    ),
  ]);

const knownIdentifiers = new Set(Object.values(exampleIdentifiers).map(({ value }) => value));

const ofIdentifiers = (identifiers: readonly Identifier[] = []): readonly ConfigFinding[] =>
  identifiers.flatMap(({ value }, index) =>
    findingIf(
      knownIdentifiers.has(value),
      ['exchange', 'identifiers', index],
      "is the example's; write the plan's own",
    ),
  );

/** What people write where no client id is yet, in any spelling but that of `pending-registration`, which has rules of its own. */
const placeholder =
  /^(?:your-.*|(?:(?:my|the)-)?client-?id|pending(?:-.*)?|none(?:-yet)?|null|nil|undefined|unknown|unregistered|not-registered(?:-yet)?|example|sample|x+|0+)$/;

const ofClientId = (clientId: string, what: string, until: string): readonly ConfigFinding[] => {
  const path = ['clientId'];
  if (clientId.startsWith('your-')) return [{ path, message: `is the example's; write ${what}` }];
  const plain = clientId
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return findingIf(
    clientId !== pendingClientId && placeholder.test(plain),
    path,
    `is a placeholder; write ${what}, or ${until} until then`,
  );
};

const ofExchange = ({
  clientId,
  publicKeys,
  identifiers,
}: NonNullable<Payer['exchange']>): readonly ConfigFinding[] => [
  ...ofClientId(clientId, 'the client id that the payer gave you for exchanges', 'remove exchange').map(
    ({ path, message }) => ({
      path: ['exchange', ...path],
      message,
    }),
  ),
  ...ofKeys(['exchange', 'publicKeys'], publicKeys),
  ...ofIdentifiers(identifiers),
];

const ofPayer = (payer: Payer): readonly ConfigFinding[] => [
  ...ofClientId(payer.clientId, 'the client id that the payer gave you', `"${pendingClientId}"`),
  ...ofKeys(['publicKeys'], payer.publicKeys),
  ...(payer.exchange === undefined ? [] : ofExchange(payer.exchange)),
];

const knownHashes: ReadonlyMap<string, string> = new Map([
  [exampleSecretHash, "is the example's, and no one has its secret; write the hash of the partner's own secret"],
  [
    publishedSecretHash,
    "is the hash of the demo's secret, which is public; write the hash of the partner's own secret",
  ],
]);

const ofHash = (hash: string, index: number): readonly ConfigFinding[] => {
  const message = knownHashes.get(hash);
  return message === undefined ? [] : [{ path: ['secretHashes', index], message }];
};

const ofPartner = (partner: Partner): readonly ConfigFinding[] => [
  ...partner.secretHashes.flatMap(ofHash),
  ...ofKeys(['jwks'], partner.jwks),
  ...ofIdentifiers(partner.exchange?.identifiers),
];

const ofAddress = (path: readonly PropertyKey[], address: string): readonly ConfigFinding[] =>
  exampleHost(path)(address.slice(address.lastIndexOf('@') + 1).toLowerCase());

const ofOperator = ({ operator }: Deployment): readonly ConfigFinding[] =>
  operator?.support?.startsWith('mailto:') === true ? ofAddress(['operator', 'support'], operator.support) : [];

const ofDeployment = ({ account, domain, alarmAddresses, ticketAddresses }: Deployment): readonly ConfigFinding[] => [
  ...findingIf(account === exampleAccount, ['account'], "is the example's; write your own account's 12 digits"),
  ...(domain === undefined ? [] : exampleHost(['domain', 'name'])(domain.name)),
  ...findingIf(
    domain?.hostedZone?.id === exampleHostedZoneId,
    ['domain', 'hostedZone', 'id'],
    "is the example's; write the id of your own zone",
  ),
  ...alarmAddresses.flatMap((address, index) => ofAddress(['alarmAddresses', index], address)),
  ...ticketAddresses.flatMap((address, index) => ofAddress(['ticketAddresses', index], address)),
];

/** Only the examples themselves may keep these values. */
const isExample = ({ stage, production }: StageConfig): boolean =>
  stage === 'production-example' || (stage === 'demo' && !production);

/** The remaining example values. */
export const leftovers = (config: StageConfig): readonly ConfigFinding[] =>
  isExample(config)
    ? []
    : [
        ...ofDeployment(config),
        ...ofOperator(config),
        ...stageUrls(config)
          // The check of the domain reports an origin that follows from it.
          .filter(({ path }) => path[0] !== 'origin' || config.domain === undefined)
          .flatMap(({ path, url }) => ofUrl(path, url)),
        ...config.payers.flatMap((payer, index) => insideEntry('payers', index, ofPayer(payer))),
        ...config.partners.flatMap((partner, index) => insideEntry('partners', index, ofPartner(partner))),
      ];
