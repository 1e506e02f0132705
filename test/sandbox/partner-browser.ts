/** A minimal HTTP client that keeps cookies and follows redirects between the app and the gateway. */
export const browser = () => {
  const cookies = new Map<string, string>();
  return async function visit(url: string, form?: Record<string, string>) {
    let next: string | undefined = url;
    let body = form && new URLSearchParams(form);
    for (;;) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const response: Response = await fetch(next, {
        method: body ? 'POST' : 'GET',
        body: body ?? null,
        headers: { cookie },
        redirect: 'manual',
      });
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        cookies.set(name, value);
      }
      const location = response.headers.get('location');
      if (location === null)
        return { status: response.status, headers: response.headers, text: await response.text(), url: next };
      next = new URL(location, next).href;
      body = undefined;
    }
  };
};
