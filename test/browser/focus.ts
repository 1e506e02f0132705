import type { Page } from 'playwright-core';

/** Runs in the page: how the ring of each element that a keyboard reaches stands out from what surrounds it. */
const ringProblems = (): readonly string[] => {
  const rgba = (color: string): number[] => (color.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (color: readonly number[]): number => {
    const [r = 0, g = 0, b = 0] = color.map((value) => {
      const part = value / 255;
      return part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgroundBehind = (from: Element | null): number[] => {
    for (let at = from; at !== null; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const problemOf = (element: HTMLElement): string | undefined => {
    element.focus();
    if (document.activeElement !== element) return 'cannot be focused';
    const { outlineStyle, outlineWidth, outlineColor, outlineOffset } = getComputedStyle(element);
    if (outlineStyle !== 'solid' || Number.parseFloat(outlineWidth) < 2)
      return `has the ring ${outlineStyle} ${outlineWidth}`;
    if (Number.parseFloat(outlineOffset) < 1) return `has a ring that touches it (${outlineOffset})`;
    const around = luminance(backgroundBehind(element.parentElement));
    const ring = luminance(rgba(outlineColor));
    const contrast = (Math.max(around, ring) + 0.05) / (Math.min(around, ring) + 0.05);
    return contrast < 3 ? `has a ring of contrast ${contrast.toFixed(2)}` : undefined;
  };
  const reachable = 'a[href],button,input:not([type=hidden]),select,textarea,summary,[tabindex="0"]';
  return [...document.querySelectorAll<HTMLElement>(reachable)]
    .filter((element) => !element.matches(':disabled') && element.checkVisibility({ visibilityProperty: true }))
    .flatMap((element) => {
      const problem = problemOf(element);
      return problem === undefined ? [] : [`${element.outerHTML.slice(0, 120)} ${problem}`];
    });
};

/**
 * What is wrong with the focus rings of a page, a line for each element. A ring needs 3:1 (WCAG 2.2 §1.4.11); it stands
 * off from its element, so what is behind the element is on both of its sides.
 */
export const focusProblems = async (page: Page): Promise<readonly string[]> => {
  // After a key, a focus that a script moves shows its ring.
  await page.keyboard.press('Tab');
  return page.evaluate(ringProblems);
};
