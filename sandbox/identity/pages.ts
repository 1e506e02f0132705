import { html } from '../html.ts';
import { memberKeys, testMembers, type MemberKey } from '../payer/data/member-list.ts';
import type { Page } from '../payer/pages/layout.ts';

/** What the apps, the index page and the documents call the sandbox's identity provider. */
export const identityProviderName = 'Sandbox Identity';

/** Where somebody proves who they are. A real provider asks for a document and a photo here. */
export const provePage = (path: string, appName: string): Page => ({
  title: 'Prove who you are',
  leavesPayer: true,
  step: 1,
  steps: ['Prove who you are', 'Back to the app'],
  body: html`<h1>Prove who you are</h1>
    <p>
      <strong>${appName}</strong> asks who you are: your name, birthdate, address, phone number, e-mail address, and the
      last four digits of your Social Security number.
    </p>
    <p class="note">A real identity provider asks for your ID card and a photo of you. Here you choose who you are.</p>
    <form method="post" action="${path}">
      <fieldset>
        <legend>Who are you?</legend>
        ${memberKeys.map(choiceOf)}
      </fieldset>
      <p class="actions divided">
        <button name="decision" value="share">This is me: tell the app</button>
        <button class="second" name="decision" value="cancel">Cancel</button>
      </p>
    </form>`,
});

const choiceOf = (key: MemberKey, index: number) => {
  const { firstName, lastName, birthDate } = testMembers[key];
  return html`<div class="choice">
    <input id="person-${key}" type="radio" name="person" value="${key}" ${index === 0 && html`checked`} />
    <label for="person-${key}">${firstName} ${lastName} (${key})</label>
    <p class="quiet">Born ${birthDate}</p>
  </div>`;
};

/** The identity provider's own page. */
export const homePage = (issuer: string): Page => ({
  title: 'Welcome',
  body: html`<h1>${identityProviderName}</h1>
    <p>Apps send you here to prove who you are. There is nothing to do on this page itself.</p>
    <p>
      Developers: the issuer is <code>${issuer}</code>, and
      <a href="/.well-known/openid-configuration">its configuration</a> says the rest.
    </p>`,
});
