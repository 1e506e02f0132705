/** What a web ACL does with a request, as far as our own rules and the size limits of AWS's rules go. */

interface ByteMatch {
  readonly SearchString: unknown;
  readonly PositionalConstraint: 'CONTAINS' | 'ENDS_WITH' | 'EXACTLY';
  readonly FieldToMatch: { readonly UriPath?: object; readonly SingleHeader?: { readonly Name: string } };
}

interface Statement {
  readonly ManagedRuleGroupStatement?: {
    readonly Name: string;
    readonly RuleActionOverrides?: readonly { readonly Name: string; readonly ActionToUse: object }[];
  };
  readonly RateBasedStatement?: object;
  readonly AndStatement?: { readonly Statements: readonly Statement[] };
  readonly OrStatement?: { readonly Statements: readonly Statement[] };
  readonly NotStatement?: { readonly Statement: Statement };
  readonly ByteMatchStatement?: ByteMatch;
  readonly LabelMatchStatement?: { readonly Key: string };
}

export interface WebAclRule {
  readonly Name: string;
  readonly Priority: number;
  readonly Action?: object;
  readonly Statement: Statement;
}

/** A request from an address that is under every limit. */
export interface Asked {
  readonly path: string;
  readonly bodyBytes?: number;
  /** Whether its body has XHTML, which AWS's rule takes for cross-site scripting. */
  readonly hasMarkup?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Seen extends Asked {
  readonly labels: ReadonlySet<string>;
}

/**
 * Sizes above which AWS's rule of that name matches
 * (https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html).
 */
const commonRules = [
  {
    name: 'SizeRestrictions_BODY',
    label: 'awswaf:managed:aws:core-rule-set:SizeRestrictions_Body',
    matches: ({ bodyBytes = 0 }: Asked): boolean => bodyBytes > 8192,
  },
  {
    name: 'CrossSiteScripting_BODY',
    label: 'awswaf:managed:aws:core-rule-set:CrossSiteScripting_Body',
    matches: ({ hasMarkup = false }: Asked): boolean => hasMarkup,
  },
];

const byteMatches = (
  { SearchString, PositionalConstraint, FieldToMatch }: ByteMatch,
  { path, headers }: Seen,
): boolean => {
  const found =
    FieldToMatch.SingleHeader === undefined ? decodeURIComponent(path) : headers?.[FieldToMatch.SingleHeader.Name];
  const searched = typeof SearchString === 'string' ? SearchString : JSON.stringify(SearchString);
  if (found === undefined) return false;
  if (PositionalConstraint === 'EXACTLY') return found === searched;
  return PositionalConstraint === 'ENDS_WITH' ? found.endsWith(searched) : found.includes(searched);
};

const matches = (statement: Statement, seen: Seen): boolean => {
  const { AndStatement, OrStatement, NotStatement, ByteMatchStatement, LabelMatchStatement } = statement;
  if (AndStatement !== undefined) return AndStatement.Statements.every((one) => matches(one, seen));
  if (OrStatement !== undefined) return OrStatement.Statements.some((one) => matches(one, seen));
  if (NotStatement !== undefined) return !matches(NotStatement.Statement, seen);
  if (ByteMatchStatement !== undefined) return byteMatches(ByteMatchStatement, seen);
  if (LabelMatchStatement !== undefined) return seen.labels.has(LabelMatchStatement.Key);
  if (statement.RateBasedStatement !== undefined) return false;
  throw new Error(`The statement ${Object.keys(statement).join(', ')} is not known here`);
};

/** The name of the rule that blocks the request, in order of priority; `undefined` if it passes. */
export const stoppedBy = (rules: readonly WebAclRule[], asked: Asked): string | undefined => {
  const labels = new Set<string>();
  for (const { Name, Action, Statement: statement } of rules.toSorted((a, b) => a.Priority - b.Priority)) {
    const { ManagedRuleGroupStatement: group } = statement;
    if (group === undefined) {
      if (matches(statement, { ...asked, labels }) && 'Block' in (Action ?? {})) return Name;
    } else if (group.Name === 'AWSManagedRulesCommonRuleSet') {
      for (const rule of commonRules.filter((one) => one.matches(asked))) {
        labels.add(rule.label);
        const override = group.RuleActionOverrides?.find((one) => one.Name === rule.name)?.ActionToUse ?? { Block: {} };
        if ('Block' in override) return rule.name;
      }
    }
  }
  return undefined;
};
