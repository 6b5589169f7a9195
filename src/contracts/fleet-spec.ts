/** What a person says of a fleet: the body of `PUT /fleets/{fleet}` and the file of `flotilla fleet apply`. */
import * as z from 'zod';
import { architecture, bootMode } from './ids.ts';

const seconds = (minimum: number, maximum: number) => z.number().int().min(minimum).max(maximum);
const day = 86_400;

/**
 * The HTTP health check of both target groups; without one nothing can be proven, so it is required.
 * Ranges are those of CreateTargetGroup:
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
 */
export const healthCheck = z.strictObject({
  path: z.string().startsWith('/').max(1024),
  intervalSeconds: seconds(5, 300).default(5),
  timeoutSeconds: seconds(2, 120).default(2),
  healthyThreshold: z.number().int().min(2).max(10).default(2),
  unhealthyThreshold: z.number().int().min(2).max(10).default(2),
  /** As the load balancer matches them: `200`, `200,204` or `200-299`. */
  statusCodes: z
    .string()
    .regex(/^\d{3}([,-]\d{3})*$/)
    .default('200'),
  /** How long a candidate may take until it is healthy, before the rollout gives up. */
  deadlineSeconds: seconds(15, 3600).default(300),
  /** How long Auto Scaling leaves a new instance alone before its health counts. */
  gracePeriodSeconds: seconds(0, 7200).default(30),
});

/** One step of a rollout: so much of the traffic, for so long, then perhaps a person's word. */
export const rolloutStep = z.strictObject({
  /** Per cent of requests that the candidate gets. */
  weight: z.number().int().min(1).max(100),
  /** How long to watch before the next step; 0 goes on at once. */
  bakeSeconds: seconds(0, 30 * day).default(0),
  /** Wait for `approve` after the bake; closed (aborted) when nobody came in `approvalSeconds`. */
  approval: z.boolean().default(false),
  approvalSeconds: seconds(60, 30 * day).default(day),
});
export type RolloutStep = z.infer<typeof rolloutStep>;

export const alarmWatch = z.strictObject({
  name: z.string().min(1).max(255),
  /** What INSUFFICIENT_DATA counts as; by itself it neither aborts nor counts as quiet. */
  missingData: z.enum(['ignore', 'quiet', 'abort']).default('ignore'),
  /** The step from which on it counts; before it the alarm may ring. A rollout of fewer steps asks it at its last. */
  fromStep: z.number().int().min(1).max(20).default(1),
  /** What happens when it rings after the promotion, as long as the former release is warm. */
  whileWarm: z.enum(['ignore', 'roll-back']).default('ignore'),
});
export type AlarmWatch = z.infer<typeof alarmWatch>;

/** A function without version or alias: those carry no tags, by which an operator lets it be a hook. */
export const hookArn = z
  .string()
  .regex(
    /^arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]{1,64}$/,
    'the ARN of a function, unqualified',
  );

/** How large a candidate is: `full` at once, or growing with its share of the traffic (`follow`). */
export const capacityMode = z.enum(['full', 'follow']);
export type CapacityMode = z.infer<typeof capacityMode>;

export const rolloutSettings = z.strictObject({
  /** Ascending weights; the last is 100. */
  steps: z
    .array(rolloutStep)
    .min(1)
    .max(20)
    .refine((steps) => steps.at(-1)?.weight === 100, 'the last step must have weight 100')
    .refine(
      (steps) => steps.every((step, i) => i === 0 || step.weight > (steps[i - 1]?.weight ?? 0)),
      'weights must rise from step to step',
    )
    .default([
      { weight: 10, bakeSeconds: 60, approval: false, approvalSeconds: day },
      { weight: 50, bakeSeconds: 60, approval: false, approvalSeconds: day },
      { weight: 100, bakeSeconds: 60, approval: false, approvalSeconds: day },
    ]),
  alarms: z.array(alarmWatch).max(20).default([]),
  /** Live never shrinks before promotion, whichever it is. */
  capacity: capacityMode.default('full'),
  /** How long the former live release stays warm after promotion, so that rolling back is one change of weights. */
  keepWarmSeconds: seconds(0, 30 * day).default(3600),
  /** How long a rollout waits for the fleet's lease. */
  lockWaitSeconds: seconds(0, day).default(900),
  /** What a second deploy does while one runs. A rollback that runs or waits is superseded by a rollback alone. */
  whenBusy: z.enum(['queue', 'supersede', 'refuse']).default('queue'),
  /**
   * Asked of each candidate instance before any traffic, and by the test listener where the fleet has one; absent:
   * health is the proof.
   */
  smokeTest: z
    .strictObject({
      path: z.string().startsWith('/').max(1024),
      status: z.number().int().min(100).max(599).default(200),
    })
    .optional(),
  /**
   * Functions of the fleet's owner that are asked before any traffic, and after the last step before promotion. They
   * answer `{"verdict": "go"}`, or `{"verdict": "refuse", "reason": "…"}`. A rollback to a warm release asks nobody.
   */
  hooks: z
    .strictObject({
      beforeTraffic: hookArn.optional(),
      afterTraffic: hookArn.optional(),
      timeoutSeconds: seconds(1, 900).default(60),
    })
    .optional(),
  /** How long draining targets may finish their requests. */
  drainSeconds: seconds(0, 3600).default(30),
});

const environmentName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
  .max(256);
const noNul = (text: string) => !text.includes('\0');
const environmentValue = z.string().max(4096).refine(noNul);

