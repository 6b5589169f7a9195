/**
 * What an editor shows of each field of a fleet's file, by its path; `[]` stands for the members of a list. They stand
 * here and not in the schema, because no function needs them.
 */
export const fleetSpecWords: Readonly<Record<string, string>> = {
  $schema: 'Where this schema is, for editors; it is not sent.',
  fleet: "The fleet's name; may be left out where the command line says it (--fleet NAME).",
  rule: "What of the listener's traffic is the fleet's: at least one host or path, five values in all.",
  'rule.listenerArn': "The listener; absent: that of the stack's parameter ListenerArn.",
  'rule.testListenerArn':
    'Another listener (HTTP) of the same load balancer, with the same hosts and paths for this fleet. From when a candidate is healthy until its promotion it leads there, and else to nobody (503).',
  'rule.hosts': 'Host names, * and ? as the load balancer matches them. With paths too, both must match.',
  'rule.paths': 'Paths, such as /api/*.',
  port: 'Where the program listens.',
  architecture: 'Of the program, the image and all instance types.',
  healthCheck: 'The HTTP health check of both slots. Without one nothing can be proven, so it is required.',
  'healthCheck.path': 'What is asked of each instance.',
  'healthCheck.intervalSeconds': 'Time between two questions.',
  'healthCheck.timeoutSeconds': 'How long an answer may take; less than the interval.',
  'healthCheck.healthyThreshold': 'So many good answers in a row make an instance healthy.',
  'healthCheck.unhealthyThreshold': 'So many bad ones make it unhealthy.',
  'healthCheck.statusCodes': 'Good answers: 200, 200,204 or 200-299.',
  'healthCheck.deadlineSeconds':
    'How long a candidate may take until it is healthy, before the rollout gives up.',
  'healthCheck.gracePeriodSeconds':
    'How long Auto Scaling leaves a new instance alone before its health counts.',
  instances: 'How many of what. Of the sizes, minimum ≤ desired ≤ maximum.',
  'instances.types': 'In order of preference, all of the fleet’s architecture.',
  'instances.minimum': 'Of live; a rollout holds it at the present size meanwhile.',
  'instances.desired': 'Of the first release. Later ones begin at the size that live has then.',
  'instances.maximum': 'How far scaling may go.',
  'instances.spotPercent': 'Per cent of the instances above the first that may be Spot.',
  'instances.maxLifetimeSeconds': 'Each server is replaced after this time, launching before terminating.',
  'instances.profile':
    "The name of an instance profile, for the program's own rights. Its role is one of those that the stack's parameter InstanceRoles allows: below the path /flotilla/, by default.",
  'instances.subnets': "Where instances run; absent: the stack's subnets.",
  'instances.securityGroups': "Absent: the stack's.",
  scaling: 'Policies that are made for the slot of the release that is promoted.',
  'scaling.requestsPerTarget': 'Scales to so many requests a minute for each instance.',
  'scaling.cpuPercent': 'Scales to so much of the processors’ time.',
  rollout: 'How a new release gets the traffic, and what may stop it.',
  'rollout.steps': 'Weights that rise from step to step; the last is 100.',
  'rollout.steps[].weight': 'Per cent of the requests that the candidate gets.',
  'rollout.steps[].bakeSeconds': 'How long it is watched before the next step; 0 goes on at once.',
  'rollout.steps[].approval': 'Waits after the bake for a person: flotilla approve, flotilla reject.',
  'rollout.steps[].approvalSeconds': 'Nobody in this time means no.',
  'rollout.alarms':
    'CloudWatch alarms, composite ones too, that end the rollout when they ring. One that does not exist rings.',
  'rollout.alarms[].name': 'As CloudWatch has it.',
  'rollout.alarms[].missingData':
    'What INSUFFICIENT_DATA means. ignore: neither abort nor quiet, and lineage tells; quiet: all is well; abort: as if it rang.',
  'rollout.alarms[].fromStep':
    'The step from which on it counts; before it the alarm may ring. A rollout of fewer steps asks it at its last.',
  'rollout.alarms[].whileWarm':
    'What happens when it rings after the promotion, while the former release is warm. roll-back goes back to that, once.',
  'rollout.capacity':
    'full: the candidate has its whole size before it gets traffic; follow: it grows with its share. Live never shrinks before the promotion.',
  'rollout.keepWarmSeconds':
    'How long the former release stays warm after the promotion, so that rolling back is one change of weights.',
  'rollout.lockWaitSeconds':
    'How long a rollout waits for the fleet, queue included, before it ends with LeaseTimeout.',
  'rollout.whenBusy':
    'What a second deploy does while one runs. queue: waits its turn; supersede: ends the one that runs, if it is not promoted yet, and takes the place of those that wait; refuse: is told so.',
  'rollout.smokeTest':
    'One request from inside the VPC to each healthy instance of the candidate (of more than 500, the first), past the load balancer, before any traffic; where the fleet has a test listener, by that too, at each node of the load balancer.',
  'rollout.smokeTest.path': 'What is asked.',
  'rollout.smokeTest.status': 'The one answer that is good.',
  'rollout.hooks':
    'Functions that have a say, tagged flotilla:hook with the name of the stack. They answer {"verdict": "go"}; anything else undoes the rollout.',
  'rollout.hooks.beforeTraffic':
    'ARN of the function asked once the candidate is healthy, before any traffic.',
  'rollout.hooks.afterTraffic': 'ARN of the function asked after the last step, before the promotion.',
  'rollout.hooks.timeoutSeconds': 'How long each may take to answer.',
  'rollout.drainSeconds': 'How long instances that leave may end their requests.',
  image: 'What goes into the image beside the program.',
  'image.kernel': "The kernel bundle's version in the store; absent: the newest that was added.",
  'image.arguments': "After the program's own name.",
  'image.environment': 'Not for secrets: whoever may read the image may read it.',
  'image.files': 'Small text files by their absolute path. Larger ones belong into the binary (go:embed).',
  'image.klibs': 'Kernel modules of the bundle to load, by name.',
  'image.volumeSizeGiB': 'Size of the root volume.',
  'image.smokeBoot':
    'Boot one instance of each new image, and ask it for its health, before it may be released.',
  'image.smokeBoot.spot': 'As a Spot Instance where EC2 has one; else On-Demand.',
  'image.smokeBoot.deadlineSeconds': 'How long it may take until it is healthy, from the launch on.',
  'image.bootMode':
    'Absent: by BIOS on x86-64, by UEFI on arm64. The others want a kernel bundle with bootx64.efi, or a disk with an EFI partition.',
  deployOnUpload: 'Whether an upload to <fleet>/… is deployed by itself once its image stands.',
};
