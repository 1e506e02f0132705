import { html } from '../../html.ts';
import type { Html } from '../../html.ts';
import type { Fault } from '../faults/fault.ts';
import { faultNames, faults } from '../faults/table.ts';
import type { Page } from './layout.ts';

/** The switches that make this payer misbehave. `unknown` are names that a form sent and that are no switch. */
export const adminPage = (payerName: string, on: readonly string[], unknown: readonly string[] = []): Page => {
  return {
    title: on.length === 0 ? 'Switches' : `Switches: ${on.length} on`,
    status: unknown.length > 0 ? 400 : 200,
    body: html`<h1>Make ${payerName} misbehave</h1>
      <p>Real payers have each of these faults. A switch affects every app and member until you turn it off.</p>
      <p class="note" role="status">
        ${on.length === 0 ? 'All switches are off.' : `Switched on: ${on.join(', ')}.`}
      </p>
      ${
        unknown.length > 0 &&
        html`<div class="alert" role="alert">
        <p>There is no switch ${unknown.join(', ')}. There are ${faultNames.join(', ')}.</p>
      </div>`
      }
      <form method="post" action="/admin">
        ${faults.map((fault) => switchOf(fault, on.includes(fault.name)))}
        <p class="actions"><button>Set the switches</button></p>
      </form>
      <form class="divided" method="post" action="/admin">
        <button class="plain">Switch all off</button>
      </form>`,
  };
};

const switchOf = ({ name, does, partnerSees }: Fault, isOn: boolean): Html => {
  return html`<div class="choice">
    <input
      id="${name}"
      type="checkbox"
      name="fault"
      value="${name}"
      aria-describedby="${name}-does"
      ${isOn && html`checked`}
    />
    <label for="${name}">${name}</label>
    <p id="${name}-does">${marked(does)}</p>
    <p class="quiet">A partner sees: ${marked(partnerSees)}</p>
  </div>`;
};

/** A sentence with its back quotes as code. */
const marked = (text: string): Html[] =>
  text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
