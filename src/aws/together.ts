/**
 * What `Promise.all` gives, or the first of its failures in their order, but only once all have ended. A function that
 * answers while calls of its are out is stopped with them; they end, or break, in the midst of whatever it is asked next.
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown
 */
export async function together<const Works extends readonly unknown[]>(
  works: Works,
): Promise<{ -readonly [Place in keyof Works]: Awaited<Works[Place]> }> {
  await Promise.allSettled(works);
  return await Promise.all(works);
}
