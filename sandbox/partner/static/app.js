'use strict';

// The browser side of the demo apps: a SMART standalone launch and a few reads, with fhirclient alone.
(() => {
  const root = document.querySelector('[data-page]');
  const field = (name) => root.querySelector(`[data-field="${name}"]`);
  const words = {
    access_denied: 'You chose not to share your record. Nothing was read.',
    temporarily_unavailable: 'Your plan can’t be reached right now. Try again in a few minutes.',
    server_error: 'Your plan could not finish the sign-in. Try again in a few minutes.',
  };

  const say = (text, bad = false) => {
    const status = field('status');
    status.textContent = text;
    status.hidden = false;
    status.classList.toggle('bad', bad);
  };

  const launch = async () => {
    const iss = new URLSearchParams(location.search).get('iss');
    if (!iss) return;
    const known = [...root.querySelectorAll('[data-iss]')].map((link) => new URL(link.href).searchParams.get('iss'));
    if (!known.includes(iss.replace(/\/$/, ''))) {
      say('This app does not know that health plan. Choose one from the list.', true);
      return;
    }
    field('choices').hidden = true;
    say('Taking you to your health plan…');
    try {
      await FHIR.oauth2.authorize({
        clientId: root.dataset.clientId,
        scope: 'launch/patient patient/*.rs offline_access',
        redirectUri: `${location.origin}${root.dataset.path}/callback`,
        iss,
        pkceMode: 'required',
      });
    } catch (error) {
      field('choices').hidden = false;
      say(`The sign-in could not start. Try again in a few minutes. (${error.message})`, true);
    }
  };

  const read = async (client) => {
    const patient = await client.patient.read();
    let pages = 0;
    const observations = [];
    await client.request(`Observation?patient=${encodeURIComponent(client.patient.id)}&_count=20`, {
      pageLimit: 0,
      onPage: (bundle) => {
        pages += 1;
        observations.push(...(bundle.entry ?? []));
      },
    });
    const [name] = patient.name ?? [];
    field('name').textContent = name?.text ?? [...(name?.given ?? []), name?.family].filter(Boolean).join(' ');
    field('birth-date').textContent = patient.birthDate ?? 'not given';
    field('observations').textContent = String(observations.length);
    field('pages').textContent = String(pages);
    field('expires').textContent = new Date(client.getState('expiresAt') * 1000).toLocaleTimeString();
    field('base').textContent = client.state.serverUrl;
    field('result').hidden = false;
  };

  const land = async () => {
    const refused = new URLSearchParams(location.search).get('error');
    if (refused) {
      say(words[refused] ?? `Something went wrong. Try again. (${refused})`, true);
      field('again').hidden = false;
      return;
    }
    try {
      const client = await FHIR.oauth2.ready();
      await read(client);
      say('Here is your record.');
      root.querySelector('[data-action="renew"]').addEventListener('click', () => renew(client));
    } catch (error) {
      say(`Your record could not be read. Try again. (${error.message})`, true);
      field('again').hidden = false;
    }
  };

  const renew = async (client) => {
    try {
      say('Renewing…');
      await client.refresh();
      await read(client);
      say('Access renewed and record read again.');
    } catch (error) {
      say(`Access could not be renewed. Start over. (${error.message})`, true);
      field('again').hidden = false;
    }
  };

  void (root.dataset.page === 'launch' ? launch() : land());
})();
