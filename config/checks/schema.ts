/** The shape of a stage with its defaults, and the rules that span several fields. */
import * as z from 'zod';
import type { Exchanges, Lifetimes } from '../../functions/shared/registry/types.ts';
import type { StageConfig } from '../stage.ts';
import { checkDeployment, deployment } from './deployment-schema.ts';
import { checkDistinct, distinctFields } from './distinct.ts';
import { checkIssuers, upTo } from './entry-fields.ts';
import { checkEntries } from './entry-rules.ts';
import { areSound, firstProblem, problem, text, type Context, type Fields } from './fields.ts';
import { checkFinished } from './finished.ts';
import { identityProvider } from './identity-provider.ts';
import { leftovers } from './leftovers.ts';
import { partner } from './partner-schema.ts';
import { payerFields } from './payer-fields.ts';
import { weaknesses } from './production.ts';
import { contradictions } from './profile-rules.ts';
import { checkSizes } from './registry-sizes.ts';
import * as rules from './rules.ts';

const days = 86_400;

/** The maximum lifetimes, in seconds, which are also the defaults. */
const longestLifetimes = {
  loginAttempt: 1800,
  code: 60,
  accessToken: 3600,
  grant: 180 * days,
  refreshGrace: 60,
  publicRefreshGrace: 10,
} as const;

/** In stage `local`, people paste codes by hand. */
const longestLocalCode = 300;

/** CloudFront waits 120 seconds. */
const longestFirstByteWithEdge = 90;

/** A URL as servers see it, without differences in spelling. */
const sameForServers = (href: string): string => href.replace(/\/+$/, '');

/** Each endpoint does one thing, so the same URL for two of them was pasted twice by mistake. */
const checkEndpoints = (
  endpoints: Pick<StageConfig['payers'][number], 'authorizationEndpoint' | 'tokenEndpoint'> & {
    readonly revocationEndpoint?: string | undefined;
    readonly fhirBaseUrl: string;
    readonly exchange?: { readonly tokenEndpoint?: string | undefined } | undefined;
    readonly identitySignIn?: { readonly tokenEndpoint?: string | undefined } | undefined;
  },
  context: Context,
): void => {
  const fields = ['fhirBaseUrl', 'authorizationEndpoint', 'tokenEndpoint', 'revocationEndpoint'] as const;
  for (const [index, field] of fields.entries()) {
    const href = endpoints[field];
    if (href === undefined) continue;
    const same = fields.slice(0, index).find((other) => sameForServers(endpoints[other]!) === sameForServers(href));
    if (same !== undefined) problem(context, [field], `is the same as ${same}; write the payer's own ${field}`);
  }
  for (const part of ['exchange', 'identitySignIn'] as const) {
    const own = endpoints[part]?.tokenEndpoint;
    const same = fields.find(
      (field) =>
        field !== 'tokenEndpoint' &&
        own !== undefined &&
        sameForServers(endpoints[field] ?? '') === sameForServers(own),
    );
    if (same !== undefined)
      problem(context, [part, 'tokenEndpoint'], `is the same as ${same}; write the payer's own tokenEndpoint`);
  }
};

/** The longest ago, in seconds, that a member may have agreed when a partner presents an identity token; also the default. */
const longestConsentAge = 600;

/** Ten years. A Group is a list of members, and should not be kept longer than it is used. */
const longestGroupDays = 3653;

const exchanges = z.strictObject({
  // 13 months: a quarterly export finds the Group for a year.
  groupDays: z.int().min(1).max(longestGroupDays).default(396),
  mostRunning: z.int().min(1).max(1000).default(20),
} satisfies Fields<Exchanges>);

const payer = z.strictObject(payerFields).superRefine((value, context) => {
  checkEndpoints(value, context);
  for (const { path, message } of contradictions(value)) {
    firstProblem(context, path, message);
  }
});

const lifetimes = z.strictObject({
  loginAttempt: upTo(longestLifetimes.loginAttempt).default(longestLifetimes.loginAttempt),
  code: z.int().min(1, 'is too short; write at least 1 (seconds)').default(longestLifetimes.code),
  accessToken: upTo(longestLifetimes.accessToken).default(longestLifetimes.accessToken),
  grant: upTo(longestLifetimes.grant).default(longestLifetimes.grant),
  refreshGrace: upTo(longestLifetimes.refreshGrace, 0).default(longestLifetimes.refreshGrace),
  publicRefreshGrace: upTo(longestLifetimes.publicRefreshGrace, 0).default(longestLifetimes.publicRefreshGrace),
} satisfies Fields<Lifetimes>);

const checkLifetimes = ({ lifetimes: { accessToken, refreshGrace, grant } }: StageConfig, context: Context): void => {
  for (const [name, seconds] of Object.entries({ accessToken, refreshGrace })) {
    if (areSound(context, ['lifetimes', name], ['lifetimes', 'grant']) && seconds > grant) {
      problem(
        context,
        ['lifetimes', name],
        `is ${seconds}, longer than the lifetime of the grant; write at most ${grant} (seconds), or more for lifetimes.grant`,
      );
    }
  }
};

const checkCodeLifetime = ({ stage, production, lifetimes: { code } }: StageConfig, context: Context): void => {
  const isLocal = stage === 'local' && !production;
  const longest = isLocal ? longestLocalCode : longestLifetimes.code;
  if (code <= longest || !areSound(context, ['lifetimes', 'code'])) return;
  const unit = isLocal ? 'seconds' : `seconds; up to ${longestLocalCode} in stage local only`;
  problem(context, ['lifetimes', 'code'], `is longer than allowed; write at most ${longest} (${unit})`);
};

const checkFirstBytes = ({ edge, payers }: StageConfig, context: Context): void => {
  for (const [index, { quirks: quirksOf }] of payers.entries()) {
    if (edge === false || (quirksOf.timeToFirstByte ?? 0) <= longestFirstByteWithEdge) continue;
    firstProblem(
      context,
      ['payers', index, 'quirks', 'timeToFirstByte'],
      `is longer than edge allows; write at most ${longestFirstByteWithEdge} (seconds), or edge: false`,
    );
  }
};

const checkProduction = (config: StageConfig, context: Context): void => {
  if (!config.production) return;
  for (const { path, message } of [...weaknesses(config), ...leftovers(config)]) {
    firstProblem(context, path, message);
  }
};

/** What only one payer or partner may have. */
export const entryFields = { payers: distinctFields(payer), partners: distinctFields(partner) };

/** A whole stage. */
export const stageSchema = z
  .strictObject({
    stage: text(rules.stageName),
    ...deployment,
    identityProviders: z.array(identityProvider).superRefine(checkIssuers).optional(),
    longestConsentAge: upTo(longestConsentAge).default(longestConsentAge),
    exchanges: exchanges.optional(),
    lifetimes: lifetimes.prefault({}),
    payers: z.array(payer).min(1, 'is empty; write at least one payer'),
    partners: z.array(partner),
  } satisfies Fields<StageConfig>)
  .superRefine((config, context) => {
    checkCodeLifetime(config, context);
    checkLifetimes(config, context);
    checkDeployment(config, context);
    checkFirstBytes(config, context);
    checkEntries(config, context);
    checkDistinct(config, context, entryFields);
    checkSizes(config, context);
    checkFinished(config, context);
    checkProduction(config, context);
  });
