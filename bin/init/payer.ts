import { shownName } from '../../config/checks/names.ts';
import { pendingClientId } from '../../config/examples.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { discover, type Discovered } from '../payers/discover.ts';
import { makeKeyPair } from '../payers/key.ts';
import { propose } from '../payers/propose.ts';
import { Refusal } from '../shared/errors.ts';
import { answer, oneOf, orNone, rules, type Answers } from './answers.ts';
import type { Flags } from './flags.ts';

/** The stage's first payer, and what goes with it. */
export interface FirstPayer {
  readonly payer: Payer;
  readonly isSmart: boolean;
  /** The value for its secret, if the tool makes it: a private key. */
  readonly secret: string | undefined;
  /** What has to be asked to complete its profile. */
  readonly asks: readonly string[];
}

const nothing = (fhirBaseUrl: string): Discovered => ({
  given: fhirBaseUrl,
  fhirBaseUrl,
  smartConfiguration: undefined,
  serverMetadata: undefined,
  documents: [],
  statement: undefined,
  fhirMediaType: undefined,
  keyHeader: undefined,
  sources: [],
  unread: [],
});

/** If the payer publishes nothing or does not answer, the questions ask for everything. */
const discoverOrNothing = async (http: PayerHttp | undefined, url: string, { print }: Answers): Promise<Discovered> => {
  if (http === undefined) return nothing(url);
  try {
    return await discover(http, url);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // Its last line says to write an entry by hand, which is what the questions below are for.
    for (const line of error.message.split('\n').slice(0, -1)) print(line);
    return nothing(url);
  }
};

/** Whether the questions have left one of `propose`'s asks unanswered. */
const isOpen = (ask: string): boolean =>
  !/^(clientId|publicKeys|clientAuthentication|authorizationEndpoint|tokenEndpoint)\b/.test(ask);

/** Asks for the first payer, with defaults from what it publishes. @throws UsageError, Refusal */
export const askForPayer = async (answers: Answers, flags: Flags, http: PayerHttp): Promise<FirstPayer> => {
  const url = await answer(answers, {
    flag: 'payer',
    given: flags.payer,
    text: "The payer's FHIR base URL?",
    rule: rules.fhirBaseUrl,
  });
  const discovered = await discoverOrNothing(flags.offline ? undefined : http, url, answers);
  const { payer, asks } = propose(discovered);
  const endpoint = (flag: 'authorize' | 'token', known: string, rule: rules.Rule): Promise<string> => {
    const otherwise = known.includes('.invalid') ? undefined : known;
    return answer(answers, { flag, given: flags[flag], text: `Its ${flag} endpoint?`, rule, otherwise });
  };
  const text = (flag: 'payerId' | 'payerName' | 'auth', words: string, rule: rules.Rule, otherwise: string) =>
    answer(answers, { flag, given: flags[flag], text: words, rule, otherwise });
  const displayName = await text('payerName', 'Its name, as members see it?', shownName, payer.displayName);
  const id = await text('payerId', "Its id in the gateway's URLs?", rules.id, payer.id);
  const authorizationEndpoint = await endpoint('authorize', payer.authorizationEndpoint, rules.authorizationEndpoint);
  const tokenEndpoint = await endpoint('token', payer.tokenEndpoint, rules.webUrl);
  const methods = oneOf('client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none');
  const clientAuthentication = (await text(
    'auth',
    'How does the gateway authenticate to it (client_secret_basic, client_secret_post, private_key_jwt, none)?',
    methods,
    payer.clientAuthentication,
  )) as Payer['clientAuthentication'];
  const clientId = await answer(answers, {
    flag: 'clientId',
    given: flags.clientId,
    text: "The gateway's client id there (none, if it is not registered yet)?",
    rule: orNone(rules.visible),
    otherwise: 'none',
  });
  const pair = clientAuthentication === 'private_key_jwt' ? await makeKeyPair({ rsa: flags.rsa }) : undefined;
  return {
    payer: {
      ...payer,
      id,
      displayName,
      authorizationEndpoint,
      tokenEndpoint,
      clientAuthentication,
      clientId: clientId === 'none' ? pendingClientId : clientId,
      publicKeys: pair === undefined ? [] : [pair.publicKey],
    },
    isSmart: discovered.smartConfiguration !== undefined,
    secret: pair?.secret,
    asks: asks.filter(isOpen),
  };
};
