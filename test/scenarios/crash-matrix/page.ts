/** What a whole matrix of rollouts tells. */
import { invariants } from '../kit/invariants/violation.ts';
import { mutants } from '../kit/mutants/mutants.ts';

/** `docs/crash-matrix.md`. @param table lines of Markdown */
export function page(table: readonly string[]): string {
  return `# The crash matrix

Written by \`npm run crash-matrix -- rollout\`; do not edit it by hand.

Each scenario is first run without a fault, to see every call that the product's functions make and every state in which
its machines spend time. Then it is run once for each of these points and each fault, in virtual time, until the fleet
rests. The invariants of the design are checked after every call that changed something and after every moment at which
time alone did (\`test/scenarios/kit/invariants.ts\`); and at rest those that mean nothing before: exactly one live release
at full weight (none where there was none), its size as specified, nothing pinned, nothing left over, no image that
lineage does not know or knows twice, the lease free, and lineage that says what happened.

- *killed before, killed after*: the function's process dies before the call reaches AWS, or once it is done.
- *throttled*: AWS refuses the call. *late by half a minute*: it is done after its caller has given it up. *answer lost*:
  it is done, and its caller never hears so.
- *fenced off meanwhile*: the execution is stopped when the call is made, and the call is done 10 s later; the function
  goes on, and must begin no other. *lands after recovery began*: it is done 100 s later, when recovery has begun to
  undo.
- *stopped*: the execution is stopped in that state; *event lost*: and nobody is told; *redriven*: and redriven 5 s later,
  or when recovery has ended.

Runs, and how many of them broke an invariant:

${table.join('\n')}

The checker itself is proven by mutants of the product, each caught by the invariant that it breaks
(\`test/scenarios/mutants.test.ts\`):

${mutants.map(({ name, invariant }) => `- ${name}: invariant ${invariant}, ${invariants[invariant]}`).join('\n')}

## What AWS does not let anybody promise

- A target's health and a change of weights cannot be tied together: what a function knows of health when it calls may
  be seconds old. The checker allows ten.
- A machine that fails by itself takes its requests with it, until health checks have seen it. Such slots are not blamed
  for being without a healthy target for a quarter of an hour.
- No call to EC2, Auto Scaling or the load balancer can carry a fence. One call that was given up, or in flight when a
  fence fell, may land at any time; it is seen at the next step's border, and repaired before traffic moves. Where it
  lands within those ten seconds before a change of weights, at the step after.
`;
}
