import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import {
  parseWebhookSecrets,
  webhookKeyBytes,
  webhookSecretName,
  webhookSecretPrefix,
  writeWebhookSecret,
  writeWebhookSecrets,
} from '../../functions/shared/events/webhook-secrets.ts';
import { answerMs, withinMs } from '../shared/deadline.ts';
import { Refusal } from '../shared/errors.ts';
import type { Output } from '../shared/output.ts';
import { putSecret, readVersions, type SecretPlace } from '../shared/put-secret.ts';
import { explainSecretsFailure, stageSecretsClient } from '../shared/secrets-manager.ts';
import { stageApply, stageAsFlag, type StageFlags } from '../shared/stage-flags.ts';
import type { WebhookCommand } from './flags.ts';
import type { OpenEvents } from './open-events.ts';
import type { RandomBytes } from './secret.ts';

/** Dependencies of the commands about secrets. */
export interface WebhookSecretDeps {
  readonly randomBytes: RandomBytes;
  readonly output: Output;
  readonly environment: NodeJS.ProcessEnv;
}

/** A partner's secrets, the newest first, and where they are stored. */
interface Present {
  readonly place: SecretPlace;
  readonly versions: Awaited<ReturnType<typeof readVersions>>;
  readonly secrets: readonly string[];
}

/** @throws Refusal that quotes no secret */
const readPresent = async (place: SecretPlace): Promise<Present> => {
  const versions = await readVersions(place);
  if (versions?.current === undefined) return { place, versions, secrets: [] };
  const command = new GetSecretValueCommand({ SecretId: place.name, VersionId: versions.current });
  const { SecretString = '' } = await withinMs(answerMs, place.client.send(command)).catch((error: unknown) => {
    const { problem, todo } = explainSecretsFailure(error);
    throw new Refusal(`${place.name} ${problem}; ${todo}`);
  });
  const secrets = parseWebhookSecrets(SecretString);
  if (secrets === undefined) {
    throw new Refusal(
      `${place.name} does not hold {"secrets": ["whsec_…"]}: someone wrote it by hand. Delete it, and make a new one.`,
    );
  }
  return { place, versions, secrets };
};

type Action = 'make' | 'rotate' | 'replace' | 'finish';

/** The secrets after an action. @throws Refusal if it cannot be done */
const nextSecrets = (
  action: Action,
  present: readonly string[],
  { clientId, fresh }: { readonly clientId: string; readonly fresh: string },
): readonly string[] => {
  const [newest, older] = present;
  if (action === 'make') {
    if (newest === undefined) return [fresh];
    throw new Refusal(`${clientId} has a webhook secret already; make a second one with: webhook ${clientId} --rotate`);
  }
  if (newest === undefined) {
    throw new Refusal(`${clientId} has no webhook secret yet; make one with: webhook ${clientId}`);
  }
  if (action === 'replace') return [fresh];
  if (action === 'rotate') {
    if (older === undefined) return [fresh, newest];
    throw new Refusal(
      `${clientId} already has two webhook secrets, so a rotation is under way; end it with: webhook ${clientId} --finish`,
    );
  }
  if (older !== undefined) return [newest];
  throw new Refusal(`${clientId} has one webhook secret, so there is no rotation to finish. Nothing was changed.`);
};

/** @param named the flags that name the stage, as the person gave them */
const stepsAfter = (action: Action, { partner, config }: OpenEvents, named: StageFlags): string[] => {
  const { called, clientId, webhook } = partner;
  const tool = `npm run partners -- webhook ${clientId}${stageAsFlag(named)}`;
  const entry =
    webhook === undefined
      ? [`  2. Its entry has no webhook yet: write webhook: 'https://…' into it, and ${stageApply(named, config)}.`]
      : [`  2. Its webhook is ${new URL(webhook).origin}.`];
  const steps: Readonly<Record<Action, string[]>> = {
    make: [
      `The webhook secret of ${called}. Next, in this order:`,
      '',
      '  1. Give it to the partner, whose receiver checks signatures with it (docs/partners/events.md).',
      ...entry,
      `  3. Send a test event: ${tool} --test`,
    ],
    rotate: [
      `A second webhook secret for ${called}. From now on each event has a signature of both. Next, in this order:`,
      '',
      '  1. Give the new secret to the partner.',
      '  2. Wait until the partner confirms that its receiver uses it.',
      `  3. Drop the old one: ${tool} --finish`,
    ],
    replace: [
      `A new webhook secret for ${called}, in place of every other. From now on only it signs events: the partner's`,
      'receiver refuses them until it has it, and each is tried again for three days. Give it to the partner now.',
    ],
    finish: [`Dropped the old webhook secret of ${called}. From now on only the new one signs its events.`],
  };
  return steps[action];
};

/**
 * Makes, adds, replaces or drops a webhook secret. A new one goes to stdout, everything else to stderr.
 * @returns the exit code
 * @throws Refusal
 */
export const changeWebhookSecret = async (
  open: OpenEvents,
  { action, dryRun, ...named }: Pick<WebhookCommand, 'dryRun' | 'stage' | 'config'> & { readonly action: Action },
  { randomBytes, output, environment }: WebhookSecretDeps,
): Promise<number> => {
  const { config, partner } = open;
  const client = stageSecretsClient(config, environment);
  try {
    const name = webhookSecretName(webhookSecretPrefix(config.stage), partner.clientId);
    const { place, versions, secrets } = await readPresent({ client, name });
    const fresh = writeWebhookSecret(randomBytes(webhookKeyBytes));
    const next = nextSecrets(action, secrets, { clientId: partner.clientId, fresh });
    if (dryRun) {
      output.note(`${name} would have ${next.length === 1 ? 'one secret' : 'two secrets'}. Nothing was changed.`);
      return 0;
    }
    const untagged = await putSecret(place, writeWebhookSecrets(next), versions, {
      config,
      description: `What signs the events to ${partner.clientId}: {"secrets"}, the newest first`,
    });
    output.note(stepsAfter(action, open, named).join('\n'));
    if (untagged !== undefined) output.note(`\n${untagged}`);
    if (action === 'finish') return 0;
    output.note('\nThe secret, shown only this once:');
    const again = `npm run partners -- webhook ${partner.clientId} --rotate --leaked${stageAsFlag(named)}`;
    output.secret(fresh, `Events are signed with it, and nobody has it. Make another in its place: ${again}`);
    return 0;
  } finally {
    client.destroy();
  }
};
