import { html } from '../../html.ts';
import { memberKeys, testMembers } from '../data/member-list.ts';
import type { MemberKey } from '../data/member-list.ts';
import type { Page } from './layout.ts';

/**
 * The members whom "Create an account" knows, and what to try with each.
 * @param origin the payer's own, such as `http://127.0.0.1:3001`
 */
export const membersPage = (origin: string): Page => {
  return {
    title: 'Test members',
    body: html`<h1>Test members</h1>
      <p>
        They are made up. Create an account with the details of one of them and any e-mail address. To read
        a member's record in the demo, use the word in brackets: <code>npm run demo -- --member claims</code>.
      </p>
      ${memberKeys.map(memberDetails)}
      <h2>Change a record</h2>
      <p>
        To try <code>_since</code>, let the payer change a few resources of a member. The answer names them:
        <code>curl --data member=claims ${origin}/admin/changes</code>
      </p>`,
  };
};

const memberDetails = (key: MemberKey) => {
  const { firstName, lastName, birthDate, memberId, postalCode, about } = testMembers[key];
  const [year, month, day] = birthDate.split('-');
  return html`<details>
    <summary>${firstName} ${lastName} (${key}): ${about}</summary>
    <dl>
      <dt>First Name</dt>
      <dd>${firstName}</dd>
      <dt>Last Name</dt>
      <dd>${lastName}</dd>
      <dt>Birthdate</dt>
      <dd>${month}/${day}/${year}</dd>
      <dt>Member ID</dt>
      <dd>${memberId}</dd>
      <dt>Postal Code</dt>
      <dd>${postalCode}</dd>
    </dl>
  </details>`;
};
