import { randomInt } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errors } from 'oidc-provider';
import type { Provider } from 'oidc-provider';
import { keptMap, noRooms, type Rooms } from '../state/room.ts';
import type { MemberRecord } from './data/record.ts';
import { accountOf } from './families.ts';
import { readForm, seeOther } from './http.ts';
import type { Mailbox } from './mailbox.ts';
import { accountFields, isEmail, matchMember } from './members.ts';
import type { AccountForm, FormProblem } from './members.ts';
import { messagePage, sendPage } from './pages/layout.ts';
import type { Brand, Page } from './pages/layout.ts';
import { consentPage, createAccountPage, signInPage, verifyPage } from './pages/sign-in.ts';
import type { SignInView } from './pages/sign-in.ts';
import { endedPage, gatewayName } from './provider.ts';
import { typesOfShares } from './shares.ts';
import type { Sharing } from './sharing.ts';

const codeMinutes = 10;
const codeTries = 5;

/** The state of one sign-in. */
interface Progress {
  readonly startedAtMs: number;
  /** A code was sent, and the member has not entered it yet. */
  pending?: {
    readonly email: string;
    readonly record: MemberRecord;
    readonly reference: string;
    readonly code: string;
    readonly expiresAtMs: number;
    readonly again: boolean;
    triesLeft: number;
  };
  /** The member, known after the correct code. */
  verified?: MemberRecord;
}

export interface SignInSetup {
  readonly provider: Provider;
  readonly sharing: Sharing;
  readonly records: readonly MemberRecord[];
  readonly mailbox: Mailbox;
  readonly brand: Brand;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Patients whose plan does not share records. */
  readonly refusesPatients?: readonly string[] | undefined;
  /** Where accounts outlive the process. @default nowhere */
  readonly rooms?: Rooms | undefined;
}

/** One request to a page of one sign-in. */
interface Visit {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly view: SignInView;
  readonly progress: Progress;
  readonly interaction: Awaited<ReturnType<Provider['interactionDetails']>>;
}

type Step = (visit: Visit, form: URLSearchParams) => Promise<void> | void;

/**
 * The pages between a payer's authorize endpoint and the redirect back: sign in or create an account, verify the e-mail
 * address, consent. The provider gets one result, at the end, so that several tabs do not disturb each other.
 */
