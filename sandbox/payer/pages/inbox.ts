import { html } from '../../html.ts';
import type { Message } from '../mailbox.ts';
import type { Page } from './layout.ts';

/** The messages that this payer sent, newest first. */
export const inboxPage = (payerName: string, messages: readonly Message[]): Page => {
  return {
    title: messages.length === 0 ? 'Inbox, empty' : `Inbox (${messages.length})`,
    body: html`<h1>Inbox</h1>
      <p class="quiet">What ${payerName} has e-mailed, newest first. Only a sandbox shows this to everybody.</p>
      <p><a href="/inbox">Look for new messages</a></p>
      ${messages.length === 0 && html`<p class="note">No messages yet.</p>`}
      ${messages.map(
        (message) =>
          html`<article class="message" data-to="${message.to}" data-reference="${message.reference}">
            <h2>Your code for ${payerName}</h2>
            <p class="quiet">To ${message.to}, ${message.sentAt.toUTCString()}</p>
            <p class="digits" data-code="${message.code}">${message.code}</p>
            <p>
              Enter it on <a href="${message.verifyPath}">the page with the reference ${message.reference}</a>. It works
              for ten minutes. If you did not ask for it, leave this message alone.
            </p>
          </article>`,
      )}`,
  };
};
