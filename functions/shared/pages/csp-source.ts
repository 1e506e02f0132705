/** The CSP source of a URL. A native app's own scheme has no origin. */
export const cspSource = (url: string): string => {
  const { origin, protocol } = new URL(url);
  return origin === 'null' ? protocol : origin;
};