/** Some values of a program's environment; the others stay. A name in both is set. */
export const environmentChange = z.strictObject({
  set: z.record(environmentName, environmentValue).default({}),
  unset: z.array(environmentName).max(100).default([]),
});
export type EnvironmentChange = z.infer<typeof environmentChange>;

export const imageSettings = z.strictObject({
  /** The kernel bundle's version in the store; absent: the newest that was added. */
  kernel: z
    .string()
    .regex(/^[0-9A-Za-z][0-9A-Za-z.+-]*$/)
    .max(64)
    .optional(),
  /** Arguments after the program's own name. */
  arguments: z.array(z.string().max(4096).refine(noNul)).max(256).default([]),
  /** Not for secrets: what stands here is readable by whoever may read the image. */
  environment: z.record(environmentName, environmentValue).default({}),
  /** Small text files by absolute path. Larger ones belong into the binary (go:embed). */
  files: z
    .record(
      z
        .string()
        .regex(/^\/[^\0]+$/)
        .max(1024),
      z.string().max(65_536),
    )
    .refine((files) => Object.keys(files).every((path) => !path.split('/').includes('..')), 'no .. in paths')
    .default({}),
  /** Kernel modules of the bundle to put in and load, by name. A disk built by Ops brings its own. */
  klibs: z
    .array(
      z
        .string()
        .regex(/^[0-9A-Za-z_.-]+$/)
        .max(64),
    )
    .max(32)
    .default([]),
  volumeSizeGiB: z.number().int().min(1).max(1024).default(1),
  /**
   * Absent: as Ops' own AMIs boot, by BIOS on x86-64 and by UEFI on arm64, which knows nothing else. The others want
   * a kernel bundle with bootx64.efi, or a disk with an EFI system partition.
   */
  bootMode: bootMode.optional(),
  /**
   * Boot one instance of each new image, and ask it for the health check's path, before the image may be released;
   * absent: the rollout's own checks are the first. `{}` is enough.
   */
  smokeBoot: z
    .strictObject({
      /** As a Spot Instance where EC2 has one; else, or where this is false, On-Demand. */
      spot: z.boolean().default(true),
      /** How long it may take until it is healthy, from the launch on. */
      deadlineSeconds: seconds(15, 900).default(180),
    })
    .optional(),
});

export const instanceSettings = z
  .strictObject({
    /** In order of preference; all of the fleet's architecture. */
    types: z
      .array(z.string().regex(/^[a-z0-9-]+\.[a-z0-9-]+$/))
      .min(1)
      .max(20)
      .default(['t3.nano']),
    minimum: z.number().int().min(1).max(1000).default(1),
    desired: z.number().int().min(1).max(1000).default(1),
    maximum: z.number().int().min(1).max(2000).default(4),
    /** Per cent of instances above the first that may be Spot. */
    spotPercent: z.number().int().min(0).max(100).default(0),
    /** Every server is replaced after this time, launching before terminating: a week unless said otherwise. */
    maxLifetimeSeconds: seconds(day, 365 * day).default(7 * day),
    /** Name of an instance profile for the program's own rights; its role is one that the stack may give (InstanceRoles). */
    profile: z.string().max(128).optional(),
    subnets: z.array(z.string().startsWith('subnet-')).min(1).optional(),
    securityGroups: z.array(z.string().startsWith('sg-')).min(1).optional(),
  })
  .refine((i) => i.minimum <= i.desired && i.desired <= i.maximum, 'minimum ≤ desired ≤ maximum');

export const fleetSpec = z
  .strictObject({
    /** What of the listener's traffic is the fleet's: at least one of hosts and paths. */
    rule: z
      .strictObject({
        listenerArn: z.string().startsWith('arn:').optional(),
        /**
         * Another listener of the same load balancer, where the fleet has a second rule with the same hosts and paths:
         * it leads to the candidate alone, from when that is healthy until it is promoted, and else to nobody.
         */
        testListenerArn: z.string().startsWith('arn:').optional(),
        hosts: z.array(z.string().min(1).max(128)).max(5).default([]),
        paths: z.array(z.string().startsWith('/').max(128)).max(5).default([]),
      })
      .refine((rule) => rule.hosts.length + rule.paths.length > 0, 'name at least one host or path')
      .refine((rule) => rule.hosts.length + rule.paths.length <= 5, 'a rule takes five values in all'),
    /** Where the program listens. */
    port: z.number().int().min(1).max(65_535).default(8080),
    architecture: architecture.default('x86_64'),
    healthCheck,
    instances: instanceSettings.prefault({}),
    scaling: z
      .strictObject({
        requestsPerTarget: z.number().positive().optional(),
        cpuPercent: z.number().min(1).max(100).optional(),
      })
      .optional(),
    rollout: rolloutSettings.prefault({}),
    image: imageSettings.prefault({}),
    /** Whether an upload to `<fleet>/…` is deployed by itself once its image stands. */
    deployOnUpload: z.boolean().default(true),
  })
  .refine((spec) => spec.architecture === 'x86_64' || (spec.image.bootMode ?? 'uefi') === 'uefi', {
    message: 'arm64 boots by UEFI alone',
    path: ['image', 'bootMode'],
  });

/** A spec with every default filled in. */
export type FleetSpec = z.infer<typeof fleetSpec>;
/** A spec as a person writes it. */
export type FleetSpecInput = z.input<typeof fleetSpec>;
