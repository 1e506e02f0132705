import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultPorts, localStage } from '../../config/local.ts';
import type { RegistryData } from '../../functions/shared/registry/types.ts';
import { es384Jwk, withPartner } from './login.ts';

/** Files that the local stack can be started with. */
export interface StageFiles {
  readonly configFile: string;
  readonly secretsFile: string;
  /** The gateway's private keys at Northwind and at the Demo Health Plan, as in the secrets. */
  readonly privateJwks: readonly Readonly<Record<string, unknown>>[];
  readonly payers: RegistryData['payers'];
}

/**
 * Writes stage `local` with one server instead of both payers, and a changed `demo-partner`.
 * @param payerPort where that server listens, on 127.0.0.1
 * @param clientSecret the gateway's at the Demo Health Plan
 */
export const writeStage = async (
  folder: string,
  {
    payerPort,
    clientSecret,
    partner = {},
  }: { payerPort: number; clientSecret: string; partner?: Partial<RegistryData['partners'][number]> },
): Promise<StageFiles> => {
  const northwind = es384Jwk('northwind-local-1');
  const demoHealthPlan = es384Jwk('demo-health-plan-local-1');
  // No two payers may share a base, so the one server has two names.
  const named = localStage(
    { ...defaultPorts, northwind: payerPort },
    { northwindPublicKey: northwind.publicJwk, demoHealthPlanPublicKey: demoHealthPlan.publicJwk },
  );
  const elsewhere = JSON.stringify(named).replaceAll(
    `127.0.0.1:${defaultPorts.demoHealthPlan}`,
    `localhost:${payerPort}`,
  );
  // Without an origin, it is where the gateway will listen.
  const { origin: _origin, ...stage } = JSON.parse(elsewhere) as typeof named;
  const { partners } = withPartner('demo-partner', partner)(stage);
  const secrets = {
    'demo-health-plan': { client_secret: clientSecret, private_key_jwk: demoHealthPlan.privateJwk },
    northwind: { private_key_jwk: northwind.privateJwk },
  };
  const files = { configFile: join(folder, 'stage.json'), secretsFile: join(folder, 'secrets.json') };
  await writeFile(files.configFile, JSON.stringify({ ...stage, partners }));
  await writeFile(files.secretsFile, JSON.stringify(secrets));
  return { ...files, privateJwks: [northwind.privateJwk, demoHealthPlan.privateJwk], payers: stage.payers };
};
