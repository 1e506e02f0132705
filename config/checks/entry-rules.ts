/** The rules between the payers and the partners of a stage. */
import { isDeepStrictEqual } from 'node:util';
import { sendsMembers } from '../../functions/shared/registry/profile.ts';
import { pendingClientId } from '../examples.ts';
import type { StageConfig } from '../stage.ts';
import { checkUnique, firstProblem, problem, type Context } from './fields.ts';
import { wrongHosts } from './hosts.ts';

const checkIds = (config: StageConfig, context: Context): void => {
  const { payers, partners } = config;
  const payerIds = payers.map(({ id }) => id);
  const clientIds = partners.map(({ clientId }) => clientId);
  checkUnique(context, ['payers'], payerIds, 'id');
  checkUnique(context, ['partners'], clientIds, 'clientId');
  // A wrong id, or a missing payer, is reported elsewhere.
  if (payers.length === 0 || context.issues.some(({ path }) => path?.[0] === 'payers' && path[2] === 'id')) return;
  const isPayer = new Set(payerIds);
  for (const [index, entry] of partners.entries()) {
    for (const [at, payerId] of entry.payers.entries()) {
      if (!isPayer.has(payerId)) {
        const known = payerIds.slice(0, 10).join(', ');
        problem(
          context,
          ['partners', index, 'payers', at],
          `"${payerId}" is not a payer of this stage; write one of: ${known}`,
        );
      }
    }
  }
};

/** Whether the payer has not given its client id yet. */
const isPending = ({ clientId }: { readonly clientId: string }): boolean => clientId === pendingClientId;

/** A former plan that no member signs in at has no client id of that kind, and needs none. */
const onlyAsked = ({ exchange }: StageConfig['payers'][number], users: readonly StageConfig['partners'][number][]) =>
  exchange !== undefined && !users.some(sendsMembers);

const checkHosts = (config: StageConfig, context: Context): void => {
  for (const [index, { issuer, jwksUri }] of (config.identityProviders ?? []).entries()) {
    const at = ['identityProviders', index, 'jwksUri'];
    if (jwksUri === issuer) problem(context, at, "is the issuer; write the URL of the provider's keys (jwks_uri)");
  }
  for (const { path, message } of wrongHosts(config)) firstProblem(context, path, message);
};

/** What two payers must have in common to be one client at one authorization server. */
const sameClient = ['tokenEndpoint', 'clientId', 'clientAuthentication', 'publicKeys'] as const;

/** A secret opens one client, so a payer can use another's only as the same client at the same server. */
const checkSecretOwners = ({ payers }: StageConfig, context: Context): void => {
  // Of payers with one id, which is reported elsewhere, the first counts.
  const byId = new Map(payers.toReversed().map((payer) => [payer.id, payer]));
  for (const [index, payer] of payers.entries()) {
    if (payer.secretOf === undefined) continue;
    const at = ['payers', index, 'secretOf'];
    const owner = byId.get(payer.secretOf);
    if (owner === undefined || owner === payer) {
      const others = payers.filter(({ id, secretOf }) => id !== payer.id && secretOf === undefined);
      const known = others.map(({ id }) => id).slice(0, 10);
      problem(context, at, `"${payer.secretOf}" is not another payer of this stage; write one of: ${known.join(', ')}`);
    } else if (owner.secretOf !== undefined) {
      problem(context, at, `"${owner.id}" has no secret of its own; write "${owner.secretOf}"`);
    } else {
      const different = sameClient.find((field) => !isDeepStrictEqual(payer[field], owner[field]));
      if (different !== undefined) {
        problem(
          context,
          at,
          `"${owner.id}" has a different ${different}, so its secret does not fit; write the same, or remove secretOf`,
        );
      }
    }
  }
};

