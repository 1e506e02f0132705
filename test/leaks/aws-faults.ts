import { authorizeRequest, renewal } from '../support/login/requests.ts';
import { noTrouble } from './aws.ts';
import { asPartner, comeBack, connect, demoPartner, read, start } from './flows.ts';
import type { InProcess } from './in-process.ts';

/** Every flow once. Its dependencies may fail, so no result is expected. */
const tryFlows = async (setting: InProcess): Promise<void> => {
  const { trouble, garden } = setting;
  const wanted = { ...trouble };
  const under = async (step: () => Promise<unknown>): Promise<void> => {
    Object.assign(trouble, wanted);
    await step();
    Object.assign(trouble, noTrouble);
  };
  Object.assign(trouble, noTrouble);
  const atPayer = await start(setting, 'northwind');
  const connection = await connect(setting, 'northwind');
  const other = await connect(setting, 'demo-health-plan');
  await under(() =>
    setting.send(authorizeRequest('northwind', { ...demoPartner, state: garden.canary('partner state') })),
  );
  await under(() => comeBack(setting, atPayer));
  await under(() => asPartner(setting, 'token', renewal(connection.refresh), 'jwt'));
  await under(() => asPartner(setting, 'token', renewal(connection.refresh)));
  await under(() => asPartner(setting, 'introspect', { token: connection.access }));
  for (const one of [connection, other]) await under(() => read(setting, one, 'Observation'));
  await under(() => asPartner(setting, 'revoke', { token: connection.access }));
};

const quoting = (setting: InProcess): Error => {
  const said = setting.garden.canary('AWS error');
  return Object.assign(new Error(`AccessDenied: ${said}`, { cause: new Error(said) }), {
    name: 'AccessDeniedException',
    detail: said,
  });
};

/** Malformed secrets, including keys that no library accepts. */
const wrongSecrets = (setting: InProcess): (() => { SecretString?: string } | Error)[] => {
  const say = (): string => setting.garden.canary('payer secret');
  return [
    () => quoting(setting),
    () => Object.assign(new Error(say()), { name: 'ResourceNotFoundException' }),
    () => ({}),
    () => ({ SecretString: say() }),
    () => ({ SecretString: `{"client_secret":${say()}}` }),
    () => ({ SecretString: `{"client_secret":"${say()}` }),
    () => ({ SecretString: JSON.stringify(say()) }),
    () => ({ SecretString: JSON.stringify({ client_secret: [say()] }) }),
    () => ({
      SecretString: JSON.stringify({ private_key_jwk: { kty: 'EC', crv: 'P-384', d: say(), x: say(), y: say() } }),
    }),
    () => ({ SecretString: JSON.stringify({ private_key_jwk: { kty: say(), alg: say(), kid: say(), d: say() } }) }),
    () => ({ SecretString: JSON.stringify({ private_key_jwk: { kty: 'oct', k: say(), alg: 'HS256' } }) }),
  ];
};

/** Every failure of AWS, with messages that quote what AWS was sent and what is stored. */
export const everyAwsFault = async (setting: InProcess): Promise<void> => {
  const { trouble, passSeconds } = setting;
  for (const failing of ['GetItemCommand', 'PutItemCommand', 'UpdateItemCommand']) {
    Object.assign(trouble, { dynamo: (command: string) => command === failing });
    await tryFlows(setting);
  }
  for (const secretsManager of wrongSecrets(setting)) {
    for (const payer of ['northwind', 'demo-health-plan']) {
      const connection = await connect(setting, payer);
      const started = await start(setting, payer);
      // The cached secret is too old by then.
      passSeconds(301);
      Object.assign(trouble, { secretsManager });
      await comeBack(setting, started);
      await read(setting, connection, 'Patient');
      await asPartner(setting, 'revoke', { token: connection.access });
      Object.assign(trouble, noTrouble);
    }
  }
};

/** The unexpected: dependencies that throw, and events of no known form. */
export const everySurprise = async (setting: InProcess): Promise<void> => {
  const { garden, trouble, audit, invoke } = setting;
  const surprise = (): Error => {
    const said = garden.canary('thrown');
    return Object.assign(new TypeError(`Cannot read ${said}`, { cause: new RangeError(said) }), {
      input: said,
      path: [said],
    });
  };
  for (const part of ['randomBytes', 'registry'] as const) {
    Object.assign(trouble, { [part]: surprise() });
    await tryFlows(setting);
  }
  const resources = {
    authorize: '/oauth2/authorize/{payer}',
    callback: '/oauth2/callback/{payer}',
    token: '/oauth2/token',
    discovery: '/r4/{payer}/metadata',
    fetch: '/r4/{payer}/{proxy+}',
  };
  for (const [name, resource] of Object.entries(resources)) {
    const said = garden.canary('malformed');
    for (const httpMethod of ['GET', 'POST']) {
      await invoke(name, {
        resource,
        path: said,
        httpMethod,
        headers: { [said]: said },
        body: said,
        pathParameters: said,
      });
      await invoke(name, { resource, httpMethod, headers: { 'Content-Type': said }, body: { said } });
      await invoke(name, {
        resource,
        httpMethod,
        multiValueHeaders: { Authorization: said },
        multiValueQueryStringParameters: said,
      });
    }
    await invoke(name, said);
    await invoke('audit', said);
  }
  audit.failNext(500, 'InternalError', garden.canary('AWS error'));
  await connect(setting, 'northwind');
};
