import { html } from '../../html.ts';
import type { Html } from '../../html.ts';
import type { MemberRecord } from '../data/record.ts';
import type { AccountField, AccountForm, FormProblem } from '../members.ts';
import { alwaysShared, shares } from '../shares.ts';
import type { Share } from '../shares.ts';
import type { Page } from './layout.ts';

/** What the pages of one sign-in share. `path` is their base path, without a trailing slash. */
export interface SignInView {
  readonly path: string;
  readonly payerName: string;
  readonly appName: string;
}

/** The first page: asks for a known e-mail address, and links to "Create an account". */
export const signInPage = (view: SignInView, email = '', problems: readonly FormProblem[] = []): Page => {
  return {
    title: 'Sign in',
    step: 1,
    status: problems.length > 0 ? 422 : 200,
    leavesPayer: true,
    body: html`<h1>Sign in</h1>
      <p>
        <strong>${view.appName}</strong> would like to read your health record at ${view.payerName}. First show us that
        it is you: we send a code to the e-mail address of your account.
      </p>
      <form method="post" action="${view.path}/sign-in" novalidate>
        ${field({ name: 'email', label: 'E-mail address', type: 'email', autocomplete: 'email' }, email, problems)}
        <p class="actions"><button>Send me a code</button></p>
      </form>
      <div class="divided">
        <p>First time here? An account takes a minute; have your member card at hand.</p>
        <p class="actions"><a class="button second" href="${view.path}/create">Create an account</a></p>
      </div>
      <form class="divided" method="post" action="${view.path}/consent">
        <button class="plain" name="decision" value="deny">Cancel and go back to the app</button>
      </form>`,
  };
};

const emptyAccount: AccountForm = {
  first_name: '',
  last_name: '',
  birthdate: '',
  member_id: '',
  postal_code: '',
  email: '',
};

/** "Create an account": the five fields of a member card and an e-mail address. */
export const createAccountPage = (
  view: SignInView,
  example: MemberRecord | undefined,
  form: AccountForm = emptyAccount,
  problems: readonly FormProblem[] = [],
): Page => {
  return {
    title: 'Create an account',
    step: 1,
    status: problems.length > 0 ? 422 : 200,
    body: html`<h1>Create an account</h1>
      <p>Enter your details as they stand on your member card. We send a code to your e-mail address.</p>
      ${alert(problems)} ${example && exampleMember(example)}
      <form method="post" action="${view.path}/create" novalidate>
        <div class="pair">
          ${field({ name: 'first_name', label: 'First Name', autocomplete: 'given-name' }, form.first_name, problems)}
          ${field({ name: 'last_name', label: 'Last Name', autocomplete: 'family-name' }, form.last_name, problems)}
        </div>
        ${field(
          { name: 'birthdate', label: 'Birthdate', hint: 'MM/DD/YYYY', autocomplete: 'bday' },
          form.birthdate,
          problems,
        )}
        <div class="pair">
          ${field({ name: 'member_id', label: 'Member ID' }, form.member_id, problems)}
          ${field({ name: 'postal_code', label: 'Postal Code', autocomplete: 'postal-code' }, form.postal_code, problems)}
        </div>
        ${field({ name: 'email', label: 'E-mail address', type: 'email', autocomplete: 'email' }, form.email, problems)}
        <p class="actions"><button>Create account</button></p>
      </form>
      <p class="divided">You have an account? <a href="${view.path}">Sign in</a></p>`,
  };
};

/** Asks for the mailed code. `reference` identifies the message in the inbox. */
export const verifyPage = (
  view: SignInView,
  sent: { readonly email: string; readonly reference: string; readonly again?: boolean },
  code = '',
  problems: readonly FormProblem[] = [],
): Page => {
  return {
    title: sent.again === true ? 'Verify your e-mail: another code was sent' : 'Verify your e-mail',
    step: 2,
    status: problems.length > 0 ? 422 : 200,
    body: html`<h1>Verify your e-mail</h1>
      <p>
        We sent ${sent.again ? 'another' : 'a'} six-digit code to <strong>${sent.email}</strong>, with the reference
        <strong data-reference="${sent.reference}">${sent.reference}</strong>.
      </p>
      <div class="note">
        <p>
          In this sandbox no mail leaves the machine:
          <a href="/inbox" target="_blank" rel="noopener">open the inbox</a> (in a new tab) and copy the code.
        </p>
      </div>
      <form class="divided" method="post" action="${view.path}/verify" novalidate>
        ${field({ name: 'code', label: 'Code', autocomplete: 'one-time-code', inputmode: 'numeric' }, code, problems)}
        <p class="actions"><button>Continue</button></p>
      </form>
      <form class="divided" method="post" action="${view.path}/resend">
        <button class="plain" name="resend" value="1">Send me another code</button>
      </form>
      <p><a href="${view.path}">Use another e-mail address</a></p>`,
  };
};