/** An identity token counts only if the stage knows its issuer, and if its audience is one partner's. */
const checkIdentities = ({ payers, partners, identityProviders = [] }: StageConfig, context: Context): void => {
  const known = new Set(identityProviders.map(({ issuer }) => issuer));
  const advice =
    known.size === 0 ? 'add it to identityProviders' : `write one of: ${[...known].slice(0, 10).join(', ')}`;
  const unknown = (issuer: string): string =>
    `"${issuer.slice(0, 200)}" is not an identity provider of this stage; ${advice}`;
  for (const [index, { identitySignIn }] of payers.entries()) {
    for (const [at, issuer] of (identitySignIn?.issuers ?? []).entries()) {
      if (!known.has(issuer))
        firstProblem(context, ['payers', index, 'identitySignIn', 'issuers', at], unknown(issuer));
    }
  }
  const owners = new Map<string, string>();
  for (const [index, { clientId, identityAudiences = [] }] of partners.entries()) {
    for (const [entry, { issuer, audiences }] of identityAudiences.entries()) {
      const path = ['partners', index, 'identityAudiences', entry];
      if (!known.has(issuer)) firstProblem(context, [...path, 'issuer'], unknown(issuer));
      for (const [at, audience] of audiences.entries()) {
        const key = JSON.stringify([issuer, audience]);
        const owner = owners.get(key) ?? clientId;
        owners.set(key, owner);
        if (owner === clientId) continue;
        firstProblem(
          context,
          [...path, 'audiences', at],
          `is also the audience of partner "${owner}", so either could use tokens that members gave to the other; give each partner its own`,
        );
      }
    }
  }
};

/** Exchanges need a stage with `exchanges`, and a partner with `exchange` needs a payer that has it too. */
const checkExchanges = ({ payers, partners, exchanges }: StageConfig, context: Context): void => {
  const asked = new Set(payers.flatMap((payer) => (payer.exchange === undefined ? [] : [payer.id])));
  const without = 'is set, but the stage has no exchanges; write exchanges: {}, or remove it';
  for (const [index, { exchange }] of payers.entries()) {
    if (exchange !== undefined && exchanges === undefined) problem(context, ['payers', index, 'exchange'], without);
  }
  for (const [index, partner] of partners.entries()) {
    if (partner.exchange === undefined) continue;
    const path = ['partners', index, 'exchange'];
    if (exchanges === undefined) problem(context, path, without);
    else if (!partner.payers.some((id) => asked.has(id))) {
      problem(
        context,
        path,
        'is set, but none of its payers has exchange, so it could ask nobody; add one, or remove it',
      );
    }
  }
};

/** A payer that no partner reads from needs no secret, and no member can sign in at a payer without a client id. */
const checkUse = ({ payers, partners }: StageConfig, context: Context): void => {
  const used = new Set(partners.flatMap((partner) => partner.payers));
  const known = new Set(payers.map(({ id }) => id));
  // A misspelled id is reported once, at the partner.
  if ([...used].some((id) => !known.has(id))) return;
  for (const [index, payer] of payers.entries()) {
    if (payer.exchange !== undefined && isPending(payer.exchange)) {
      problem(
        context,
        ['payers', index, 'exchange', 'clientId'],
        `is still "${pendingClientId}"; write the client id that the payer gave you for exchanges, or remove exchange until then`,
      );
    }
    if (isPending(payer)) {
      const users = partners.filter((partner) => partner.payers.includes(payer.id));
      if (users.length > 0 && !onlyAsked(payer, users)) {
        const wait = `remove "${payer.id}" from every partner's payers until then`;
        const others = payer.exchange === undefined ? '' : ' (partners without redirectUris may keep it)';
        problem(
          context,
          ['payers', index, 'clientId'],
          `is still "${pendingClientId}"; write the client id that the payer gave you, or ${wait}${others}`,
        );
      }
    } else if (partners.length > 0 && !used.has(payer.id)) {
      problem(
        context,
        ['payers', index],
        `is in no partner's payers, so no one can read from it; add "${payer.id}" to a partner's payers, or remove the entry`,
      );
    }
  }
};

/** Reports what does not fit together between payers and partners. */
export const checkEntries = (config: StageConfig, context: Context): void => {
  checkIds(config, context);
  checkHosts(config, context);
  checkSecretOwners(config, context);
  checkIdentities(config, context);
  checkExchanges(config, context);
  checkUse(config, context);
};
