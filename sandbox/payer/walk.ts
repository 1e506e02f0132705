/** A member's details as "Create an account" asks for them. `birthDate` is `MM/DD/YYYY` or `YYYY-MM-DD`. */
export interface WalkMember {
  readonly firstName: string;
  readonly lastName: string;
  readonly birthDate: string;
  readonly memberId: string;
  readonly postalCode: string;
  readonly email: string;
}

/** The page that a walk has reached. Its URL is where the last redirect within the payer ended. */
export interface WalkPage {
  readonly url: string;
  readonly status: number;
  readonly html: string;
}

/** Where a walk is: on a page of the payer, or redirected away from it. */
export type WalkStop = { readonly page: WalkPage } | { readonly location: string };

/** A minimal browser: keeps cookies, follows redirects within one origin, fills in forms. */
export interface Walker {
  open(url: string): Promise<WalkStop>;
  /** Follows the link with this text. */
  follow(page: WalkPage, text: string): Promise<WalkStop>;
  /** Sends the form with the named field, its hidden fields, and these values. */
  submit(page: WalkPage, values: Readonly<Record<string, string>>): Promise<WalkStop>;
}

/**
 * Signs a member in at a sandbox payer over HTTP, as a person would: creates an account, reads the code in the inbox,
 * decides. Takes the payer's authorize URL (where the gateway redirects to) and returns the first redirect that leaves
 * the payer. If the payer does not continue, throws with the page's own words.
 */
export const signInAsMember = async (
  authorizeUrl: string,
  member: WalkMember,
  options: { decision?: 'allow' | 'deny' } = {},
): Promise<string> => {
  const walker = createWalker(new URL(authorizeUrl).origin);
  const signIn = pageOf(await walker.open(authorizeUrl), 'Sign in');
  const create = pageOf(await walker.follow(signIn, 'Create an account'), 'Create an account');
  const verify = pageOf(await walker.submit(create, accountValues(member)), 'Verify your e-mail');
  const code = await readCode(walker, verify);
  const consent = pageOf(await walker.submit(verify, { code }), 'Allow access');
  const stop = await walker.submit(consent, { decision: options.decision ?? 'allow' });
  if ('location' in stop) return stop.location;
  throw new Error(`the payer did not send the member back: ${describe(stop.page)}`);
};

/** The account form's fields for a member. */
export const accountValues = (member: WalkMember): Record<string, string> => {
  return {
    first_name: member.firstName,
    last_name: member.lastName,
    birthdate: member.birthDate,
    member_id: member.memberId,
    postal_code: member.postalCode,
    email: member.email,
  };
};

/** The code that the payer mailed for this verify page, found by its reference. */
export const readCode = async (walker: Walker, verify: WalkPage): Promise<string> => {
  const reference = /data-reference="([^"]+)"/.exec(verify.html)?.[1];
  const inbox = pageOf(await walker.follow(verify, 'open the inbox'), 'Inbox');
  const message = inbox.html.split('<article').find((part) => part.includes(`data-reference="${reference}"`));
  const code = /data-code="(\d+)"/.exec(message ?? '')?.[1];
  if (code === undefined) throw new Error(`the inbox has no message with the reference ${reference}`);
  return code;
};

/** The page of a stop, which must have this title. */
export const pageOf = (stop: WalkStop, title: string): WalkPage => {
  if ('location' in stop) throw new Error(`expected the page "${title}", but the payer sent the member away`);
  if (!titleOf(stop.page).startsWith(title) || stop.page.status !== 200) {
    throw new Error(`expected the page "${title}", but got ${describe(stop.page)}`);
  }
  return stop.page;
};

/** A browser for one origin, with its own cookies. */
export const createWalker = (origin: string): Walker => {
  const cookies = new Map<string, { readonly pair: string; readonly path: string }>();

  const request = async (url: string, form?: URLSearchParams): Promise<WalkStop> => {
    const { pathname } = new URL(url);
    const sent = [...cookies.values()].filter(({ path }) => isBelow(pathname, path)).map(({ pair }) => pair);
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      body: form,
      redirect: 'manual',
      headers: { accept: 'text/html', ...(sent.length > 0 && { cookie: sent.join('; ') }) },
    });
    for (const header of response.headers.getSetCookie()) keepCookie(cookies, header);
    const html = await response.text();
    const location = response.headers.get('location');
    if (location === null) return { page: { url, status: response.status, html } };
    const target = new URL(location, url);
    return target.origin === origin ? request(target.href) : { location: target.href };
  };

  return {
    open: (url) => request(url),
    follow(page, text) {
      const link = [...page.html.matchAll(/<a\s([^>]*)>([^<]*)<\/a>/g)].find(([, , label]) => label?.trim() === text);
      const href = attribute(link?.[1], 'href');
      if (href === undefined) throw new Error(`no link "${text}" on ${describe(page)}`);
      return request(new URL(href, page.url).href);
    },
    submit(page, values) {
      const [first = ''] = Object.keys(values);
      const forms = page.html.matchAll(/<form\s([^>]*)>(.*?)<\/form>/gs);
      const [, tag, inside = ''] = [...forms].find(([, , body]) => body?.includes(`name="${first}"`)) ?? [];
      const action = attribute(tag, 'action');
      if (action === undefined) throw new Error(`no form with the field "${first}" on ${describe(page)}`);
      const form = new URLSearchParams();
      for (const [, input] of inside.matchAll(/<input\s([^>]*)>/g)) {
        const name = attribute(input, 'name');
        if (name !== undefined && attribute(input, 'type') === 'hidden')
          form.set(name, attribute(input, 'value') ?? '');
      }
      for (const [name, value] of Object.entries(values)) form.set(name, value);
      return request(new URL(action, page.url).href, form);
    },
  };
};

const keepCookie = (cookies: Map<string, { readonly pair: string; readonly path: string }>, header: string): void => {
  const [pair = '', ...attributes] = header.split(';').map((part) => part.trim());
  const path = attributes.find((part) => /^path=/i.test(part))?.slice(5) ?? '/';
  const key = `${pair.split('=')[0]} ${path}`;
  if (attributes.some((part) => /^expires=Thu, 01 Jan 1970/i.test(part))) cookies.delete(key);
  else cookies.set(key, { pair, path });
};

const isBelow = (pathname: string, path: string): boolean => {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
};

const attribute = (tag: string | undefined, name: string): string | undefined => {
  const value = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(tag ?? '')?.[1];
  return value === undefined ? undefined : unescapeHtml(value);
};

const titleOf = (page: WalkPage): string => {
  return unescapeHtml(/<title>([^<]*)<\/title>/.exec(page.html)?.[1]?.trim() ?? 'no title');
};

const describe = (page: WalkPage): string => {
  const messages = [...page.html.matchAll(/<p class="wrong"[^>]*>([^<]*)<|role="alert">\s*<p>([^<]*)</g)];
  const texts = messages.map(([, field, general]) => unescapeHtml(field ?? general ?? ''));
  return [`"${titleOf(page)}" (${page.status})`, ...texts].join(': ');
};

const unescapeHtml = (text: string): string => {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
};