export const createSignIn = (
  setup: SignInSetup,
): ((req: IncomingMessage, res: ServerResponse, url: URL) => Promise<void>) => {
  const { provider, sharing, records, mailbox, brand, now, refusesPatients = [], rooms = noRooms } = setup;
  const started = new Map<string, Progress>();
  /** The patient's id for an e-mail address. The newest verified account wins. */
  const accounts = keptMap<string>(rooms('accounts'));

  const show = (visit: Visit, page: Page): void => sendPage(visit.res, brand, page);

  const sendCode = (visit: Visit, email: string, record: MemberRecord, again = false): void => {
    const reference = randomLetters(4);
    const code = String(randomInt(1_000_000)).padStart(6, '0');
    const expiresAtMs = now() + codeMinutes * 60_000;
    visit.progress.pending = { email, record, reference, code, expiresAtMs, again, triesLeft: codeTries };
    mailbox.send({ to: email, sentAt: new Date(now()), reference, code, verifyPath: `${visit.view.path}/verify` });
    seeOther(visit.res, `${visit.view.path}/verify`);
  };

  const signIn: Step = (visit, form) => {
    const email = form.get('email')?.trim() ?? '';
    const own = accounts.get(email.toLowerCase());
    const record = records.find(({ patientId }) => patientId === own);
    if (record) return sendCode(visit, email, record);
    const message = isEmail(email)
      ? 'We have no account with this e-mail address. Check it, or create an account.'
      : 'Enter an e-mail address such as name@example.com.';
    show(visit, signInPage(visit.view, email, [{ field: 'email', message }]));
  };

  const create: Step = (visit, form) => {
    const entered = accountForm(form);
    const match = matchMember(records, entered);
    if ('record' in match) return sendCode(visit, entered.email.trim(), match.record);
    show(visit, createAccountPage(visit.view, records[0], entered, match.problems));
  };

  const showVerify: Step = (visit) => {
    const { pending } = visit.progress;
    if (pending) show(visit, verifyPage(visit.view, pending));
    else seeOther(visit.res, visit.progress.verified ? `${visit.view.path}/consent` : visit.view.path);
  };

  const verify: Step = (visit, form) => {
    const { progress, view } = visit;
    const { pending } = progress;
    if (!pending) return showVerify(visit, form);
    const entered = form.get('code') ?? '';
    const problem = codeProblem(pending, entered.replaceAll(/\s/g, ''), now());
    if (problem) return show(visit, verifyPage(view, pending, entered, [problem]));
    accounts.set(pending.email.toLowerCase(), pending.record.patientId);
    progress.verified = pending.record;
    delete progress.pending;
    seeOther(visit.res, `${view.path}/consent`);
  };

  const resend: Step = (visit, form) => {
    const { pending } = visit.progress;
    if (pending) sendCode(visit, pending.email, pending.record, true);
    else return showVerify(visit, form);
  };

  const showConsent: Step = (visit) => {
    const { verified, pending } = visit.progress;
    if (verified) show(visit, consentPage(visit.view, accountOf(records, verified)));
    else seeOther(visit.res, pending ? `${visit.view.path}/verify` : visit.view.path);
  };

  const consent: Step = async (visit, form) => {
    const { verified } = visit.progress;
    const decision = form.get('decision');
    if (decision === 'deny') return deny(visit, form);
    if (!verified) return showConsent(visit, form);
    const chosen = form.get('member') ?? verified.patientId;
    const shared = accountOf(records, verified).find(({ patientId }) => patientId === chosen);
    // Share nothing for a value that this page does not send.
    if ((decision !== 'allow' && decision !== 'part') || !shared) return deny(visit, form);
    if (refusesPatients.includes(shared.patientId)) return deny(visit, form);
    const { params } = visit.interaction;
    const grant = new provider.Grant({ accountId: shared.patientId, clientId: String(params.client_id) });
    grant.addOIDCScope(String(params.scope));
    const grantId = await grant.save();
    if (decision === 'part') sharing.narrow(grantId, typesOfShares(form.getAll('share')));
    const result = { login: { accountId: shared.patientId, remember: false }, consent: { grantId } };
    await provider.interactionFinished(visit.req, visit.res, result, { mergeWithLastSubmission: false });
  };

  const deny: Step = (visit) =>
    provider.interactionFinished(
      visit.req,
      visit.res,
      { error: 'access_denied', error_description: 'the member did not allow access' },
      { mergeWithLastSubmission: false },
    );

  const steps: Readonly<Record<string, { readonly GET?: Step; readonly POST?: Step } | undefined>> = {
    '': { GET: (visit) => show(visit, signInPage(visit.view)) },
    '/sign-in': { GET: (visit) => seeOther(visit.res, visit.view.path), POST: signIn },
    '/create': { GET: (visit) => show(visit, createAccountPage(visit.view, records[0])), POST: create },
    '/verify': { GET: showVerify, POST: verify },
    '/resend': { GET: showVerify, POST: resend },
    '/consent': { GET: showConsent, POST: consent },
  };

  const progressOf = (uid: string): Progress => {
    const known = started.get(uid);
    if (known) return known;
    const dayAgoMs = now() - 24 * 60 * 60_000;
    for (const [id, { startedAtMs }] of started) if (startedAtMs < dayAgoMs) started.delete(id);
    const progress: Progress = { startedAtMs: now() };
    started.set(uid, progress);
    return progress;
  };

  return async (req, res, url) => {
    // On the library's redirects too.
    res.setHeader('cache-control', 'no-store');
    const [, uid = '', rest = ''] = /^\/interaction\/([^/]+)(.*)$/.exec(url.pathname) ?? [];
    const step = steps[rest];
    if (!step)
      return sendPage(
        res,
        brand,
        messagePage('Page not found', ['The address may be mistyped. Go back to the page you came from.'], 404),
      );
    const method = req.method === 'HEAD' ? 'GET' : req.method;
    const handle = method === 'GET' || method === 'POST' ? step[method] : undefined;
    if (!handle) return sendPage(res, brand, messagePage('This page cannot do that', ['Go back and try again.'], 405));

    const interaction = await findInteraction(provider, req, res);
    if (interaction?.uid !== uid) return sendPage(res, brand, endedPage());
    const view = { path: `/interaction/${uid}`, payerName: brand.name, appName: gatewayName };
    const form = method === 'POST' ? await readForm(req) : new URLSearchParams();
    if (!form) return sendPage(res, brand, messagePage('We could not read that', ['Go back and try again.'], 400));
    await handle({ req, res, view, progress: progressOf(uid), interaction }, form);
  };
};

const findInteraction = async (
  provider: Provider,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<Visit['interaction'] | undefined> => {
  try {
    return await provider.interactionDetails(req, res);
  } catch (error) {
    if (error instanceof errors.SessionNotFound) return undefined;
    throw error;
  }
};

const codeProblem = (
  pending: NonNullable<Progress['pending']>,
  entered: string,
  nowMs: number,
): FormProblem | undefined => {
  const field = 'code';
  if (pending.expiresAtMs <= nowMs || pending.triesLeft <= 0) {
    return { field, message: 'This code can no longer be used. Send yourself another one.' };
  }
  if (entered === pending.code) return undefined;
  if (entered === '') return { field, message: 'Enter the code from the e-mail.' };
  pending.triesLeft -= 1;
  if (pending.triesLeft === 0) {
    return { field, message: 'That is not the code, and it was the last try. Send yourself another one.' };
  }
  const tries = pending.triesLeft === 1 ? 'one more try' : `${pending.triesLeft} more tries`;
  return { field, message: `That is not the code that we sent. Look at the newest message; you have ${tries}.` };
};

const accountForm = (form: URLSearchParams): AccountForm => {
  const entries = accountFields.map((name) => [name, form.get(name) ?? '']);
  return Object.fromEntries(entries) as AccountForm;
};

/** Letters that are not easily confused. */
const randomLetters = (length: number): string => {
  const letters = 'ABCDEFGHKMNPQRTUVWXY';
  return Array.from({ length }, () => letters[randomInt(letters.length)]).join('');
};
