/**
 * Whether a JSON text nests deeper than a number of levels. Call it before parsing: a parser can take seconds over a deep text, and
 * `JSON.stringify` throws at some thousand levels.
 */
export const isDeeperThan = (most: number, text: string): boolean => {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === 0x22) inString = !inString;
    else if (inString) at += Number(char === 0x5c);
    else if (char === 0x5b || char === 0x7b) {
      depth += 1;
      if (depth > most) return true;
    } else if (char === 0x5d || char === 0x7d) depth -= 1;
  }
  return false;
};
