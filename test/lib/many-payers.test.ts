import { createHash } from 'node:crypto';
import { loadStage } from '../../config/checks/load.ts';
import { stageTemplate } from '../support/stage-template.ts';

/** The limit of a template that the CDK uploads (CloudFormation's quotas). */
const mostBytes = 1_000_000;

/** A stage's own payers and partners, and as many more as make these numbers. */
const grown = async (stage: string, payers: number, partners: number) => {
  const config = await loadStage(stage);
  const [payer, partner] = [config.payers[0], config.partners[0]];
  if (payer === undefined || partner === undefined) throw new Error(`${stage} has no payer or no partner`);
  const more = Array.from({ length: payers - config.payers.length }, (_, index) => ({
    ...payer,
    id: `plan-${index}`,
    displayName: `Plan ${index}`,
    fhirBaseUrl: `https://fhir.plan-${index}.example.org/r4`,
    fhirBaseUrlAliases: [],
  }));
  const ids = more.map(({ id }) => id);
  const apps = Array.from({ length: partners - config.partners.length }, (_, index) => ({
    ...partner,
    clientId: `app-${index}`,
    name: `App ${index}`,
    secretHashes: [createHash('sha256').update(`secret ${index}`).digest('base64url')],
    jwks: [],
    payers: index === 0 ? ids : ids.slice(index * 5, index * 5 + 5),
  }));
  return { payers: [...config.payers, ...more], partners: [...config.partners, ...apps] };
};

describe.each(['demo', 'production-example'])('5,000 payers and 1,000 partners in %s', (stage) => {
  it('make the same template as a few, since nothing in the stack is for one payer once tools make secrets', async () => {
    const changes = await grown(stage, 5000, 1000);

    const few = await stageTemplate(stage, { payerSecrets: 'tool' });
    const startedAtMs = performance.now();
    const many = await stageTemplate(stage, { ...changes, payerSecrets: 'tool' });
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
    const bytes = JSON.stringify(many).length;
    process.stdout.write(`${stage}: 5,000 payers, checked and synthesized in ${seconds} s, ${bytes} bytes\n`);

    expect(changes.payers).toHaveLength(5000);
    expect(many).toEqual(few);
    expect(bytes).toBeLessThan(mostBytes / 3);
  });
});
