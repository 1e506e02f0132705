import type { Output } from '../shared/output.ts';
import type { Wait } from '../shared/patience.ts';
import { readStage, stageApply, stageFile } from '../shared/stage-flags.ts';
import { runList, runStop } from '../shared/stop-tool.ts';
import { partnerBlock } from './block.ts';
import { writeNewPartner, writeRotated, type EditedStage } from './commands.ts';
import { readFlags } from './flags.ts';
import { readAudiences, readJwks, readLogo } from './new-partner.ts';
import { runReplay } from './replay.ts';
import type { RandomBytes } from './secret.ts';
import { runWebhook } from './webhook.ts';

/** What the tool needs that tests replace. */
export interface PartnersToolDeps {
  readonly randomBytes: RandomBytes;
  readonly output: Output;
  readonly environment: NodeJS.ProcessEnv;
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** @default real time */
  readonly wait?: Wait;
}

/**
 * Makes a partner's client, or a second secret for it; blocks partners, and lists them; manages their webhooks.
 * @returns the exit code
 * @throws UsageError, Refusal, ConfigError
 */
export const partners = async (args: readonly string[], deps: PartnersToolDeps): Promise<number> => {
  const { randomBytes, output } = deps;
  const command = readFlags(args);
  const editedStage = async (): Promise<EditedStage> => {
    const config = await readStage(command);
    return { config, file: stageFile(command, config), apply: stageApply(command, config) };
  };
  switch (command.command) {
    case 'new': {
      const stage = await editedStage();
      const jwks = command.jwks === undefined ? undefined : await readJwks(command.jwks);
      const logo = command.logo === undefined ? undefined : await readLogo(command.logo);
      const { name, redirectUri: redirectUris, payer, homePage, privacy: privacyPolicy, public: isPublic } = command;
      const { identityAudience, consentReason, exchangeNpi: exchangeNpis } = command;
      const identityAudiences = readAudiences(identityAudience);
      const asked = { name, redirectUris, payers: payer, homePage, logo, privacyPolicy, isPublic, jwks };
      const partner = { ...asked, identityAudiences, consentReason, exchangeNpis };
      return writeNewPartner(randomBytes, output, stage, partner);
    }
    case 'rotate':
      return writeRotated(randomBytes, output, await editedStage(), command);
    case 'block':
    case 'unblock':
      return runStop(partnerBlock, { ...command, ends: command.command === 'unblock' }, deps);
    case 'list':
      return runList(partnerBlock, { ...command, onlyStopped: command.blocked }, deps);
    case 'webhook':
      return runWebhook(command, deps);
    case 'replay':
      return runReplay(command, deps);
  }
};
