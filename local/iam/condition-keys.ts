/**
 * The condition keys that requests here carry. A condition on another key would be judged as if AWS left the key
 * out, where AWS fills it in: such a policy is refused by name.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 * https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
const known = new Set([
  // Every request has them; the user's name, only a user's.
  'aws:currenttime',
  'aws:epochtime',
  'aws:principalaccount',
  'aws:principalarn',
  'aws:principaltype',
  'aws:requestedregion',
  'aws:securetransport',
  'aws:userid',
  'aws:username',
  // Services on behalf of a resource, in trust policies and the policies of functions.
  'aws:sourceaccount',
  'aws:sourcearn',
  // The operations that set or look at them.
  'aws:tagkeys',
  'cloudwatch:namespace',
  'ec2:createaction',
  'elasticloadbalancing:createaction',
  'iam:passedtoservice',
  's3:delimiter',
  's3:max-keys',
  's3:prefix',
]);
const families = [
  'aws:requesttag/',
  'aws:resourcetag/',
  'autoscaling:resourcetag/',
  'ec2:resourcetag/',
  'elasticloadbalancing:resourcetag/',
];

/** Whether the region does not know when AWS would fill a key in. */
export function unknownKey(key: string): boolean {
  const name = key.toLowerCase();
  return !known.has(name) && !families.some((family) => name.startsWith(family));
}
