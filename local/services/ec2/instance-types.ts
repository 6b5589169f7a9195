/**
 * The instance types that the region knows, with the figures of AWS's own tables.
 * https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html
 */
import type { _InstanceType, InstanceTypeInfo } from '@aws-sdk/client-ec2';

export interface InstanceTypeFacts {
  readonly name: _InstanceType;
  readonly architecture: 'x86_64' | 'arm64';
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly burstable: boolean;
  /** Whether On-Demand vCPU quotas count it under "Standard". All families here do. */
  readonly bootModes: readonly ('legacy-bios' | 'uefi')[];
}

function family(
  prefix: string,
  architecture: 'x86_64' | 'arm64',
  sizes: readonly (readonly [size: string, vcpus: number, memoryMiB: number])[],
): InstanceTypeFacts[] {
  return sizes.map(([size, vcpus, memoryMiB]) => ({
    name: `${prefix}.${size}` as _InstanceType, // the SDK's union lists each of these
    architecture,
    vcpus,
    memoryMiB,
    burstable: prefix.startsWith('t'),
    bootModes: architecture === 'arm64' ? ['uefi'] : ['legacy-bios', 'uefi'],
  }));
}

const burstableSizes = [
  ['nano', 2, 512],
  ['micro', 2, 1024],
  ['small', 2, 2048],
  ['medium', 2, 4096],
  ['large', 2, 8192],
] as const;
const computeSizes = [
  ['large', 2, 4096],
  ['xlarge', 4, 8192],
  ['2xlarge', 8, 16_384],
] as const;
const generalSizes = [
  ['large', 2, 8192],
  ['xlarge', 4, 16_384],
  ['2xlarge', 8, 32_768],
] as const;

const table = new Map(
  [
    ...family('t3', 'x86_64', burstableSizes),
    ...family('t3a', 'x86_64', burstableSizes),
    ...family('t4g', 'arm64', burstableSizes),
    ...family('c6i', 'x86_64', computeSizes),
    ...family('c7i', 'x86_64', computeSizes),
    ...family('c7a', 'x86_64', [['medium', 1, 2048], ...computeSizes]),
    ...family('c6g', 'arm64', [['medium', 1, 2048], ...computeSizes]),
    ...family('c7g', 'arm64', [['medium', 1, 2048], ...computeSizes]),
    ...family('m7i', 'x86_64', generalSizes),
    ...family('m7g', 'arm64', [['medium', 1, 4096], ...generalSizes]),
  ].map((facts) => [facts.name as string, facts]),
);

export function instanceTypeFacts(name: string | undefined): InstanceTypeFacts | undefined {
  return table.get(name ?? '');
}

export function allInstanceTypes(): readonly InstanceTypeFacts[] {
  return [...table.values()];
}

export function describeType(facts: InstanceTypeFacts): InstanceTypeInfo {
  return {
    InstanceType: facts.name,
    CurrentGeneration: true,
    FreeTierEligible: facts.name === 't3.micro',
    SupportedUsageClasses: ['on-demand', 'spot'],
    SupportedRootDeviceTypes: ['ebs'],
    SupportedVirtualizationTypes: ['hvm'],
    BareMetal: false,
    Hypervisor: 'nitro',
    ProcessorInfo: { SupportedArchitectures: [facts.architecture] },
    VCpuInfo: { DefaultVCpus: facts.vcpus },
    MemoryInfo: { SizeInMiB: facts.memoryMiB },
    InstanceStorageSupported: false,
    EbsInfo: { EncryptionSupport: 'supported', NvmeSupport: 'required', EbsOptimizedSupport: 'default' },
    NetworkInfo: { EnaSupport: 'required', MaximumNetworkInterfaces: 2, Ipv6Supported: true },
    BurstablePerformanceSupported: facts.burstable,
    AutoRecoverySupported: true,
    SupportedBootModes: [...facts.bootModes],
  };
}
