/**
 * Why a mutant may survive: nobody could tell it from the code as it stands. A decision that somebody could tell has a
 * test instead.
 */

export interface Because {
  /** A sentence. */
  readonly because: string;
  /** The line, and the line as changed, as `npm run mutate` prints both; as often as it survives. */
  readonly mutants: readonly (readonly [line: string, changed: string])[];
}

export const reasons: Readonly<Record<string, readonly Because[]>> = {
  'src/fleet/capacity.ts': [
    {
      because:
        'The types ask whether it is there. A comparison with what is not there is false, as the answer is without it.',
      mutants: [
        [
          'return pinned === undefined || live.minimum >= pinned ? undefined : pinned;',
          'return false || live.minimum >= pinned ? undefined : pinned;',
        ],
      ],
    },
  ],
  'src/fleet/conditions.ts': [
    {
      because: 'Either case will do, as long as both sides are brought to the same.',
      mutants: [
        [
          'const lower = (hosts: readonly string[]) => hosts.map((host) => host.toLowerCase());',
          'const lower = (hosts: readonly string[]) => hosts.map((host) => host.toUpperCase());',
        ],
        [
          'JSON.stringify([c.hosts.map((host) => host.toLowerCase()).sort(), [...c.paths].sort()]);',
          'JSON.stringify([c.hosts.map((host) => host.toUpperCase()).sort(), [...c.paths].sort()]);',
        ],
      ],
    },
  ],
  'src/fleet/evidence.ts': [
    {
      because: 'Nothing is found under no name, so that asking first whether there is one changes nothing.',
      mutants: [
        [
          'const sign = comparison === undefined ? undefined : comparisons[comparison];',
          'const sign = false ? undefined : comparisons[comparison];',
        ],
      ],
    },
    {
      because: 'An empty text is no JSON, which ends in no members, too.',
      mutants: [
        [
          "const parsed: unknown = JSON.parse(text ?? '{}');",
          'const parsed: unknown = JSON.parse(text ?? "");',
        ],
      ],
    },
    {
      because: 'Members are looked up by their names, and what is no object has none of them.',
      mutants: [
        [
          "return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};",
          'return true ? { ...parsed } : {};',
        ],
        [
          "return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};",
          "return typeof parsed === 'object' || parsed !== null ? { ...parsed } : {};",
        ],
        [
          "return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};",
          'return true && parsed !== null ? { ...parsed } : {};',
        ],
        [
          "return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};",
          "return typeof parsed === 'object' && true ? { ...parsed } : {};",
        ],
      ],
    },
  ],
  'src/fleet/failed-before.ts': [
    {
      because:
        'The types ask whether it is there. A comparison with what is not there is false, as the answer is without it.',
      mutants: [
        [
          "return at !== undefined && at >= (served.at(-1) ?? '');",
          "return true && at >= (served.at(-1) ?? '');",
        ],
      ],
    },
    {
      because: 'A default for the types alone: what stands before it is always there.',
      mutants: [
        [
          "return at !== undefined && at >= (served.at(-1) ?? '');",
          'return at !== undefined && at >= (served.at(-1) ?? "Stryker was here!");',
        ],
        [
          ".sort((a, b) => (failedAt(b) ?? '').localeCompare(failedAt(a) ?? ''))[0];",
          `.sort((a, b) => (failedAt(b) ?? "Stryker was here!").localeCompare(failedAt(a) ?? ''))[0];`,
        ],
        [
          ".sort((a, b) => (failedAt(b) ?? '').localeCompare(failedAt(a) ?? ''))[0];",
          `.sort((a, b) => (failedAt(b) ?? '').localeCompare(failedAt(a) ?? "Stryker was here!"))[0];`,
        ],
      ],
    },
  ],
  'src/fleet/fixed-parts.ts': [
    {
      because:
        'From 1000 up every priority is taken at this point, so that looking through some of them again finds none.',
      mutants: [
        [
          'for (let priority = firstPriority - 1; priority >= 1; priority--) {',
          'for (let priority = firstPriority + 1; priority >= 1; priority--) {',
        ],
      ],
    },
  ],
  'src/fleet/going-back.ts': [
    {
      because: 'The types ask whether it is there. What is not there is no later than anything.',
      mutants: [
        [
          'return leftAt !== undefined && leftAt >= servedAt ? leftAt : undefined;',
          'return true && leftAt >= servedAt ? leftAt : undefined;',
        ],
      ],
    },
    {
      because: 'A default for the types alone: what stands before it is always there.',
      mutants: [
        [
          ".sort((a, b) => (b.servedAt ?? '').localeCompare(a.servedAt ?? ''));",
          `.sort((a, b) => (b.servedAt ?? "Stryker was here!").localeCompare(a.servedAt ?? ''));`,
        ],
        [
          ".sort((a, b) => (b.servedAt ?? '').localeCompare(a.servedAt ?? ''));",
          `.sort((a, b) => (b.servedAt ?? '').localeCompare(a.servedAt ?? "Stryker was here!"));`,
        ],
      ],
    },
  ],
  'src/fleet/guard.ts': [
    {
      because:
        'The types ask whether it is there. A comparison with what is not there is false, as the answer is without it.',
      mutants: [['if (removal.slot !== undefined) {', 'if (true) {']],
    },
  ],
  'src/fleet/health.ts': [
    {
      because: "Stryker's text in place of an activity describes no termination.",
      mutants: [
        [
          'activities: readonly ActivityView[] = [],',
          'activities: readonly ActivityView[] = ["Stryker was here"],',
        ],
      ],
    },
  ],
  'src/fleet/orders.ts': [
    {
      because: 'Every order says for itself what it is in this state; the row has it for the types.',
      mutants: [
        ["proving: 'no',", 'proving: "",'],
        ["baking: 'no',", 'baking: "",'],
        ["approval: 'no',", 'approval: "",'],
        ["paused: 'no',", 'paused: "",'],
      ],
    },
    {
      because: 'Nothing is found under no name, so that asking first whether there is one changes nothing.',
      mutants: [
        [
          'const instead = state === undefined ? undefined : insteadOf[state];',
          'const instead = false ? undefined : insteadOf[state];',
        ],
      ],
    },
  ],
  'src/fleet/plan.ts': [
    {
      because: 'The types ask whether there is a step; every plan has one.',
      mutants: [['steps[0]?.weight === 100 &&', 'steps[0].weight === 100 &&']],
    },
    {
      because: 'A default for the types alone: what stands before it is always there.',
      mutants: [
        [
          "const [, fleet = '', release, rollout] = match;",
          'const [, fleet = "Stryker was here!", release, rollout] = match;',
        ],
      ],
    },
    {
      because: "No instance has Stryker's text for an id.",
      mutants: [
        [
          'leaving: evicted?.members.map(({ id }) => id) ?? [],',
          'leaving: evicted?.members.map(({ id }) => id) ?? ["Stryker was here"],',
        ],
      ],
    },
  ],
  'src/fleet/quotas.ts': [
    {
      because: 'No pattern of a family matches any text that is put here.',
      mutants: [
        [
          "const letters = /^[a-z]+/.exec(instanceType)?.[0] ?? '';",
          'const letters = /^[a-z]+/.exec(instanceType)?.[0] ?? "Stryker was here!";',
        ],
      ],
    },
  ],
  'src/fleet/request.ts': [
    {
      because:
        'The types ask whether there is an image; who asks for one that is not there was refused before.',
      mutants: [
        [
          "const asksForImage = request.target.kind === 'image' && image !== undefined;",
          "const asksForImage = request.target.kind === 'image' && true;",
        ],
      ],
    },
    {
      because:
        'The types ask whether it is there. A comparison with what is not there is false, as the answer is without it.',
      mutants: [
        [
          'if (request.upload !== undefined && request.upload < fleet.newestUpload && !force) {',
          'if (true && request.upload < fleet.newestUpload && !force) {',
        ],
      ],
    },
    {
      because: 'A new release whose image is not there was refused a few lines before.',
      mutants: [
        [
          '? last.release.identity === world.image?.identity',
          '? last.release.identity === world.image.identity',
        ],
      ],
    },
    {
      because: 'The word `new` has no number either.',
      mutants: [
        [
          "const asked = release === 'new' ? undefined : release.number;",
          'const asked = false ? undefined : release.number;',
        ],
        [
          "const asked = release === 'new' ? undefined : release.number;",
          'const asked = release === "" ? undefined : release.number;',
        ],
      ],
    },
  ],
  'src/fleet/traffic.ts': [
    {
      because:
        'The types ask whether it is there. A comparison with what is not there is false, as the answer is without it.',
      mutants: [
        [
          'if (sameWeights(present, lineage.weights) || lineage.weightsSince === undefined) return false;',
          'if (sameWeights(present, lineage.weights) || false) return false;',
        ],
      ],
    },
  ],
  'src/fleet/failure-card.ts': [
    {
      because:
        'What was not found has no place in the text; to ask for it throws, and the text stays as it is, too.',
      mutants: [['if (found?.[1] === undefined) return text;', 'if (false) return text;']],
    },
  ],
  'src/fleet/gates.ts': [
    {
      because: 'Neither text is a time, and no time is before another.',
      mutants: [
        [
          "return Date.parse(rangAt ?? '') < Date.parse(since);",
          'return Date.parse(rangAt ?? "Stryker was here!") < Date.parse(since);',
        ],
      ],
    },
  ],
};
