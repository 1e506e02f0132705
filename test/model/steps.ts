import type { Authorize, Call, Callback, Command, Happening } from './commands.ts';
import {
  aim,
  judgeAuthorize,
  judgeCall,
  judgeCallback,
  judgeTogether,
  type Answer,
  type Grant,
  type Model,
} from './model.ts';
import { authorizeQuery, perform } from './perform.ts';
import type { World } from './world.ts';

/** A history in progress. */
export interface Run {
  model: Model;
  readonly world: World;
  /** In addition to the model's login attempts: what the browser holds. */
  readonly browsers: { readonly state: string; readonly cookies: string; readonly payerUrl: string }[];
  signIns: number;
}
/** A description of a step that a person can follow; undefined if there was nothing to act on. */
export type Step = { readonly line: string; readonly complaint: string | undefined } | undefined;

const options = (command: object): string =>
  Object.entries(command)
    .filter(([name]) => name !== 'kind')
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');
const step = (text: string, { outcome }: Answer, complaint: string | undefined): Step => ({
  line: `${text} → ${outcome}`,
  complaint,
});

/** A call that has found its grant, and the state at the payer. */
const prepare = ({ model, world }: Run, call: Call, { shared }: { shared: boolean }) => {
  const aimed = aim(model, call);
  const grant = aimed && model.grants[aimed.grant];
  return grant && { aimed, grant, payer: world.payers.says(grant.patient, { shared }) };
};
type Prepared = NonNullable<ReturnType<typeof prepare>>;

const make = async ({ world }: Run, { aimed, grant, payer }: Prepared) => {
  const answer = await perform(world, grant, aimed);
  const { kind, grant: _counted, ...rest } = aimed.call;
  const said = options('age' in rest ? { ...rest, age: aimed.age } : rest);
  const events = payer.events.length === 0 ? '' : ` [payer: ${payer.events.join(', ')}]`;
  const text = `${kind} of grant ${aimed.grant + 1} (${said})${events} → ${answer.outcome}`;
  return { aimed, payer, answer, text };
};

/** Makes a call and judges its answer. */
export const callOnce = async (run: Run, call: Call): Promise<Step> => {
  const prepared = prepare(run, call, { shared: false });
  if (prepared === undefined) return undefined;
  const made = await make(run, prepared);
  return { line: made.text, complaint: judgeCall(run.model, made) };
};

const callTogether = async (run: Run, [one, two]: readonly [Call, Call]): Promise<Step> => {
  const shared = aim(run.model, one)?.grant === aim(run.model, two)?.grant;
  const first = prepare(run, one, { shared });
  const second = prepare(run, two, { shared });
  if (first === undefined || second === undefined) return undefined;
  const payer = shared ? second.payer : first.payer;
  const made = await Promise.all([make(run, { ...first, payer }), make(run, second)]);
  const { model, complaint } = judgeTogether(run.model, made);
  run.model = model;
  return { line: `at once: ${made.map(({ text }) => text).join(' AND ')}`, complaint };
};

const callback = async (run: Run, command: Callback): Promise<Step> => {
  const { attempts } = run.model;
  const index = attempts.length - 1 - (command.attempt % Math.max(1, attempts.length));
  const [attempt, browser] = [attempts[index], run.browsers[index]];
  if (attempt === undefined || browser === undefined) return undefined;
  const { payers } = run.world;
  const patient = `patient-${(run.signIns += 1)}`;
  const { lives, renews } = command;
  const back = await payers.signIn(browser.payerUrl, { patient, lives, renews });
  const payer =
    command.how !== 'otherPayer' ? attempt.payer : attempt.payer === 'northwind' ? 'demo-health-plan' : 'northwind';
  const query = {
    state: browser.state,
    ...(command.how === 'denied' ? { error: 'access_denied' } : { code: back.searchParams.get('code') ?? '' }),
    ...(payer === 'northwind' ? { iss: 'http://127.0.0.1:3003' } : {}),
  };
  const answer = await run.world.callback(payer, query, command.how === 'otherBrowser' ? '' : browser.cookies);
  const { attempt: _counted, ...rest } = command;
  const complaint = judgeCallback(run.model, command, attempt, answer, { patient, mood: payers.moodOf(attempt.payer) });
  return step(`callback of login ${index + 1} (${options(rest)})`, answer, complaint);
};

const authorize = async (run: Run, command: Authorize): Promise<Step> => {
  const known = run.model.attempts.length;
  const { answer, cookies, location } = await run.world.authorize(command.payer, authorizeQuery(command));
  const complaint = judgeAuthorize(run.model, command, answer);
  if (run.model.attempts.length > known)
    run.browsers.push({ state: String(answer.body['state']), cookies, payerUrl: location });
  return step(`authorize (${options(command)})`, answer, complaint);
};

const configure = ({ model, world }: Run, what: string, isIn: boolean): void => {
  model.out[isIn ? 'delete' : 'add'](what);
  world.configure(model);
};

const steal = (grant: Grant): Step => {
  const [newest] = grant.refresh;
  if (newest === undefined) return undefined;
  grant.stolen.unshift(newest);
  grant.movedOn = false;
  return { line: 'the newest refresh token is stolen', complaint: undefined };
};

/** What happens around the gateway; no one gets an answer. */
const happen = async (run: Run, command: Happening): Promise<Step> => {
  const { model, world } = run;
  if (command.kind === 'pass') {
    model.now += command.seconds;
    world.passSeconds(command.seconds);
  } else if (command.kind === 'ttl') await world.removeExpired();
  else if (command.kind === 'mood') world.payers.mood(command.payer, command.mood);
  else if (command.kind === 'partner') configure(run, command.partner, command.registered);
  else if (command.kind === 'scopes') {
    model.registered.set(command.partner, command.to);
    world.configure(model);
  } else if (command.kind === 'payerOf') configure(run, `${command.partner} ${command.payer}`, command.allowed);
  else {
    const grant = model.grants.at(-1 - (command.grant % Math.max(1, model.grants.length)));
    if (grant === undefined) return undefined;
    if (command.kind === 'steal') return steal(grant);
    world.payers[command.kind === 'payerEnds' ? 'end' : 'forget'](grant.patient);
  }
  return { line: `${command.kind} (${options(command)})`, complaint: undefined };
};

/** Applies one command to the gateway and to the model. */
export const take = (run: Run, command: Command): Promise<Step> => {
  switch (command.kind) {
    case 'authorize':
      return authorize(run, command);
    case 'callback':
      return callback(run, command);
    case 'together':
      return callTogether(run, command.calls);
    case 'redeem':
    case 'refresh':
    case 'revoke':
    case 'introspect':
    case 'thief':
    case 'read':
      return callOnce(run, command);
    default:
      return happen(run, command);
  }
};