/** Asks whether the gateway may read a member's record: all of it, or part. The first of the account is who signed in. */
export const consentPage = (view: SignInView, account: readonly MemberRecord[]): Page => {
  return {
    title: 'Allow access',
    step: 3,
    leavesPayer: true,
    body: html`<h1>Allow access to your record?</h1>
      <form method="post" action="${view.path}/consent">
        <p>
          <strong>${view.appName}</strong> asks to read the health record that ${view.payerName} keeps for
          ${account.length === 1 ? account.map(describeMember) : html`one of the members of your account:`}
        </p>
        ${account.length > 1 && html`<div role="radiogroup" aria-label="Whose record">${account.map(memberChoice)}</div>`}
        <h2>What it may read</h2>
        <ul>
          ${[alwaysShared, ...shares].map(({ text }) => html`<li>${text}</li>`)}
        </ul>
        <p class="quiet">
          It can read your record but not change it. It may read it again for up to 90 days without asking you.
        </p>
        <p class="actions divided">
          <button name="decision" value="allow">Allow</button>
          <button class="second" name="decision" value="deny">Deny</button>
        </p>
        <details class="divided">
          <summary>Share only part</summary>
          <fieldset>
            <legend>${alwaysShared.text} are always shared. Choose what else:</legend>
            ${shares.map(shareChoice)}
          </fieldset>
          <p class="actions">
            <button class="second" name="decision" value="part">Allow only these parts</button>
          </p>
        </details>
      </form>
      <p class="quiet">Either way, we take you back to the app that you came from.</p>`,
  };
};

const describeMember = ({ member }: MemberRecord): Html => {
  return html`<strong>${member.firstName} ${member.lastName}</strong> (member ID ${member.memberId}).`;
};

const memberChoice = (record: MemberRecord, index: number): Html => {
  const id = `member-${index}`;
  return html`<div class="choice">
    <input id="${id}" type="radio" name="member" value="${record.patientId}" ${index === 0 && html`checked`} />
    <label for="${id}">${record.member.firstName} ${record.member.lastName}</label>
    <p class="quiet">Member ID ${record.member.memberId}, born ${record.member.birthDate}</p>
  </div>`;
};

const shareChoice = ({ name, text }: Share): Html => {
  return html`<div class="choice">
    <input id="share-${name}" type="checkbox" name="share" value="${name}" />
    <label for="share-${name}">${text}</label>
  </div>`;
};

interface FieldShape {
  readonly name: AccountField | 'code';
  readonly label: string;
  readonly hint?: string;
  readonly type?: 'text' | 'email';
  readonly autocomplete?: string;
  readonly inputmode?: 'numeric';
}

const field = (shape: FieldShape, value: string, problems: readonly FormProblem[]): Html => {
  const problem = problems.find((candidate) => candidate.field === shape.name);
  const described = [shape.hint && `${shape.name}-hint`, problem && `${shape.name}-problem`].filter(Boolean).join(' ');
  return html`<div class="field">
    <label for="${shape.name}">${shape.label}</label>
    ${shape.hint && html`<p class="hint" id="${shape.name}-hint">${shape.hint}</p>`}
    <input
      id="${shape.name}"
      name="${shape.name}"
      type="${shape.type ?? 'text'}"
      value="${value}"
      autocomplete="${shape.autocomplete ?? 'off'}"
      ${shape.inputmode && html`inputmode="${shape.inputmode}"`}
      ${shape.name === 'code' && html`class="code" maxlength="12"`}
      ${described !== '' && html`aria-describedby="${described}"`}
      ${problem && html`aria-invalid="true"`}
      ${problem && problem === problems[0] && html`autofocus`}
      required
    />
    ${problem && html`<p class="wrong" id="${shape.name}-problem">${problem.message}</p>`}
  </div>`;
};

/** Says above a long form what is wrong, or how many fields to check. */
const alert = (problems: readonly FormProblem[]): Html | undefined => {
  if (problems.length === 0) return undefined;
  const general = problems.find(({ field: name }) => name === undefined);
  const fields = problems.length === 1 ? 'field' : `${problems.length} fields`;
  const text = general?.message ?? `Please check the ${fields} marked below.`;
  return html`<div class="alert" role="alert"><p>${text}</p></div>`;
};

const exampleMember = ({ member }: MemberRecord): Html => {
  const [year, month, day] = member.birthDate.split('-');
  return html`<details>
    <summary>A test member that you can use</summary>
    <dl>
      <dt>First Name</dt>
      <dd>${member.firstName}</dd>
      <dt>Last Name</dt>
      <dd>${member.lastName}</dd>
      <dt>Birthdate</dt>
      <dd>${month}/${day}/${year}</dd>
      <dt>Member ID</dt>
      <dd>${member.memberId}</dd>
      <dt>Postal Code</dt>
      <dd>${member.postalCode}</dd>
    </dl>
    <p><a href="/members" target="_blank" rel="noopener">More test members</a> (in a new tab)</p>
  </details>`;
};
